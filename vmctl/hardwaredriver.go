package vmctl

// hardwareDriver is what changes of a machine need of a hypervisor. live means what runs
// now; without it the next start is meant. Errors are as those of driver.
type hardwareDriver interface {
	// definitions gives a domain's XML as it runs, "" when it does not, and as its next
	// start will be, with what libvirt hides from readers.
	definitions(uuid string) (now, next string, err error)
	// limits says what a domain can be given.
	limits(kind, arch, machine string) (limits, error)
	// setMemory and setCPUs raise the most that is allowed for the next start too.
	setMemory(uuid string, bytes int64, live bool) error
	setCPUs(uuid string, count int, live bool) error
	// attach, detach and update take a device's XML. A live detach may return before
	// the guest has let go of the device; an event tells.
	attach(uuid, device string, live bool) error
	detach(uuid, device string, live bool) error
	update(uuid, device string, live bool) error
	// diskSize gives a disk's size in bytes by its target, and resize changes that of a
	// domain that runs and tells its guest.
	diskSize(uuid, target string) (int64, error)
	resize(uuid, target string, bytes int64) error
	// save writes the domain's memory to the hypervisor's own place and ends it.
	save(uuid string) error
}

// labelDriver is what writing on a machine needs of a hypervisor.
type labelDriver interface {
	// setMetadata replaces the element of the namespace uri in a domain's metadata, of
	// the next start, of what runs and of what is saved. Element has no prefixes; "" takes
	// it away.
	setMetadata(uuid, key, uri, element string) error
	rename(uuid, name string) error
	// setAutostart says whether the hypervisor itself starts the domain.
	setAutostart(uuid string, on bool) error
}

// limits is what this host can give a domain.
type limits struct {
	memoryBytes int64 // of the host
	cpus        int   // of a machine of that type; 0 is unknown
	uefi        bool  // firmware files are there
	secure      bool  // among them some with Secure Boot
	tpm         bool  // an emulated TPM is there
}
