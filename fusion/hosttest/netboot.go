package hosttest

import (
	"context"
	"testing"
	"time"

	"hither/fusion"
)

// testNetBoot looks at a network boot that is off, and asks for what it refuses.
func (s *suite) testNetBoot(t *testing.T) {
	ctx, boot := s.ctx(t), s.host.NetBoot()
	state, err := boot.Show(ctx, 0)
	must(t, "show", err)
	if state.Revision == 0 || state.On || state.Address != "" || state.Interfaces == nil || state.Computers == nil {
		t.Errorf("it is %+v", state)
	}
	const mac = "52:54:00:00:00:99"
	key := "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKUYVbHZGaCZV7wCFV5YoRpVhRHGaJPSnPF0vDbBgIXK anna"
	good := fusion.BareSpec{MAC: mac, Name: fresh("pc"), Seed: fusion.Seed{SSHKeys: []string{key}}}
	install := func(change func(*fusion.BareSpec)) error {
		spec := good
		change(&spec)
		_, err := boot.Install(ctx, spec)
		return err
	}
	refused(t, "while it is off", install(func(*fusion.BareSpec) {}), fusion.ErrUnsupported)
	refused(t, "no card", install(func(s *fusion.BareSpec) { s.MAC = "pc" }), fusion.ErrInvalid)
	refused(t, "a group's address", install(func(s *fusion.BareSpec) { s.MAC = "01:00:5e:00:00:01" }), fusion.ErrInvalid)
	refused(t, "nobody logs in", install(func(s *fusion.BareSpec) { s.Seed = fusion.Seed{} }), fusion.ErrInvalid)
	refused(t, "a hostile disk", install(func(s *fusion.BareSpec) { s.Disk = "/dev/sda\nd-i x" }), fusion.ErrInvalid)
	refused(t, "a hostile image", install(func(s *fusion.BareSpec) { s.Image = "../x" }), fusion.ErrInvalid)
	refused(t, "an unknown grant", install(func(s *fusion.BareSpec) { s.Grants = []fusion.Capability{"all"} }), fusion.ErrInvalid)
	refused(t, "for ever", install(func(s *fusion.BareSpec) { s.Within = 1000 * time.Hour }), fusion.ErrInvalid)
	for _, name := range badNames {
		refused(t, "the name "+name, install(func(s *fusion.BareSpec) { s.Name = name }), fusion.ErrInvalid)
	}
	_, err = boot.Switch(ctx, fusion.NetBootSpec{On: true, Interface: "none-such0"})
	refused(t, "an unknown interface", err, fusion.ErrNotFound, fusion.ErrUnsupported)
	refused(t, "forget nobody", boot.Forget(ctx, mac), fusion.ErrNotFound)
	refused(t, "forget nothing", boot.Forget(ctx, "x"), fusion.ErrInvalid)
	state, err = boot.Show(ctx, 0)
	must(t, "show", err)
	if state.On || len(state.Computers) != 0 {
		t.Errorf("it became %+v", state)
	}
	// Whoever waits for a change hears of one, and goes when it likes.
	heard := make(chan fusion.NetBootState, 1)
	go func() {
		changed, err := boot.Show(ctx, state.Revision)
		if err == nil {
			heard <- changed
		}
	}()
	off, err := boot.Switch(ctx, fusion.NetBootSpec{})
	must(t, "switch off", err)
	if off.On {
		t.Errorf("it is %+v", off)
	}
	select {
	case changed := <-heard:
		if changed.Revision == state.Revision {
			t.Errorf("it heard of %+v after %d", changed, state.Revision)
		}
	case <-ctx.Done():
		t.Error("a change was not heard of")
	}
	short, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := boot.Show(short, off.Revision); err == nil {
		t.Error("it waited for nobody")
	}
}
