//go:build e2e && linux

package vmctl

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	"hither/fusion"
)

// beside is a peer in the same process.
type beside struct {
	s *Store
	t *testing.T
}

func (b beside) Prepare(ctx context.Context, o MigrationOffer) (MigrationRoom, error) {
	return b.s.PrepareMigration(ctx, "a", o)
}

func (b beside) Settle(ctx context.Context, uuid string, yours bool) error {
	return b.s.SettleMigration(ctx, "a", uuid, yours)
}

// Dial gives one end of a socket whose other end the destination serves.
func (b beside) Dial(ctx context.Context, id, secret string, door Door) (net.Conn, error) {
	listener, err := net.Listen("unix", filepath.Join(b.t.TempDir(), "s"))
	if err != nil {
		return nil, err
	}
	go func() {
		defer listener.Close()
		conn, err := listener.Accept()
		if err == nil {
			err = b.s.ServeMigration(b.t.Context(), conn, id, secret, door)
		}
		if err != nil {
			b.t.Log("door", door, err)
		}
	}()
	return (&net.Dialer{}).DialContext(ctx, "unix", listener.Addr().String())
}

func TestAMachineMovesWhileItRuns(t *testing.T) {
	a, _ := stage(t, "private")
	b, _ := stage(t, "private")
	m := must(a.Create(t.Context(), fusion.MachineSpec{Name: "m", MemoryBytes: 64 << 20, DiskBytes: 64 << 20, Start: true}))(t)
	began := time.Now()
	ctx := fusion.WithReporter(t.Context(), func(p fusion.Progress) { t.Log(p) })
	ok(t, a.Migrate(ctx, "m", "b", beside{b, t}))
	t.Log("moved in", time.Since(began))
	there := must(b.Get(t.Context(), "m"))(t)
	if there.UUID != m.UUID || there.State != fusion.Running {
		t.Errorf("%+v", there)
	}
	if _, err := a.Get(t.Context(), "m"); err == nil {
		t.Error("it is still at the source")
	}
	if n := pending(t, a) + pending(t, b); n != 0 {
		t.Errorf("%d intents are left", n)
	}
}
