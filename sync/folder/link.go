package folder

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/syncthing/syncthing/lib/model"
	"github.com/syncthing/syncthing/lib/protocol"

	"hither/fusion"
)

// handshakeTime bounds everything that comes before the block exchange.
const handshakeTime = 20 * time.Second

// link is the one connection to a host over which files flow.
type link struct {
	host   fusion.HostID
	stream net.Conn
	done   chan struct{} // closed when the model has let go of it

	mu       sync.Mutex
	promised map[string]int64 // folder ID to how far the other's list reaches
}

// serveLink speaks Syncthing's protocol on a stream until it breaks or ctx
// ends. The stream is closed in the end. dialed says which side this is.
func (s *Store) serveLink(ctx context.Context, host fusion.HostID, stream net.Conn, dialed bool) error {
	defer stream.Close()
	e := s.engine.Load()
	if e == nil {
		return fmt.Errorf("no folder is kept here")
	}
	defer context.AfterFunc(ctx, func() { stream.Close() })()
	if err := stream.SetDeadline(time.Now().Add(handshakeTime)); err != nil {
		return err
	}
	secure, device, err := s.prove(ctx, host, stream, dialed)
	if err != nil {
		return err
	}
	hello, err := protocol.ExchangeHello(secure, protocol.Hello{DeviceName: s.cfg.Name,
		ClientName: "hither", ClientVersion: "v1", NumConnections: 1, Timestamp: time.Now().UnixNano()})
	if err != nil {
		return err
	}
	if err := stream.SetDeadline(time.Time{}); err != nil {
		return err
	}
	l := &link{host: host, stream: stream, done: make(chan struct{}), promised: map[string]int64{}}
	if !s.takeLink(ctx, l) {
		return ctx.Err()
	}
	defer s.dropLink(l)
	if err := e.model.OnHello(device, stream.RemoteAddr(), hello); err != nil {
		return err // the share went away meanwhile
	}
	conn := protocol.NewConnection(device, secure, secure, secure, listener{e.model, l, func() { s.recheck(host) }},
		newConnInfo(stream, dialed), protocol.CompressionMetadata, e.keys)
	e.model.AddConnection(conn, hello)
	if !e.model.ConnectedTo(device) { // the share went away just now
		conn.Close(errClosed)
		return nil
	}
	s.log.Info("files flow with a host", "host", s.nameOf(host))
	select {
	case <-conn.Closed():
	case <-ctx.Done():
		stream.Close()
		conn.Close(ctx.Err()) // returns at once on a broken stream, or when the model has begun with it
		<-conn.Closed()
	}
	s.log.Info("files no longer flow with a host", "host", s.nameOf(host))
	return nil
}

// prove does the TLS handshake, and sees that the device at the other end is
// the one that this host told of in its control messages.
func (s *Store) prove(ctx context.Context, host fusion.HostID, stream net.Conn, dialed bool) (*tls.Conn, protocol.DeviceID, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{s.cert},
		NextProtos: []string{"bep/1.0"}, ClientAuth: tls.RequireAnyClientCert, SessionTicketsDisabled: true,
		InsecureSkipVerify: true} // device keys sign themselves; their hash is compared below
	secure := tls.Server(stream, conf)
	if dialed {
		secure = tls.Client(stream, conf)
	}
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, protocol.EmptyDeviceID, err
	}
	certs := secure.ConnectionState().PeerCertificates
	if len(certs) != 1 {
		return nil, protocol.EmptyDeviceID, fmt.Errorf("%d certificates", len(certs))
	}
	device := protocol.NewDeviceID(certs[0].Raw)
	if s.ledger.Load().Devices[host] != device.String() {
		return nil, protocol.EmptyDeviceID, fmt.Errorf("device %s is not the one of this host", device.Short())
	}
	return secure, device, nil
}

// takeLink makes l the link of its host once an older one is gone, which it
// ends: the other side would not have dialed with a link in use.
func (s *Store) takeLink(ctx context.Context, l *link) bool {
	for {
		s.mu.Lock()
		old := s.links[l.host]
		if old == nil {
			s.links[l.host] = l
			s.mu.Unlock()
			return true
		}
		s.mu.Unlock()
		old.stream.Close()
		select {
		case <-old.done:
		case <-ctx.Done():
			return false
		}
	}
}

func (s *Store) dropLink(l *link) {
	s.mu.Lock()
	delete(s.links, l.host)
	p := s.peers[l.host]
	s.mu.Unlock()
	close(l.done)
	p.recheck()
	s.hub.touch()
}

// endLink ends the link with host, if there is one.
func (s *Store) endLink(host fusion.HostID) {
	s.mu.Lock()
	l := s.links[host]
	s.mu.Unlock()
	if l != nil {
		l.stream.Close()
	}
}

// reaches gives how far the other's list of a folder's files reaches; ok is
// false as long as it has not said so on this link.
func (l *link) reaches(folder string) (sequence int64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	sequence, ok = l.promised[folder]
	return sequence, ok
}

// listener is the model, with an ear for what the other side says of the
// length of its lists: until a list has arrived whole, "nothing is needed"
// means nothing.
type listener struct {
	model.Model
	link    *link
	changed func()
}

func (m listener) ClusterConfig(c protocol.Connection, cc *protocol.ClusterConfig) error {
	promised := map[string]int64{}
	for _, f := range cc.Folders {
		for _, d := range f.Devices {
			if d.ID == c.DeviceID() && !f.Paused {
				promised[f.ID] = d.MaxSequence
			}
		}
	}
	if err := m.Model.ClusterConfig(c, cc); err != nil {
		return err
	}
	if !cc.Secondary {
		m.link.mu.Lock()
		m.link.promised = promised
		m.link.mu.Unlock()
		m.changed()
	}
	return nil
}

// connInfo describes a link to Syncthing.
type connInfo struct {
	id, kind string
	addr     net.Addr
	since    time.Time
}

func newConnInfo(stream net.Conn, dialed bool) connInfo {
	kind := "stream-server"
	if dialed {
		kind = "stream-client"
	}
	return connInfo{id: rand.Text(), kind: kind, addr: stream.RemoteAddr(), since: time.Now()}
}

func (c connInfo) Type() string             { return c.kind }
func (c connInfo) Transport() string        { return "stream" }
func (c connInfo) IsLocal() bool            { return true }
func (c connInfo) RemoteAddr() net.Addr     { return c.addr }
func (c connInfo) Priority() int            { return 0 }
func (c connInfo) String() string           { return c.kind + "-" + c.id[:6] }
func (c connInfo) Crypto() string           { return "TLS1.3" }
func (c connInfo) EstablishedAt() time.Time { return c.since }
func (c connInfo) ConnectionID() string     { return c.id }
