package vmctl

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// KVM may run a test guest and yet give up on a machine (nested virtualization, kvm-pvm):
// QEMU then stops it for good, and says why in its log only.

const (
	gaveUpDetail = "KVM gave up on its guest; it can be started anew, emulated"

	// kvmHint is what a person does about a machine that KVM does not run.
	kvmHint = "let it be emulated, which is slow: hither machine set MACHINE --accelerator emulated"
)

// domainType chooses between KVM and software emulation for a new machine.
func (s *Store) domainType(ctx context.Context) (string, error) {
	a := s.kvm.Get(ctx)
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if a.Denied && s.URI() == uriSystem {
		// Only libvirt's own user may try it; what it claims must do.
		claims, err := call(ctx, s, func(d driver) (bool, error) { return d.advertisesKVM() }, nil)
		if err != nil {
			return "", err
		}
		a.Works = claims
	}
	if a.Works {
		return "kvm", nil
	}
	s.config.Log.Info("KVM does not run here", "reason", a.Reason, "trace", fusion.Trace(ctx))
	return "qemu", nil
}

// setAccelerator writes the accelerator of the next start, and the processor that goes
// with it where it has the other's.
func (c *changing) setAccelerator(ctx context.Context) (fusion.Changed, error) {
	kind := map[string]string{"kvm": "kvm", "emulated": "qemu"}[c.change.Accelerator]
	switch was := c.next.Attr("type"); {
	case was == kind && c.now != nil && c.now.Attr("type") != kind:
		return fusion.Changed{When: fusion.NextStart}, nil
	case was == kind:
		return fusion.Changed{When: fusion.Now}, nil
	case was != "kvm" && was != "qemu":
		return fusion.Changed{}, c.lacks("it is run by "+was, "change it with the tool that made it")
	}
	if kind == "kvm" {
		if can, err := c.domainType(ctx); err != nil || can != kind {
			return fusion.Changed{}, orLacks(err, c.lacks("KVM does not run here ("+c.kvm.Get(ctx).Reason+")", "hither doctor says more"))
		}
	}
	edits, err := domxml.RunBy(c.next, kind)
	if err != nil {
		return fusion.Changed{}, err
	}
	return c.redefine(ctx, edits...)
}

func orLacks(err, lacks error) error {
	if err != nil {
		return err
	}
	return lacks
}

// emulate starts a machine anew without KVM. The definition changes first: whoever is
// killed after that leaves a machine that starts emulated.
func (s *Store) emulate(ctx context.Context, machine string) error {
	const op = "machine.emulate"
	c, release, err := s.toChange(ctx, machine, fusion.Change{Kind: fusion.SetAccelerator, Accelerator: "emulated"})
	if err != nil {
		return err
	}
	defer release()
	if !c.r.gaveUp {
		return invalid(op, machine, "KVM has not given up on it", "hither machine set --accelerator emulated counts from its next start on")
	}
	if _, err := c.setAccelerator(ctx); err != nil {
		return fail(op, machine, err)
	}
	ctx, cancel := withinCall(ctx)
	defer cancel()
	err = s.do(ctx, func(d driver) error { return d.act(c.r.uuid, fusion.ForceOff) })
	if err == nil || s.isOff(ctx, c.r.uuid) {
		err = s.do(ctx, func(d driver) error { return d.act(c.r.uuid, fusion.Start) })
	}
	s.touch(c.r.uuid)
	if err != nil {
		return fail(op, machine, err)
	}
	s.config.Log.Info("machine started anew, emulated", "machine", machine, "trace", fusion.Trace(ctx))
	return nil
}

func quoting(detail, said string) string { return detail + " (QEMU: " + said + ")" }

// explained adds to the detail of a machine that stopped by itself what QEMU said last.
func (s *Store) explained(d domain) domain {
	if d.detail == onTheWay && !s.moving(d) {
		// Of a guest that was saved while it was paused libvirt says the same, as QEMU
		// reads its memory as it would that of a move (qemuSaveImageStartVM in
		// src/qemu/qemu_saveimage.c).
		d.detail = ""
	}
	if d.gaveUp || d.ended {
		if said := lastWords(s.qemuLog(d.name)); said != "" {
			d.detail = quoting(d.detail, said)
		}
	}
	return d
}

// qemuLog is where libvirt writes what a domain's QEMU says
// (virQEMUDriverConfigNew in src/qemu/qemu_conf.c).
func (s *Store) qemuLog(name string) string {
	dir := "/var/log/libvirt/qemu"
	switch cache, err := os.UserCacheDir(); {
	case s.privateUsed():
		dir = filepath.Join(s.config.private().Dir, "cache/libvirt/qemu/log")
	case err == nil && s.URI() != uriSystem:
		dir = filepath.Join(cache, "libvirt/qemu/log")
	}
	return filepath.Join(dir, name+".log")
}

// logTail is how much of a log is looked at, in bytes, and mostWords how much of it is
// told, in runes.
const (
	logTail   = 16 << 10
	mostWords = 160
)

// lastWords gives the last thing that QEMU said of its own, "" when nothing is known.
// After it there may be a dump of registers, and libvirt's own lines, which have a date.
func lastWords(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return "" // of libvirt's own user, or gone
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > logTail {
		if _, err := f.Seek(-logTail, io.SeekEnd); err != nil {
			return ""
		}
	}
	text, err := io.ReadAll(io.LimitReader(f, logTail))
	if err != nil {
		return ""
	}
	said := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case started.MatchString(line):
			said = "" // what came before was of another life
		case speaks.MatchString(line):
			said = line
		}
	}
	if r := []rune(said); len(r) > mostWords {
		said = string(r[:mostWords]) + "…"
	}
	return said
}

// started is libvirt's line at each start, and speaks what a QEMU says of itself.
var (
	started = regexp.MustCompile(`^\d{4}-\d\d-\d\d .*: starting up `)
	speaks  = regexp.MustCompile(`(?i)(^KVM[: ]|^qemu[-a-z0-9_]*: |: qemu-system|^error: kvm|kvm_|hw/)`)
)
