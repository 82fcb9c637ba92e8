package vmctl

import (
	"context"
	"net"
	"strings"
	"testing"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// nextDoor is another host in this process, of which the doors may be shut.
type nextDoor struct {
	s    *Store
	shut bool
}

func (n *nextDoor) Examine(ctx context.Context, o MigrationOffer) ([]fusion.Obstacle, error) {
	return n.s.ExamineMigration(ctx, o)
}

func (n *nextDoor) Prepare(ctx context.Context, o MigrationOffer) (MigrationRoom, error) {
	return n.s.PrepareMigration(ctx, "a", o)
}

func (n *nextDoor) Check(ctx context.Context, uuid string) (bool, error) {
	return n.s.CheckMigration(ctx, "a", uuid)
}

func (n *nextDoor) Settle(ctx context.Context, uuid string, v Verdict) error {
	return n.s.SettleMigration(ctx, "a", uuid, v)
}

func (n *nextDoor) Dial(ctx context.Context, id, secret string, door Door) (net.Conn, error) {
	if n.shut {
		return nil, &fusion.Error{Op: "test", Cause: fusion.ErrOffline, Detail: "the way is cut", Hint: "mend it"}
	}
	here, there := net.Pipe()
	go func() { _ = n.s.ServeMigration(context.WithoutCancel(ctx), there, id, secret, door) }() // the other end hears of it
	return here, nil
}

// neighbours are two hosts; a has the machine m without disks, in a state.
func neighbours(t *testing.T, state fusion.MachineState) (fa, fb *fake, a, b *Store, way *nextDoor) {
	t.Helper()
	fa, fb, way = newFake(), newFake(), &nextDoor{}
	uuid := newUUID()
	d := vm(uuid, "m", state)
	d.MemoryBytes = 64 << 20
	fa.put(d)
	fa.moving.text = "<domain type='kvm'><name>m</name><uuid>" + uuid + "</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>" +
		"<os><type arch='x86_64' machine='pc-q35-9.0'>hvm</type></os><cpu mode='custom'><model>Nehalem</model></cpu></domain>"
	b = store(t, fb)
	way.s = b
	a = storeOf(t, fa, Config{Dir: t.TempDir(), Peer: func(fusion.HostID) (MigrationPeer, error) { return way, nil }})
	return fa, fb, a, b, way
}

func TestWhatIsInTheWayOfAMove(t *testing.T) {
	ctx := t.Context()
	for name, c := range map[string]struct {
		there  func(b *fake)
		detail string
		live   bool
		cause  error
	}{
		"nothing":     {there: func(*fake) {}},
		"a namesake":  {func(b *fake) { b.put(vm("9", "m", fusion.Off)) }, "a machine of its name is there already", false, fusion.ErrExists},
		"its kind":    {func(b *fake) { b.moving.kind = "no KVM" }, "its kind of machine cannot run there: no KVM", false, fusion.ErrInvalid},
		"few CPUs":    {func(b *fake) { b.can.cpus = 1 }, "it has 2 CPUs, and a machine there has at most 1", false, fusion.ErrInvalid},
		"another CPU": {func(b *fake) { b.moving.cpu = "no avx" }, "the processor there lacks something of its: no avx", true, fusion.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			_, fb, a, b, _ := neighbours(t, fusion.Running)
			c.there(fb)
			ok(t, b.relist(ctx))
			check := must(a.CheckMigrate(ctx, "m", "b"))(t)
			if c.detail == "" {
				if len(check.Obstacles) != 0 || check.OnlyLive() {
					t.Errorf("%+v", check)
				}
				return
			}
			if len(check.Obstacles) != 1 || check.Obstacles[0].Detail != c.detail || check.Obstacles[0].Hint == "" || check.OnlyLive() != c.live {
				t.Fatalf("%+v", check)
			}
			err := a.Migrate(ctx, "m", "b", fusion.MigrateOptions{})
			refused(t, err, c.cause)
			if !strings.Contains(err.Error(), c.detail) || fusion.Hint(err) == "" {
				t.Errorf("it does not say so: %v (%s)", err, fusion.Hint(err))
			}
			if m := must(a.Get(ctx, "m"))(t); m.State != fusion.Running || pending(t, a)+pending(t, b) != 0 {
				t.Errorf("it is %s, and something is left", m.State)
			}
			err = a.Migrate(ctx, "m", "b", fusion.MigrateOptions{Off: true})
			if c.live {
				ok(t, err)
			} else {
				refused(t, err, c.cause)
			}
		})
	}
}

func TestNetworksThatAMoveNeeds(t *testing.T) {
	fa, fb, a, _, _ := neighbours(t, fusion.Running)
	for _, d := range fa.all {
		d.NICs = []domxml.NIC{{Kind: "network", Network: "lab"}, {Kind: "network", Network: "off"}, {Kind: "bridge", Bridge: "nobridge0"}, {Kind: "user"}}
		fa.put(d)
	}
	ok(t, fb.defineNetwork("<network><name>off</name><uuid>"+newUUID()+"</uuid></network>"))
	var all []string
	for _, o := range must(a.CheckMigrate(t.Context(), "m", "b"))(t).Obstacles {
		all = append(all, o.Detail)
	}
	if got := strings.Join(all, "; "); got != "there is no network lab there; its network off does not run there; there is no bridge nobridge0 there" {
		t.Error(got)
	}
}

func TestAMachineWithSnapshotsStays(t *testing.T) {
	fa, _, a, _, _ := neighbours(t, fusion.Off)
	for uuid := range fa.all {
		fa.kept[uuid] = []fusion.Snapshot{{Name: "one"}}
	}
	err := a.Migrate(t.Context(), "m", "b", fusion.MigrateOptions{})
	refused(t, err, fusion.ErrInvalid)
	if !strings.Contains(err.Error(), "1 snapshots") || fusion.Hint(err) == "" {
		t.Errorf("%v (%s)", err, fusion.Hint(err))
	}
	if check := must(a.CheckMigrate(t.Context(), "m", "b"))(t); len(check.Obstacles) != 1 || check.OnlyLive() {
		t.Errorf("%+v", check)
	}
}

// TestAMoveWithAShutdown: the machine runs there, or here again.
func TestAMoveWithAShutdown(t *testing.T) {
	ctx := t.Context()
	_, _, a, b, way := neighbours(t, fusion.Running)
	way.shut = true
	err := a.Migrate(ctx, "m", "b", fusion.MigrateOptions{Off: true})
	refused(t, err, fusion.ErrOffline)
	eventually(t, "it runs again after a move that failed", func() bool { return must(a.Get(ctx, "m"))(t).State == fusion.Running })
	way.shut = false
	ok(t, a.Migrate(ctx, "m", "b", fusion.MigrateOptions{Off: true}))
	eventually(t, "it runs there", func() bool {
		m, err := b.Get(ctx, "m")
		return err == nil && m.State == fusion.Running
	})
	_, err = a.Get(ctx, "m")
	refused(t, err, fusion.ErrNotFound)
	if n := pending(t, a) + pending(t, b); n != 0 {
		t.Errorf("%d intents are left", n)
	}
}

func TestAGuestThatDoesNotShutDownStays(t *testing.T) {
	fa, _, a, _, _ := neighbours(t, fusion.Running)
	fa.deaf = true
	ctx, cancel := context.WithCancel(t.Context())
	ctx = fusion.WithReporter(ctx, func(fusion.Progress) { cancel() })
	if err := a.Migrate(ctx, "m", "b", fusion.MigrateOptions{Off: true}); err == nil {
		t.Error("it moved")
	}
	if m := must(a.Get(t.Context(), "m"))(t); m.State != fusion.Running && m.State != fusion.Stopping {
		t.Errorf("it is %s", m.State)
	}
}

func TestForwardsGoAlong(t *testing.T) {
	ctx := t.Context()
	_, _, a, b, _ := neighbours(t, fusion.Off)
	free := must(a.Forwards().Add(ctx, "m", fusion.Forward{GuestPort: 22}))(t)
	taken := must(a.Forwards().Add(ctx, "m", fusion.Forward{GuestPort: 80, Proto: "udp"}))(t)
	a.leave("m", true)
	_, err := a.Forwards().Add(ctx, "m", fusion.Forward{GuestPort: 1})
	refused(t, err, fusion.ErrBusy)
	refused(t, a.Forwards().Remove(ctx, "m", free), fusion.ErrBusy)
	a.leave("m", false)
	ok(t, a.Forwards().Remove(ctx, "m", taken))
	l := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	defer l.Close()
	other := fusion.Forward{Proto: "tcp", Listen: "127.0.0.1", HostPort: l.Addr().(*net.TCPAddr).Port, GuestPort: 80}
	a.forwards.mu.Lock() // as one whose port another program has by now
	for _, e := range a.forwards.entries {
		a.forwards.entries = append(a.forwards.entries, &forward{Forward: other, UUID: e.UUID, URI: e.URI})
	}
	a.forwards.mu.Unlock()

	ok(t, a.Migrate(ctx, "m", "b", fusion.MigrateOptions{}))
	list := must(b.Forwards().List(ctx, "m"))(t)
	if len(list) != 2 {
		t.Fatalf("%+v", list)
	}
	for _, f := range list {
		if works := f.Same(free) && f.GuestPort == 22; works != (f.Note == "") || !works && !f.Same(other) {
			t.Errorf("%+v", f)
		}
	}
	if n := len(a.forwards.machines(a.URI())); n != 0 {
		t.Errorf("the host that it left has %d forwards", n)
	}
	resets(t, free.HostPort) // b listens

	// What is no forward is refused.
	o := MigrationOffer{ID: strings.Repeat("0", 32), UUID: newUUID(), Name: "x", CPUs: 1, Forwards: []fusion.Forward{{Proto: "tcp", Listen: "127.0.0.1", GuestPort: 1}}}
	refused(t, checkOffer(o), fusion.ErrInvalid)
}
