package vmctl

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"hither/fusion"
	"hither/vmctl/domxml"
)

const opMigrate = "machine.migrate"

// Migrate moves a machine to another host, while it runs or when it is off. It ends
// with the machine there, or as before; when nobody knows yet (ErrBusy), the two hosts
// settle it as soon as they see each other.
func (s *Store) Migrate(ctx context.Context, machine string, to fusion.HostID, options fusion.MigrateOptions) error {
	if machine == fusion.Self {
		return selfStays(machine)
	}
	r, release, err := s.alone(ctx, opMigrate, machine)
	if err != nil {
		return err
	}
	defer release()
	peer, err := s.peer(to)
	if err != nil {
		return err
	}
	s.leave(machine, true)
	defer s.leave(machine, false)
	offer, err := s.offer(ctx, r, options)
	if err != nil {
		return err
	}
	if err := s.unmark(ctx, r.domain); err != nil { // its backups stay here
		return fail(opMigrate, machine, err)
	}
	definition, err := call(ctx, s, func(d driver) (string, error) { return d.definition(r.uuid, false) }, nil)
	if err != nil {
		return fail(opMigrate, machine, err)
	}
	note := intent{Op: opMigrate, URI: s.URI(), Name: machine, UUID: r.uuid, Files: r.madeDisks(), Move: offer.ID, To: to, Off: offer.Off, Definition: definition,
		Forwards: offer.Forwards, Start: offer.Start}
	id, end, err := s.intend(note)
	if err != nil {
		return err
	}
	moved := s.shutDown(ctx, offer, peer)
	if moved == nil {
		moved = s.move(ctx, offer, r, definition, peer)
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	stays, settled := s.settleMove(within, id, note)
	end(settled == nil)
	switch {
	case stays && moved != nil:
		return explainMove(machine, moved)
	case settled != nil:
		return &fusion.Error{Op: opMigrate, Path: machine, Cause: fusion.ErrBusy, Detail: "it stopped in the middle: " + settled.Error(),
			Hint: "it goes on here or there as soon as the two hosts see each other again"}
	}
	s.config.Log.Info("machine moved", "machine", machine, "to", to, "trace", fusion.Trace(ctx))
	return nil
}

// leave notes that a machine is on its way to another host, or not any more.
func (s *Store) leave(machine string, is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if is {
		s.leaving[machine] = true
	} else {
		delete(s.leaving, machine)
	}
}

// moving says whether a domain leaves this host or comes here, also by an intent of a
// node before this one.
func (s *Store) moving(d domain) bool {
	s.mu.Lock()
	is := s.arriving[d.uuid] != nil || s.leaving[outsideName(d.name, d.uuid)]
	s.mu.Unlock()
	if is {
		return true
	}
	id, _, err := s.intentOf(func(i intent) bool { return i.UUID == d.uuid && i.Move != "" })
	return id != "" || err != nil
}

// Leaving says whether a machine is on its way to another host just now.
func (s *Store) Leaving(machine string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leaving[machine]
}

// offer describes a machine that can move, or says why it cannot.
func (s *Store) offer(ctx context.Context, r record, options fusion.MigrateOptions) (MigrationOffer, error) {
	refuse := func(detail, hint string) (MigrationOffer, error) {
		return MigrationOffer{}, &fusion.Error{Op: opMigrate, Path: r.shown, Cause: fusion.ErrInvalid, Detail: detail, Hint: hint}
	}
	if r.state != fusion.Running && r.state != fusion.Off {
		return refuse("it is "+string(r.state), "a machine moves while it runs or is off")
	}
	if err := s.unlost(ctx, opMigrate, r); err != nil {
		return MigrationOffer{}, err
	}
	if err := s.unlinked(r); err != nil {
		return MigrationOffer{}, err
	}
	if far := s.redirections.of(r.uuid); len(far) > 0 {
		return refuse("it has "+far[0].Device+" of "+far[0].FromName, "take the devices of other computers away first: hither machine device rm")
	}
	if err := s.unsnapped(ctx, r); err != nil {
		return MigrationOffer{}, err
	}
	off := r.state == fusion.Off || options.Off
	needs, err := s.needs(ctx, r, off)
	if err != nil {
		return MigrationOffer{}, fail(opMigrate, r.shown, err)
	}
	o := MigrationOffer{ID: strings.ReplaceAll(newUUID(), "-", ""), UUID: r.uuid, Name: r.shown, MemoryBytes: r.MemoryBytes, CPUs: r.CPUs, Off: off, Start: off && r.state == fusion.Running,
		Needs: needs, Forwards: s.forwards.of(r.uuid)}
	made := map[string]bool{}
	for _, file := range r.madeDisks() {
		made[filepath.Join(s.config.pool(), file)] = true
	}
	for _, path := range r.Inserted {
		if filepath.Dir(path) != s.config.pool() {
			return refuse("what is in its CD drive is not in Hither's pool: "+path, "eject it first")
		}
		o.Images = append(o.Images, filepath.Base(path))
	}
	o.Firmware, o.TPM = r.Firmware, r.TPM
	if domxml.IsUEFI(r.Firmware) {
		if o.Vars = filepath.Base(r.Vars); !made[r.Vars] {
			return refuse("its UEFI variables are not in Hither's pool", "make a full clone of it with hither machine clone --full, and move that")
		}
	}
	for _, d := range r.Disks {
		if !made[d.Path] {
			return refuse("its disk "+d.Target+" is not in Hither's pool", "create a machine from a copy of that disk, or detach it")
		}
		disk, err := s.offered(d)
		if err != nil {
			return MigrationOffer{}, fail(opMigrate, r.shown, err)
		}
		o.Disks = append(o.Disks, disk)
	}
	return o, nil
}

// move lets libvirt move the machine and waits for it. When ctx ends it is stopped,
// if it is not too late for that.
func (s *Store) move(ctx context.Context, offer MigrationOffer, r record, definition string, peer MigrationPeer) error {
	fusion.Report(ctx, fusion.Progress{Step: "prepares the other computer"})
	room, err := peer.Prepare(ctx, offer)
	if err != nil {
		return err
	}
	if err := s.sendFiles(ctx, offer, room, s.inPool(room.Missing), peer); err != nil {
		return err
	}
	if offer.Off {
		return s.moveOff(ctx, offer, room, definition, peer)
	}
	way, err := newRelay(peer, offer, room.Secret, s.config.RunDir, s.config.Log)
	if err != nil {
		return err
	}
	defer way.close()
	plan := migrationPlan{to: way.uri(s.connectionKind()), memory: "unix://" + way.paths.of(MemoryDoor), disks: "unix://" + way.paths.of(DisksDoor),
		hasDisks: len(offer.Disks) > 0, rewrite: s.rewriter(offer, room)}
	done := make(chan error, 1)
	s.running.Go(func() {
		done <- s.do(context.WithoutCancel(ctx), func(d driver) error { return d.migrate(r.uuid, plan) })
	})
	return s.watchJob(ctx, r.uuid, "copies disks and memory", way.sent.Load, done)
}

// rewriter puts the destination's paths into a definition. Libvirt writes
// attributes in single quotes.
func (s *Store) rewriter(o MigrationOffer, room MigrationRoom) func(string) string {
	var pairs []string
	for _, d := range o.Disks {
		pairs = append(pairs, domxml.Quoted(filepath.Join(s.config.pool(), d.File)), domxml.Quoted(filepath.Join(room.Pool, d.File)))
	}
	for _, image := range o.Images {
		pairs = append(pairs, domxml.Quoted(filepath.Join(s.config.pool(), image)), domxml.Quoted(filepath.Join(room.Pool, image)))
	}
	if o.Vars != "" { // libvirt writes it as text
		pairs = append(pairs, ">"+domxml.Escaped(filepath.Join(s.config.pool(), o.Vars))+"<", ">"+domxml.Escaped(filepath.Join(room.Pool, o.Vars))+"<",
			domxml.Quoted(filepath.Join(s.config.pool(), o.Vars)), domxml.Quoted(filepath.Join(room.Pool, o.Vars)))
	}
	if s.privateUsed() && room.Agent != "" {
		pairs = append(pairs, domxml.Quoted(s.config.private().AgentSocket(o.UUID)), domxml.Quoted(room.Agent))
	}
	return standsAlone(o.Disks, strings.NewReplacer(pairs...).Replace)
}

// connectionKind is "system" or "session", as in libvirt's URIs.
func (s *Store) connectionKind() string {
	if strings.Contains(s.URI(), "///system") {
		return "system"
	}
	return "session"
}

// settleMove gives the verdict on a move: the machine is the destination's if it is
// gone from here. What lies on the losing side goes: the disks here, or there. An
// error means that it is to be given again; stays is true then too, once it is known.
func (s *Store) settleMove(ctx context.Context, id string, i intent) (stays bool, err error) {
	if !i.Stays {
		if i.Stays, err = s.stays(ctx, i); err == nil && i.Stays {
			err = s.note(id, i)
		}
		if err != nil {
			return false, err
		}
	}
	if i.Stays {
		if err := s.goOn(ctx, i); err != nil {
			return true, err
		}
	}
	verdict := Verdict{Yours: !i.Stays}
	if verdict.Yours {
		verdict.Console = s.leaveConsole(i.UUID)
		s.forwards.leave(i.UUID)
	}
	peer, err := s.peer(i.To)
	if err != nil {
		return i.Stays, err
	}
	err = peer.Settle(ctx, i.UUID, verdict)
	switch lost := errors.Is(err, fusion.ErrNotFound); {
	case i.Stays && lost:
		err = nil // it never heard of it
	case lost:
		err = s.takeBack(ctx, i)
	case err == nil && !i.Stays:
		s.removeFiles(i.UUID, i.Files)
	}
	return i.Stays, err
}

// stays asks libvirt whether the machine is still here; one that is not is off the
// list from then on. A libvirtd that was killed just before the end stops the machine
// when it is back, and keeps its definition: that goes, if the destination has all of it.
func (s *Store) stays(ctx context.Context, i intent) (bool, error) {
	d, err := s.recoveredDomain(ctx, i.UUID)
	switch {
	case err == nil && i.stopped(d):
		if left, err := s.leftWhole(ctx, i); err != nil || !left {
			return err == nil, err
		}
	case !errors.Is(err, fusion.ErrNotFound):
		return err == nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removeLocked(i.UUID)
	return false, nil
}

// stopped says whether a machine that left running is off now, without anybody having
// asked for that.
func (i intent) stopped(d domain) bool { return d.unasked && !i.Off }

// leftWhole undefines a machine that is whole at the destination.
func (s *Store) leftWhole(ctx context.Context, i intent) (bool, error) {
	peer, err := s.peer(i.To)
	if err != nil {
		return false, err
	}
	whole, err := peer.Check(ctx, i.UUID)
	if err != nil || !whole {
		return false, err
	}
	return true, s.do(ctx, func(c driver) error { return c.undefine(i.UUID) })
}

// recoveredDomain gives a domain as it is after libvirtd's own recovery.
func (s *Store) recoveredDomain(ctx context.Context, uuid string) (domain, error) {
	return call(ctx, s, func(c driver) (domain, error) {
		if err := c.recovered(uuid); err != nil {
			return domain{}, err
		}
		return c.domain(uuid)
	}, nil)
}

// goOn lets a machine that stays run on, should libvirt not have dared to, or starts
// it where its QEMU ended meanwhile.
func (s *Store) goOn(ctx context.Context, i intent) error {
	d, err := s.recoveredDomain(ctx, i.UUID)
	switch {
	case err == nil && d.state == fusion.Paused && d.detail == onTheWay:
		err = s.do(ctx, func(c driver) error { return c.act(i.UUID, fusion.Resume) })
	case err == nil && (i.stopped(d) || i.Start && !d.active):
		err = s.do(ctx, func(c driver) error { return c.act(i.UUID, fusion.Start) })
	}
	s.touch(i.UUID)
	if errors.Is(err, fusion.ErrNotFound) {
		return nil // somebody removed it meanwhile
	}
	return err
}

// takeBack defines a machine again that left and that the other host does not have.
// Its disks here are as they were when it left.
func (s *Store) takeBack(ctx context.Context, i intent) error {
	s.config.Log.Warn("a machine that moved is not there; it is here again, off", "machine", i.Name)
	err := s.do(ctx, func(d driver) error { return d.define(i.Definition) })
	if err == nil {
		s.forwards.adopt(i.UUID, i.Name, i.Forwards)
	}
	return err
}

// explainMove says why a machine did not move.
func explainMove(machine string, err error) error {
	if f := (*fusion.Error)(nil); errors.As(err, &f) {
		return err
	}
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, fusion.ErrOffline):
		return &fusion.Error{Op: opMigrate, Path: machine, Cause: fusion.ErrOffline, Detail: "the hosts lost each other; it stays where it was",
			Hint: "move it again when both are online"}
	}
	return fail(opMigrate, machine, fmt.Errorf("it stays where it was: %w", err))
}

func (s *Store) peer(id fusion.HostID) (MigrationPeer, error) {
	if s.config.Peer == nil {
		return nil, &fusion.Error{Op: opMigrate, Path: string(id), Cause: fusion.ErrNotFound, Detail: "there is no such host", Hint: PairHint}
	}
	return s.config.Peer(id)
}

// PairHint is what makes a move to a host possible.
const PairHint = "pair the machine's host with the one it is to move to, with admin both ways"

// PeerBack tells that another host can be reached again: moves that wait for it are
// settled, and machines get their devices of it again.
func (s *Store) PeerBack() {
	signal(s.unsettled)
	s.redirections.again()
}
