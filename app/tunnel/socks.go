package tunnel

import (
	"context"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"time"

	"hither/fusion"
	"hither/vmctl/proxy"
)

// SOCKS 5 (RFC 1928): CONNECT and UDP ASSOCIATE, without authentication or with a user and
// password (RFC 1929). Names go to the far end as they are.
const (
	socksVersion = 5

	socksNoAuth   = 0
	socksUserAuth = 2
	socksNone     = 0xff

	socksConnect   = 1
	socksAssociate = 3

	socksIPv4 = 1
	socksName = 3
	socksIPv6 = 4
)

// The answers of RFC 1928, section 6.
const (
	socksDone        = 0
	socksFailed      = 1
	socksForbidden   = 2
	socksNoNetwork   = 3
	socksNoHost      = 4
	socksNoCommand   = 7
	socksNoAddresses = 8
)

// proxyHello bounds how long a client may take to say where it wants to go.
const proxyHello = 20 * time.Second

// errSocks is a client that does not speak the protocol.
var errSocks = errors.New("not SOCKS 5")

// serveProxy serves one connection of a proxy: its first byte tells what it speaks.
func (s *Store) serveProxy(ctx context.Context, e *entry, conn net.Conn) {
	defer conn.Close()
	var first [1]byte
	if conn.SetDeadline(time.Now().Add(proxyHello)) != nil {
		return
	}
	if _, err := io.ReadFull(conn, first[:]); err != nil {
		return
	}
	if first[0] != socksVersion {
		s.serveHTTP(ctx, e, conn, first[0])
		return
	}
	command, target, err := greetSocks(conn, e.User, e.Password)
	if err != nil {
		return
	}
	switch command {
	case socksConnect:
		s.socksConnect(ctx, e, conn, target)
	case socksAssociate:
		s.socksAssociate(ctx, e, conn)
	}
}

// greetSocks reads what comes after the version, answers it, and gives what is wanted: a
// command that is served, and its target. What is not served was refused.
func greetSocks(conn io.ReadWriter, user, password string) (command byte, t fusion.Target, err error) {
	methods, err := readCounted(conn)
	if err != nil {
		return 0, t, err
	}
	method, want := byte(socksNone), byte(socksNoAuth)
	if user != "" {
		want = socksUserAuth
	}
	for _, m := range methods {
		if m == want {
			method = want
		}
	}
	if _, err := conn.Write([]byte{socksVersion, method}); err != nil {
		return 0, t, err
	}
	if method == socksNone {
		return 0, t, errSocks
	}
	if method == socksUserAuth {
		if err := checkSocksUser(conn, user, password); err != nil {
			return 0, t, err
		}
	}
	var head [3]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return 0, t, err
	}
	if head[0] != socksVersion {
		return 0, t, errSocks
	}
	t, err = readSocksTarget(conn)
	switch {
	case errors.Is(err, errSocks):
		return 0, t, errors.Join(err, answerSocks(conn, socksNoAddresses, netip.AddrPort{}))
	case err != nil:
		return 0, t, err
	case head[1] != socksConnect && head[1] != socksAssociate:
		return 0, t, errors.Join(errSocks, answerSocks(conn, socksNoCommand, netip.AddrPort{}))
	}
	return head[1], t, nil
}

// readCounted reads a byte and that many more.
func readCounted(r io.Reader) ([]byte, error) {
	var n [1]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return nil, err
	}
	text := make([]byte, n[0])
	_, err := io.ReadFull(r, text)
	return text, err
}

// checkSocksUser is RFC 1929.
func checkSocksUser(conn io.ReadWriter, user, password string) error {
	var version [1]byte
	if _, err := io.ReadFull(conn, version[:]); err != nil {
		return err
	}
	gotUser, err := readCounted(conn)
	if err != nil {
		return err
	}
	gotPassword, err := readCounted(conn)
	if err != nil {
		return err
	}
	if !sameUser(user, password, string(gotUser), string(gotPassword)) {
		_, err := conn.Write([]byte{1, 1})
		return errors.Join(errSocks, err)
	}
	_, err = conn.Write([]byte{1, 0})
	return err
}

// sameUser compares in a time that tells nothing.
func sameUser(user, password, gotUser, gotPassword string) bool {
	return subtle.ConstantTimeCompare([]byte(user), []byte(gotUser))&subtle.ConstantTimeCompare([]byte(password), []byte(gotPassword)) == 1
}

// readSocksTarget reads ATYP, address and port. An address that no tunnel leads to is given as
// it is; whoever connects refuses it.
func readSocksTarget(r io.Reader) (t fusion.Target, err error) {
	var kind [1]byte
	if _, err := io.ReadFull(r, kind[:]); err != nil {
		return t, err
	}
	size := 0
	switch kind[0] {
	case socksIPv4:
		size = 4
	case socksIPv6:
		size = 16
	case socksName:
		name, err := readCounted(r)
		if err != nil {
			return t, err
		}
		t.Address = string(name)
	default:
		return t, errSocks
	}
	if size > 0 {
		raw := make([]byte, size)
		if _, err := io.ReadFull(r, raw); err != nil {
			return t, err
		}
		ip, _ := netip.AddrFromSlice(raw) // 4 or 16
		t.Address = ip.Unmap().String()
	}
	var port [2]byte
	if _, err := io.ReadFull(r, port[:]); err != nil {
		return t, err
	}
	t.Port = int(binary.BigEndian.Uint16(port[:]))
	return t, nil
}

// answerSocks writes a reply; bound is what UDP ASSOCIATE listens on.
func answerSocks(w io.Writer, code byte, bound netip.AddrPort) error {
	_, err := w.Write(appendSocksAddr([]byte{socksVersion, code, 0}, bound))
	return err
}

// appendSocksAddr appends ATYP, address and port.
func appendSocksAddr(b []byte, at netip.AddrPort) []byte {
	switch ip := at.Addr().Unmap(); {
	case ip.Is6():
		b = append(append(b, socksIPv6), ip.AsSlice()...)
	case ip.Is4():
		b = append(append(b, socksIPv4), ip.AsSlice()...)
	default:
		b = append(b, socksIPv4, 0, 0, 0, 0)
	}
	return binary.BigEndian.AppendUint16(b, at.Port())
}

// socksCode says in SOCKS why a target was not reached.
func socksCode(err error) byte {
	switch {
	case errors.Is(err, fusion.ErrPermission):
		return socksForbidden
	case errors.Is(err, fusion.ErrOffline), errors.Is(err, fusion.ErrUnpaired):
		return socksNoNetwork
	case errors.Is(err, fusion.ErrNotFound):
		return socksNoHost
	}
	return socksFailed
}

func (s *Store) socksConnect(ctx context.Context, e *entry, conn net.Conn, t fusion.Target) {
	far, err := s.reachFor(ctx, e, "tcp", t)
	if err != nil {
		_ = answerSocks(conn, socksCode(err), netip.AddrPort{}) // the connection ends either way
		return
	}
	if answerSocks(conn, socksDone, netip.AddrPort{}) != nil || conn.SetDeadline(time.Time{}) != nil {
		proxy.Abort(far)
		return
	}
	proxy.Join(ctx, conn, far, e.gauge)
}

// reachFor connects to where a program wants to go through a proxy.
func (s *Store) reachFor(ctx context.Context, e *entry, proto string, t fusion.Target) (net.Conn, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	if s.cfg.Mesh != nil && s.cfg.InMesh(t.Address) {
		return s.cfg.Mesh(ctx, proto, t.Address, t.Port)
	}
	conn, err := s.reach(ctx, e, proto, t)
	if err != nil && !errors.Is(err, fusion.ErrOffline) && !errors.Is(err, fusion.ErrPermission) {
		e.told(nil) // that one target did not answer is not the proxy's state
	}
	return conn, err
}
