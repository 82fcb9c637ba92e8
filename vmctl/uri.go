package vmctl

import (
	"context"
	"net/url"
	"os"
	"runtime"

	"hither/fusion"
	"hither/vmctl/process"
)

const (
	uriOff     = "off"
	uriPrivate = "private"
	uriSystem  = "qemu:///system"
	uriSession = "qemu:///session"
)

// switchOnHint names a flag to pass: flags are remembered, so that leaving one
// out changes nothing.
const switchOnHint = "to have them, start the node again with: hither up --libvirt private"

// systemSockets are where libvirt's system daemons listen, monolithic and
// modular.
var systemSockets = []string{"/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock"}

// checkURI refuses what cannot be a libvirt URI.
func checkURI(uri string) error {
	if uri == "" || uri == uriOff || uri == uriPrivate {
		return nil
	}
	if u, err := url.Parse(uri); err == nil && u.Scheme != "" && u.Opaque == "" {
		return nil
	}
	return invalid("machines.open", fusionClip(uri), "it is no libvirt URI",
		"pass --libvirt private, off, or a URI such as "+uriSystem)
}

// resolve gives the libvirt URI to connect to; for a private one it starts or
// adopts the daemon. c.URI is chosen already.
func (c Config) resolve(ctx context.Context) (string, error) {
	switch {
	case c.URI == uriOff:
		return "", &fusion.Error{Op: "machines.connect", Cause: fusion.ErrUnsupported,
			Detail: "virtual machines are switched off on this node", Hint: switchOnHint}
	case c.URI == uriPrivate:
		return c.private().Ensure(ctx)
	case c.URI == uriSession && runtime.GOOS == "linux" && !hasDaemon():
		return "", &fusion.Error{Op: "machines.connect", Path: c.URI, Cause: fusion.ErrUnsupported,
			Detail: "there is no libvirtd", Hint: InstallHint}
	}
	return c.URI, nil
}

// hasDaemon says whether libvirt can start a session daemon, monolithic or
// modular.
func hasDaemon() bool {
	_, libvirtd := process.Find("libvirtd")
	_, virtqemud := process.Find("virtqemud")
	return libvirtd == nil || virtqemud == nil
}

// choose prefers the owner's existing machines. As root, qemu:///session would
// be the system's daemon.
func choose() string {
	if runtime.GOOS != "linux" {
		return uriSession // the driver says why not
	}
	for _, path := range systemSockets {
		if process.Answers(path) {
			return uriSystem
		}
	}
	if os.Getuid() == 0 {
		return uriPrivate
	}
	return uriSession
}
