package vmctl

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// relay is the source's end of a migration's streams: sockets on which the source's
// libvirtd and QEMU find the destination's. Close it when the move has ended.
type relay struct {
	peer   MigrationPeer
	offer  MigrationOffer
	secret string
	paths  migrationPaths
	socket string // for libvirt, in the node's own directory
	log    *slog.Logger

	ctx     context.Context
	cancel  context.CancelFunc
	open    connections
	running sync.WaitGroup
	sent    atomic.Int64 // bytes of disks and memory that QEMU gave
}

// dialTimeout bounds how long a door may take to open.
const dialTimeout = 10 * time.Second

// newRelay listens for the source's libvirtd; runDir is short and the node's own.
func newRelay(peer MigrationPeer, offer MigrationOffer, secret, runDir string, log *slog.Logger) (*relay, error) {
	r := &relay{peer: peer, offer: offer, secret: secret, paths: pathsOf(offer.ID), log: log,
		socket: filepath.Join(runDir, "m-"+head(offer.ID))}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	if err := r.listen(LibvirtDoor, r.socket); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// uri is the destination's libvirtd for the source's.
func (r *relay) uri(kind string) string {
	return "qemu+unix:///" + kind + "?socket=" + url.QueryEscape(r.socket)
}

// listen serves a door at path.
func (r *relay) listen(door Door, path string) error {
	listener, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	if err := r.open.add(listener); err != nil {
		return err
	}
	r.running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // it was closed
			}
			r.running.Go(func() { r.carry(door, conn) })
		}
	})
	return nil
}

// carry joins one connection of the source's with the destination's door.
func (r *relay) carry(door Door, conn net.Conn) {
	defer conn.Close()
	if r.open.add(conn) != nil {
		return
	}
	defer r.open.remove(conn)
	ctx, cancel := context.WithTimeout(r.ctx, dialTimeout)
	defer cancel()
	far, err := r.peer.Dial(ctx, r.offer.ID, r.secret, door)
	if err != nil {
		r.log.Warn("a migration does not reach the other host", "machine", r.offer.Name, "door", door, "error", err)
		return
	}
	defer far.Close()
	if r.open.add(far) != nil {
		return
	}
	defer r.open.remove(far)
	if door == LibvirtDoor {
		r.carryLibvirt(conn, far)
		return
	}
	pipe(tallied{conn.(*net.UnixConn), &r.sent}, far)
}

// tallied counts what is read of it.
type tallied struct {
	*net.UnixConn
	n *atomic.Int64
}

func (c tallied) Read(b []byte) (int, error) {
	n, err := c.UnixConn.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// carryLibvirt passes libvirt's words on. Before those that follow a ready frame
// the doors of QEMU are there.
func (r *relay) carryLibvirt(conn, far net.Conn) {
	r.running.Go(func() { flow(far, conn) })
	buf := make([]byte, maxFrame)
	for {
		kind, data, err := readFrame(far, buf)
		if err == nil && kind == frameReady {
			err = r.openDoors()
		} else if err == nil {
			_, err = conn.Write(data)
		}
		if err != nil {
			closeAll(conn, far)
			return
		}
	}
}

// openDoors listens where libvirt tells QEMU to connect to, if nothing is there.
func (r *relay) openDoors() error {
	if err := ownDirectory(r.paths.dir); err != nil {
		return err
	}
	for _, door := range qemuDoors {
		_, err := os.Lstat(r.paths.of(door))
		if err == nil {
			continue
		}
		if !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := r.listen(door, r.paths.of(door)); err != nil {
			return err
		}
	}
	return nil
}

// close cuts everything and waits for it.
func (r *relay) close() {
	r.cancel()
	r.open.end()
	r.running.Wait()
	// Listeners remove their sockets; the directory may be the destination's too.
	_ = os.Remove(r.paths.dir)
}

// ownDirectory makes a directory of this user alone, or finds it.
func ownDirectory(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || info.Mode().Perm() != 0o700 || !ownedByUs(info) {
		return errors.New(dir + " is somebody else's")
	}
	return nil
}
