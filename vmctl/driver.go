package vmctl

import (
	"errors"
	"io"
	"os"
	"time"

	"hither/fusion"
)

// driver is what a Store needs of a hypervisor. Every method may block as long
// as the hypervisor does, and may be called from many goroutines. Errors are
// *driverError. The real one is libvirt; tests use one in memory.
type driver interface {
	hardwareDriver
	labelDriver
	consoleDriver
	keysDriver
	networkDriver
	storageDriver
	deviceDriver
	backupDriver
	moveDriver
	// domains lists every domain in one bulk call.
	domains() ([]domain, error)
	domain(uuid string) (domain, error)
	define(xml string) error
	// undefine forgets a domain with its saved state; its disks stay.
	undefine(uuid string) error
	// leave is undefine of a domain that goes elsewhere: its UEFI variables and the
	// state of its TPM stay.
	leave(uuid string) error
	act(uuid string, verb fusion.Verb) error
	// startAs starts a domain that is defined, by another definition this once.
	startAs(xml string) error
	// screenshot writes the picture of the first display, PNG or PPM.
	screenshot(uuid string, w io.Writer) error
	// graphics gives one end of a socket on which the display number index
	// speaks its protocol without further authentication.
	graphics(uuid string, index int) (*os.File, error)
	// agent passes a command to the guest's agent and gives its answer, both
	// JSON. Without an agent it is refused as unsupported; an agent's own error is
	// an *guest.Refusal, and one that is slow is busy.
	agent(uuid, command string) (string, error)
	// stats gives the counters of the running ones of some domains, or of all for
	// none, in one bulk call.
	stats(uuids ...string) ([]domainStats, error)
	// snapshots lists a domain's snapshots, in no order, by their own names.
	snapshots(uuid string) ([]fusion.Snapshot, error)
	// takeSnapshot makes a snapshot from its XML: whole, or an error and nothing.
	takeSnapshot(uuid, xml string) (fusion.Snapshot, error)
	revertSnapshot(uuid, name string) error
	// removeSnapshot gives its children its parent.
	removeSnapshot(uuid, name string) error
	// definition gives a domain's XML, for defining it elsewhere; live is that of the
	// running one, with what a move needs (VIR_DOMAIN_XML_MIGRATABLE).
	definition(uuid string, live bool) (string, error)
	// migrate moves a running domain; it returns when the move has ended.
	migrate(uuid string, plan migrationPlan) error
	// progress says how far the job of a domain is, and abortJob ends it.
	progress(uuid string) (fusion.Progress, error)
	abortJob(uuid string) error
	// recovered waits until the hypervisor has looked after a domain amid whose work it
	// was killed; what domain says before that may be what was true then.
	recovered(uuid string) error
	copyDriver
	// advertisesKVM says whether the hypervisor claims to have KVM.
	advertisesKVM() (bool, error)
	// lost is closed when the connection broke; close does not close it.
	lost() <-chan struct{}
	close() error
}

// openDriver connects to uri. changed is called with the UUID of each domain
// that changed or went; it must not block.
type openDriver func(uri string, changed func(uuid string)) (driver, error)

// domain is one virtual machine as the hypervisor has it.
type domain struct {
	uuid, name string
	state      fusion.MachineState
	active     bool   // a hypervisor process exists
	autostart  bool   // the hypervisor itself starts it
	detail     string // why it is in this state, when the owner should know
	starting   bool   // its QEMU is not up yet: a hypervisor that finds it so when it starts ends it
	gaveUp     bool   // KVM stopped it, and does not let it go on
	ended      bool   // QEMU ended by itself
	unasked    bool   // it is off, and the hypervisor does not know of anybody who asked for that
	unkept     bool   // its last scheduled backup failed, which the Store knows
	domainInfo
}

// domainInfo is what a domain's definition says.
type domainInfo struct {
	cpus        int
	memoryBytes int64
	accelerator string       // "kvm", "tcg", or what else libvirt calls it
	vnc         int          // index of the VNC display, -1 when there is none
	display     string       // type of the first display: "vnc", "spice", …
	pictured    bool         // it has a graphics card, so screenshots can be made
	tablet      bool         // its pointer can be put at a place
	serial      bool         // it has a console that libvirt can open
	disks       []domainDisk // not CD drives
	drives      []string     // the targets of CD and floppy drives
	inserted    []string     // the files in them
	ownDisks    []string     // file names in the pool that were made for it
	added       []string     // those of them that Create did not make
	labels      fusion.Labels
	ours        bool   // made by Create
	key         string // the idempotency key of the call that made it, or ""
	nics        []domainNIC
	bases       []string // file names in the pool that its disks stand on
	template    bool
	appsState   string   // of the apps that its first start installs: "installing", "failed" or ""
	apps        []string // those
	devices     []string // of the host, by fusion.Device.ID
	firmware    string   // of firmwares
	vars        string   // path of the UEFI variables, "" when there are none or libvirt chooses
	tpm         bool     // it has an emulated TPM, whose state libvirt keeps
}

type domainDisk struct {
	target   string // "vda"
	path     string // "" for a network disk
	format   string // "qcow2", "raw", …
	readOnly bool
}

// domainStats are the counters of one running domain.
type domainStats struct {
	uuid  string
	stats fusion.Stats
}

// migrationPlan says how a domain moves.
type migrationPlan struct {
	to            string // the destination's libvirt, for the source's
	memory, disks string // URIs of QEMU's sockets
	hasDisks      bool
	rewrite       func(definition string) string // gives it the destination's paths
}

// driverError is a refusal by the hypervisor: one of fusion's causes (or
// errHypervisor) and its own words.
type driverError struct {
	cause error
	text  string
}

func (e *driverError) Error() string { return e.cause.Error() + ": " + e.text }
func (e *driverError) Unwrap() error { return e.cause }

// errHypervisor is the cause of what no cause of fusion's describes.
var errHypervisor = errors.New("libvirt refuses")

// callTimeout bounds the calls that must finish whatever the caller's context
// says: the second half of a create, and cleaning up.
const callTimeout = 60 * time.Second
