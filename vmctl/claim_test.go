package vmctl

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"hither/fusion"
)

// TestRemoveWhileStarting starts a machine, gives up waiting for it, and must
// not be able to remove it while libvirt is still at it.
func TestRemoveWhileStarting(t *testing.T) {
	f := newFake()
	f.acting, f.goOn = make(chan fusion.Verb), make(chan struct{})
	f.put(vm("1", "m", fusion.Off))
	f.put(vm("2", "n", fusion.Running))
	s := store(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Do(ctx, "m", fusion.Start) }()
	<-f.acting
	refused(t, s.Remove(t.Context(), "m"), fusion.ErrBusy)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	refused(t, s.Remove(t.Context(), "m"), fusion.ErrBusy)
	ok(t, s.Do(t.Context(), "n", fusion.Pause)) // others go on meanwhile
	close(f.goOn)
	eventually(t, "it is released", func() bool {
		release, ok := s.claims.Take("machine", "m")
		if ok {
			release()
		}
		return ok
	})
	refused(t, s.Remove(t.Context(), "m"), fusion.ErrBusy) // it runs
	ok(t, s.Do(t.Context(), "m", fusion.ForceOff))
	ok(t, s.Remove(t.Context(), "m"))
}

func TestNothingDuringRemove(t *testing.T) {
	f := newFake()
	f.put(vm("1", "m", fusion.Off))
	s := store(t, f)
	release, _ := s.claims.Take("machine", "m")
	refused(t, s.Do(t.Context(), "m", fusion.Start), fusion.ErrBusy)
	refused(t, s.Remove(t.Context(), "m"), fusion.ErrBusy)
	release()
	ok(t, s.Do(t.Context(), "m", fusion.Start))
}

// TestRemoveKeepsDisksInUse has somebody else start the machine at the worst
// moment.
func TestRemoveKeepsDisksInUse(t *testing.T) {
	f := newFake()
	f.late = true
	s := store(t, f)
	uuid := newUUID()
	d := vm(uuid, "m", fusion.Off)
	d.OwnDisks = []string{"m-" + head(uuid) + "-0.qcow2"}
	f.put(d)
	disk := filepath.Join(s.config.pool(), d.OwnDisks[0])
	ok(t, os.WriteFile(disk, nil, 0o600))
	refused(t, s.Remove(t.Context(), "m"), fusion.ErrBusy)
	if !there(disk) {
		t.Error("the disk of a running machine is gone")
	}
}
