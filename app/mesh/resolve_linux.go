package mesh

import (
	"context"
	"net/netip"
	"os"
	"os/exec"
	"time"
)

// resolvedDir is there while systemd-resolved runs.
const resolvedDir = "/run/systemd/resolve"

// resolve has systemd-resolved ask this computer's server for the network's names, and for no
// other; that goes with the device. Where it does not run nothing is changed, and Status
// says what a person can do.
func (r *running) resolve() {
	at, err := netip.ParseAddrPort(r.dns)
	if err != nil {
		return // names are not answered
	}
	if r.tun == nil || at.Port() != 53 {
		r.nameHint = "ask " + r.dns + " for names that end in .hither, or go through hither proxy, which knows them"
		return
	}
	r.nameHint = "add to /etc/resolv.conf as its first line: nameserver " + at.Addr().String()
	path, err := exec.LookPath("resolvectl")
	if err != nil {
		return
	}
	if _, err := os.Stat(resolvedDir); err != nil {
		return
	}
	for _, args := range [][]string{{"dns", r.device, at.Addr().String()}, {"domain", r.device, "~" + Domain}, {"dnssec", r.device, "no"}} {
		ctx, cancel := context.WithTimeout(r.ctx, 5*time.Second)
		out, err := exec.CommandContext(ctx, path, args...).CombinedOutput()
		cancel()
		if err != nil {
			r.m.cfg.Log.Warn("systemd-resolved does not take the network's names", "err", err, "out", string(out))
			return
		}
	}
	r.resolves, r.nameHint = true, ""
}
