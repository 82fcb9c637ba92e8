package vmctl

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// List gives "self", then the virtual machines by name. While libvirt is away
// they are shown as failed, with a note; without libvirt only "self" is there.
func (s *Store) List(ctx context.Context) ([]fusion.Machine, error) {
	machines := []fusion.Machine{s.self(ctx)}
	if s.connected() {
		if err := s.relist(ctx); err != nil && !errors.Is(err, fusion.ErrOffline) {
			return nil, fail("machine.list", "", err)
		}
	}
	s.config.Log.Debug("machines listed", "trace", fusion.Trace(ctx))
	s.mu.Lock()
	records := s.copyLocked()
	s.mu.Unlock()
	note := s.kvm.Note()
	for i := range records {
		machines = append(machines, records[i].machine(note)) // without the lock: it looks at each disk
	}
	slices.SortFunc(machines[1:], func(a, b fusion.Machine) int { return strings.Compare(a.Name, b.Name) })
	return machines, nil
}

// Get gives one machine.
func (s *Store) Get(ctx context.Context, name string) (fusion.Machine, error) {
	if name == fusion.Self {
		return s.self(ctx), nil
	}
	uuid, err := s.find(ctx, "machine.show", name)
	if err != nil {
		return fusion.Machine{}, err
	}
	r, err := s.fresh(ctx, "machine.show", name, uuid)
	if err != nil {
		return fusion.Machine{}, err
	}
	return r.machine(s.kvm.Note()), nil
}

func (s *Store) connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn != nil
}

// copyLocked gives the records as they are now, in no order.
func (s *Store) copyLocked() []record {
	records := make([]record, 0, len(s.records))
	for _, r := range s.records {
		records = append(records, *r)
	}
	return records
}

func (s *Store) machineLocked(r *record) fusion.Machine { return r.machine(s.kvm.Note()) }

// find gives the UUID of a machine by the name it is shown under.
func (s *Store) find(ctx context.Context, op, name string) (string, error) {
	if uuid := s.known(name); uuid != "" {
		return uuid, nil
	}
	switch why := s.whyAway(); {
	case errors.Is(why, fusion.ErrUnsupported):
		return "", absent(op, name, why)
	case why != nil:
		return "", away(op, name, why)
	}
	if err := fusion.CheckName(name); err != nil {
		return "", fusion.NoMachine(op, name)
	}
	if err := s.relist(ctx); err != nil {
		return "", fail(op, name, err)
	}
	if uuid := s.known(name); uuid != "" {
		return uuid, nil
	}
	return "", fusion.NoMachine(op, name)
}

// away says why there are no virtual machines now, in the caller's terms.
func away(op, name string, why error) error {
	e := &fusion.Error{Op: op, Path: name, Cause: why, Hint: fusion.Hint(why)}
	if f := (*fusion.Error)(nil); errors.As(why, &f) {
		e.Cause, e.Detail = f.Cause, f.Detail
	}
	return e
}

// absent says that there is no such machine where there can be none.
func absent(op, name string, why error) error {
	e := &fusion.Error{Op: op, Path: name, Cause: fusion.ErrNotFound, Detail: "no such machine", Hint: fusion.Hint(why)}
	if f := (*fusion.Error)(nil); errors.As(why, &f) && f.Detail != "" {
		e.Detail += ": " + f.Detail
	}
	return e
}

func (s *Store) whyAway() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why
}

func (s *Store) known(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for uuid, r := range s.records {
		if r.shown == name {
			return uuid
		}
	}
	return ""
}

// relist brings the records up to date with one bulk call, and tells watchers
// what differs.
func (s *Store) relist(ctx context.Context) error {
	since := s.now()
	list, err := call(ctx, s, func(d driver) ([]domain, error) { return d.domains() }, nil)
	if err != nil {
		return err
	}
	for i := range list {
		list[i] = s.explained(list[i])
	}
	starts := map[string]time.Time{}
	look := s.unknownStart(list)
	if look {
		starts = qemuStarts()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := map[string]bool{}
	for _, d := range list {
		seen[d.uuid] = true
		s.putLocked(d, starts[d.uuid], since)
		if r := s.records[d.uuid]; look && r != nil {
			r.sought = r.active
		}
	}
	for uuid, r := range s.records {
		switch {
		case seen[uuid]:
		case r.seq > since:
			s.touchLocked(uuid)
		default:
			s.removeLocked(uuid)
		}
	}
	return nil
}

// unknownStart says whether a domain runs of which it is not known since when, and
// was not looked for yet: a hypervisor without processes has none to find.
func (s *Store) unknownStart(list []domain) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(list, func(d domain) bool {
		r := s.records[d.uuid]
		return d.active && (r == nil || !r.active || r.started.IsZero() && !r.sought)
	})
}

// refresh brings one record up to date, and tells watchers. A domain that went
// is an error with cause ErrNotFound.
func (s *Store) refresh(ctx context.Context, uuid string) (record, error) {
	since := s.now()
	d, err := call(ctx, s, func(c driver) (domain, error) { return c.domain(uuid) }, nil)
	d = s.explained(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.records[uuid]
	switch {
	case errors.Is(err, fusion.ErrNotFound):
		s.removeLocked(uuid)
		return record{}, err
	case errors.Is(err, fusion.ErrOffline) && old != nil:
		return *old, nil
	case err != nil:
		return record{}, err
	}
	var started time.Time
	if old == nil || !old.active {
		started = time.Now()
	}
	return s.putLocked(d, started, since), nil
}

// fresh is refresh in the words of a method.
func (s *Store) fresh(ctx context.Context, op, name, uuid string) (record, error) {
	r, err := s.refresh(ctx, uuid)
	if errors.Is(err, fusion.ErrNotFound) {
		return record{}, fusion.NoMachine(op, name)
	}
	return r, fail(op, name, err)
}

// now is the present value of seq.
func (s *Store) now() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seq
}

// putLocked stores what was asked for when seq was since, and gives it; started
// is when the domain was seen to start, or zero. When the record changed
// meanwhile the answer may be the older one, so it is not stored but asked for
// again.
func (s *Store) putLocked(d domain, started time.Time, since uint64) record {
	old := s.records[d.uuid]
	d.state = s.stateLocked(d)
	d.unkept = s.schedules.failed(d.uuid)
	r := record{domain: d, shown: outsideName(d.name, d.uuid)}
	if d.active {
		r.started = started
	}
	if d.active && old != nil && old.active {
		r.sought = old.sought
		if !old.started.IsZero() {
			r.started = old.started
		}
	}
	switch {
	case old != nil && old.seq > since, old == nil && s.removed > since:
		s.touchLocked(d.uuid)
		return r
	case old != nil && sameDomain(old, &r):
		return *old
	}
	s.seq++
	r.seq = s.seq
	s.records[d.uuid] = &r
	if r.AppsState == domxml.AppsInstalling && r.active {
		signal(s.toInstall)
	}
	if old != nil && old.active && !r.active {
		signal(s.unsettled) // a disk that it held may go now
	}
	if old != nil && old.shown != r.shown {
		s.tellLocked(fusion.Machine{Name: old.shown}, true)
	}
	s.tellLocked(s.machineLocked(&r), false)
	return r
}

func (s *Store) removeLocked(uuid string) {
	r := s.records[uuid]
	if r == nil {
		return
	}
	delete(s.records, uuid)
	delete(s.stopping, uuid)
	s.seq++
	s.removed = s.seq
	s.meters.Forget(uuid)
	s.tellLocked(fusion.Machine{Name: r.shown, Kind: fusion.KindVM, UUID: uuid, Verbs: []fusion.Verb{}}, true)
}

func sameDomain(a, b *record) bool {
	return a.shown == b.shown && a.name == b.name && a.state == b.state && a.unkept == b.unkept && a.active == b.active && a.detail == b.detail &&
		a.CPUs == b.CPUs && a.MemoryBytes == b.MemoryBytes && a.Accelerator == b.Accelerator &&
		a.VNC == b.VNC && a.Pictured == b.Pictured && a.Tablet == b.Tablet && a.Display == b.Display && a.Serial == b.Serial && a.Template == b.Template && slices.Equal(a.Disks, b.Disks) && slices.Equal(a.NICs, b.NICs) && slices.Equal(a.Devices, b.Devices) && a.AppsState == b.AppsState && slices.Equal(a.Apps, b.Apps) && a.started.Equal(b.started) &&
		a.autostart == b.autostart && sameLabels(a.Labels, b.Labels) && slices.Equal(a.OwnDisks, b.OwnDisks) &&
		slices.Equal(a.Drives, b.Drives) && slices.Equal(a.Inserted, b.Inserted) &&
		a.gaveUp == b.gaveUp && a.ended == b.ended && a.Firmware == b.Firmware && a.Vars == b.Vars && a.TPM == b.TPM
}
