package vmctl

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// incoming is a machine on its way to this host.
type incoming struct {
	offer   MigrationOffer
	missing []string // images that come with it
	secret  string
	paths   migrationPaths
	open    connections
	release func() // of the machine's name
	// put is held while QEMU's sockets are put aside.
	put sync.Mutex
}

// PrepareMigration makes room for a machine that from wants to move here.
func (s *Store) PrepareMigration(ctx context.Context, from fusion.HostID, o MigrationOffer) (MigrationRoom, error) {
	if err := checkOffer(o); err != nil {
		return MigrationRoom{}, err
	}
	if why := s.whyAway(); why != nil {
		return MigrationRoom{}, away(opMigrate, o.Name, why)
	}
	release, ok := s.claims.Take("machine", o.Name)
	if !ok {
		return MigrationRoom{}, refuseMove(o.Name, []fusion.Obstacle{nameTaken})
	}
	in := &incoming{offer: o, secret: rand.Text(), paths: pathsOf(o.ID), release: release}
	if err := s.makeRoom(ctx, from, in); err != nil {
		release()
		return MigrationRoom{}, err
	}
	room := MigrationRoom{Pool: s.config.pool(), Secret: in.secret, Missing: in.missing}
	if s.privateUsed() {
		room.Agent = s.config.private().AgentSocket(o.UUID)
	}
	return room, nil
}

// makeRoom makes the disks, after the intent that the verdict will look for.
func (s *Store) makeRoom(ctx context.Context, from fusion.HostID, in *incoming) error {
	o := in.offer
	found, err := s.examine(ctx, o)
	if err != nil {
		return err
	}
	if err := refuseMove(o.Name, found); err != nil {
		return err
	}
	if domxml.IsUEFI(o.Firmware) || o.TPM {
		kind, err := s.domainType(ctx)
		if err == nil {
			err = s.canGive(ctx, opMigrate, o.Name, o.Firmware, o.TPM, kind)
		}
		if err != nil {
			return err
		}
	}
	for _, image := range o.Images {
		switch _, err := s.pool.Image(opMigrate, image); {
		case errors.Is(err, fusion.ErrNotFound):
			in.missing = append(in.missing, image)
		case err != nil:
			return err
		}
	}
	files := slices.Clone(in.missing)
	for _, d := range o.Disks {
		files = append(files, d.File)
	}
	if o.Vars != "" {
		files = append(files, o.Vars)
	}
	_, end, err := s.intend(intent{Op: opMigrate, Name: o.Name, UUID: o.UUID, Files: files, Move: o.ID, From: from, Start: !o.Off || o.Start, Forwards: o.Forwards})
	if err != nil {
		return err
	}
	err = ownDirectory(in.paths.dir)
	for _, d := range o.Disks {
		if err == nil && !o.Off {
			err = s.newDisk(ctx, o.Name, d.File, d.Bytes)
		}
	}
	if err != nil {
		s.removeDisks(files)
		_ = os.Remove(in.paths.dir) // it is empty, or was never made
		end(true)
		return err
	}
	end(false) // the intent stays for the verdict
	s.mu.Lock()
	s.arriving[o.UUID] = in
	s.mu.Unlock()
	return nil
}

// holdArriving keeps everybody off the machines whose move to this host a node
// before this one did not see the end of. Open calls it.
func (s *Store) holdArriving() error {
	return s.eachIntent(func(_ string, i intent) {
		if i.From == "" {
			return
		}
		release, ok := s.claims.Take("machine", i.Name)
		if !ok {
			return // two of one name: the first keeps it
		}
		s.arriving[i.UUID] = &incoming{offer: MigrationOffer{UUID: i.UUID, Name: i.Name}, paths: pathsOf(i.Move), release: release}
	})
}

// arrivingBy finds the migration that a stream belongs to.
func (s *Store) arrivingBy(id, secret string) *incoming {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, in := range s.arriving {
		if in.offer.ID == id && subtle.ConstantTimeCompare([]byte(in.secret), []byte(secret)) == 1 {
			return in
		}
	}
	return nil
}

// ServeMigration joins a stream of the source with the door it asks for, until both
// directions have ended, and closes it. It promises ErrPermission for a migration
// that is not, or a wrong secret.
func (s *Store) ServeMigration(ctx context.Context, conn net.Conn, id, secret string, door Door) error {
	defer conn.Close()
	in := s.arrivingBy(id, secret)
	if in == nil {
		return &fusion.Error{Op: opMigrate, Cause: fusion.ErrPermission, Detail: "no such migration"}
	}
	if door == DefinitionDoor || door == TPMDoor || strings.HasPrefix(string(door), string(fileDoor)) {
		return s.receiveMoved(in, conn, door)
	}
	path := in.paths.aside(door)
	if door == LibvirtDoor {
		path = s.libvirtSocket()
	}
	near, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "unix", path)
	if err != nil {
		return err
	}
	defer near.Close()
	for _, c := range []net.Conn{conn, near} {
		if err := in.open.add(c); err != nil {
			return err
		}
		defer in.open.remove(c)
	}
	if door == LibvirtDoor {
		in.serveLibvirt(conn, near)
		return nil
	}
	pipe(conn, near)
	return nil
}

// serveLibvirt passes libvirt's words on in frames. Before QEMU's sockets are named
// to the source they are put aside, and a ready frame says so.
func (in *incoming) serveLibvirt(conn, near net.Conn) {
	var both sync.WaitGroup
	both.Go(func() { flow(near, conn) })
	both.Go(func() {
		defer closeAll(conn, near)
		buf := make([]byte, maxFrame)
		for {
			n, err := near.Read(buf)
			if err != nil {
				return
			}
			aside, err := in.putAside()
			if err == nil && aside {
				err = writeFrame(conn, frameReady, nil)
			}
			if err == nil {
				err = writeFrame(conn, frameData, buf[:n])
			}
			if err != nil {
				return
			}
		}
	})
	both.Wait()
}

// putAside renames the sockets that QEMU made. A renamed socket is reached as before.
func (in *incoming) putAside() (some bool, err error) {
	in.put.Lock()
	defer in.put.Unlock()
	for _, door := range qemuDoors {
		if _, err := os.Lstat(in.paths.aside(door)); err == nil {
			continue // what is at its place now is the source's, on this computer
		}
		err := os.Rename(in.paths.of(door), in.paths.aside(door))
		switch {
		case err == nil:
			some = true
		case !errors.Is(err, os.ErrNotExist):
			return some, err
		}
	}
	return some, nil
}

// libvirtSocket is where this host's libvirtd listens.
func (s *Store) libvirtSocket() string {
	if u, err := url.Parse(s.URI()); err == nil && u.Query().Get("socket") != "" {
		return u.Query().Get("socket")
	}
	places := systemSockets
	if s.connectionKind() == "session" {
		places = sessionSockets()
	}
	for _, path := range places[:len(places)-1] {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return places[len(places)-1]
}

// sessionSockets are where the daemons of this user listen
// (https://libvirt.org/remote.html).
func sessionSockets() []string {
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		dir = filepath.Join(os.Getenv("HOME"), ".cache")
	}
	return []string{filepath.Join(dir, "libvirt/libvirt-sock"), filepath.Join(dir, "libvirt/virtqemud-sock")}
}

// CheckMigration says whether all of a machine that moves here from a host has come, and
// waits, paused, for the verdict. libvirt calls it paused by its user then, and not for
// its migration any more (qemuMigrationDstFinish in src/qemu/qemu_migration.c).
func (s *Store) CheckMigration(ctx context.Context, from fusion.HostID, uuid string) (bool, error) {
	id, _, err := s.arrivalOf(from, uuid)
	if id == "" || err != nil {
		return false, err
	}
	d, err := s.recoveredDomain(ctx, uuid)
	if errors.Is(err, fusion.ErrNotFound) {
		return false, nil
	}
	return d.state == fusion.Paused && d.detail != onTheWay, fail(opMigrate, uuid, err)
}

// SettleMigration takes the source's verdict on a machine. It may come again;
// ErrNotFound says that nothing is known of the machine.
func (s *Store) SettleMigration(ctx context.Context, from fusion.HostID, uuid string, v Verdict) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	id, i, err := s.arrivalOf(from, uuid)
	if err != nil {
		return err
	}
	if id == "" {
		return s.settledBefore(ctx, uuid, v.Yours)
	}
	if v.Yours {
		err = s.arrived(ctx, i, v)
	} else {
		err = s.turnedAway(ctx, i)
	}
	if err != nil {
		return fail(opMigrate, i.Name, err)
	}
	if v.Yours {
		s.forwards.adopt(uuid, i.Name, i.Forwards)
	}
	s.forget(id)
	s.endArriving(uuid)
	s.touch(uuid)
	s.config.Log.Info("a move has ended", "machine", i.Name, "here", v.Yours, "trace", fusion.Trace(ctx))
	return nil
}

// arrivalOf finds the intent of a machine that moves here from a host.
func (s *Store) arrivalOf(from fusion.HostID, uuid string) (id string, i intent, err error) {
	return s.intentOf(func(i intent) bool { return i.From == from && i.UUID == uuid })
}

// settledBefore answers a verdict that came before.
func (s *Store) settledBefore(ctx context.Context, uuid string, ours bool) error {
	_, err := call(ctx, s, func(d driver) (domain, error) { return d.domain(uuid) }, nil)
	if !ours && err == nil {
		return nil // it came, and left again
	}
	return fail(opMigrate, uuid, err)
}

// arrived lets the machine go on here, or starts it where its QEMU died meanwhile.
// One that came as files is defined.
func (s *Store) arrived(ctx context.Context, i intent, v Verdict) error {
	d, err := call(ctx, s, func(c driver) (domain, error) { return c.domain(i.UUID) }, nil)
	if errors.Is(err, fusion.ErrNotFound) && i.Definition != "" {
		err = s.do(ctx, func(c driver) error { return c.define(i.Definition) })
	}
	if err != nil {
		return err
	}
	verb := fusion.Resume
	switch {
	case d.state == fusion.Running || !i.Start:
		return nil
	case !d.active:
		verb = fusion.Start
	}
	if v.Console && d.active {
		s.receiveConsole(ctx, i.UUID, i.Name)
	}
	return s.do(ctx, func(c driver) error { return c.act(i.UUID, verb) })
}

// turnedAway removes what came of a machine.
func (s *Store) turnedAway(ctx context.Context, i intent) error {
	s.cutArriving(i.UUID)
	err := s.do(ctx, func(c driver) error { return c.act(i.UUID, fusion.ForceOff) })
	if err == nil || errors.Is(err, fusion.ErrInvalid) {
		err = s.do(ctx, func(c driver) error { return c.undefine(i.UUID) })
	}
	if err != nil && !errors.Is(err, fusion.ErrNotFound) {
		return err
	}
	s.removeFiles(i.UUID, i.Files)
	return nil
}

func (s *Store) cutArriving(uuid string) {
	s.mu.Lock()
	in := s.arriving[uuid]
	s.mu.Unlock()
	if in != nil {
		in.open.end()
	}
}

// endArriving forgets a migration that was settled.
func (s *Store) endArriving(uuid string) {
	s.mu.Lock()
	in := s.arriving[uuid]
	delete(s.arriving, uuid)
	s.mu.Unlock()
	if in == nil {
		return
	}
	in.open.end()
	in.release()
	if err := os.RemoveAll(in.paths.dir); err != nil {
		s.config.Log.Debug("sockets of a move stay", "error", err)
	}
}
