package vmctl

import (
	"errors"
	"io"
	"os"
	"time"

	"hither/fusion"
	"hither/vmctl/domxml"
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
	domxml.Info
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
