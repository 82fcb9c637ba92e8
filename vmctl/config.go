package vmctl

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"hither/fusion"
	"hither/vmctl/catalogue"
	"hither/vmctl/power"
	"hither/vmctl/private"
	"hither/vmctl/usbredir"
)

// Config says where a Store keeps things and which libvirt it uses.
type Config struct {
	// Dir is where the Store keeps its state; required. See the package comment.
	Dir string
	// RunDir is a short directory for sockets, at most 60 bytes. Default Dir/run.
	RunDir string
	// URI is a libvirt URI, "private" for a libvirtd of the node's own, or "off".
	// Default: qemu:///system if its socket opens, else qemu:///session (for an
	// ordinary user), else private.
	URI string
	// SelfNote is the note of the machine "self"; default none.
	SelfNote string
	// Peer gives another host, for Migrate. It promises ErrNotFound. Default: there
	// is none.
	Peer func(fusion.HostID) (MigrationPeer, error)
	// ImagePeers gives the image pools of the owner's other hosts that can be asked
	// now. Default: there are none.
	ImagePeers func() []ImagePeer
	// USBPeer gives another host, for its USB devices, and nil for this one. It promises
	// ErrNotFound. Default: there is none.
	USBPeer func(fusion.HostID) (USBPeer, error)
	// Keeper gives another host, for backups that lie there. It promises ErrNotFound.
	// Default: there is none.
	Keeper func(fusion.HostID) (Keeper, error)
	// ID is this host's, as those others know it.
	ID fusion.HostID
	// USB gives the USB devices of this computer away; default: usbredir.Host.
	USB USBHost
	// Osinfo is the directory of libosinfo's database. Default: where it is installed.
	Osinfo string
	// Power switches this computer itself; default: nothing does. Going is called
	// before it goes, and with "" when it stays after all or is back; default none.
	Power power.Switch
	Going func(context.Context, fusion.Away)
	// Job runs what a schedule takes as a job of the host, and gives its error. Default:
	// it runs without being one.
	Job func(ctx context.Context, op, name string, work func(context.Context) error) error
	// Log is silent by default.
	Log *slog.Logger

	open        openDriver                           // default: libvirt
	renew       func(context.Context)                // ends libvirtd, which the next connection starts; default: of a private one only
	guestTime   time.Duration                        // how long a guest may take to follow; default guestTime
	appsPause   time.Duration                        // between two questions to a guest that installs apps; default appsPause
	fetchPause  time.Duration                        // the first pause before a download goes on; default 1 s
	ovs         runOVS                               // default: ovs-vsctl
	routes      func() []route                       // default: the host's
	bridges     func() []string                      // default: the host's
	now         func() time.Time                     // default: time.Now
	after       func(time.Duration) <-chan time.Time // default: time.After
	swtpm       string                               // where libvirt keeps the states of TPMs; default: tpmDir
	keptSpare   int64                                // what backups of others leave free, in bytes; default keptSpare
	installArgs string                               // more for the kernels of installers
}

func (c Config) withDefaults() (Config, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.appsPause == 0 {
		c.appsPause = appsPause
	}
	if c.guestTime == 0 {
		c.guestTime = guestTime
	}
	if c.USB == nil {
		c.USB = usbredir.Host{Log: c.Log}
	}
	if c.Job == nil {
		c.Job = func(ctx context.Context, _, _ string, work func(context.Context) error) error { return work(ctx) }
	}
	if c.now == nil {
		c.now, c.after = time.Now, time.After
	}
	if c.open == nil {
		c.open = openLibvirt
	}
	if c.ovs == nil {
		c.ovs = ovsctl
	}
	if c.routes == nil {
		c.routes = hostRoutes
	}
	if c.bridges == nil {
		c.bridges = hostBridges
	}
	if c.URI == "" {
		c.URI = choose()
	}
	c.Osinfo = cmp.Or(c.Osinfo, catalogue.OsinfoDir)
	c.keptSpare = cmp.Or(c.keptSpare, keptSpare)
	c.fetchPause = cmp.Or(c.fetchPause, time.Second)
	if c.ImagePeers == nil {
		c.ImagePeers = func() []ImagePeer { return nil }
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return c, err
	}
	c.Dir = dir
	if c.RunDir == "" {
		c.RunDir = filepath.Join(dir, "run")
	}
	if c.renew == nil && c.URI == uriPrivate {
		c.renew = func(ctx context.Context) { c.private().Stop(ctx) }
	}
	return c, nil
}

// pool is the directory of images: what was uploaded, and disks.
func (c Config) pool() string { return filepath.Join(c.Dir, "images") }

// intents is the directory of what operations are about to do.
func (c Config) intents() string { return filepath.Join(c.Dir, "intents") }

func (c Config) mkdirs() error {
	for _, dir := range []string{c.Dir, c.pool(), c.intents(), c.loans(), c.RunDir} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	return nil
}

// private is the libvirtd of the node's own.
func (c Config) private() private.Daemon { return private.New(c.Dir, c.RunDir, newUUID, InstallHint) }
