package app

import (
	"cmp"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"hither/app/audit"
	"hither/app/convert"
	"hither/fusion"
	"hither/peers"
	"hither/peers/carry"
)

// audited gives a protocol's streams so that the audit log has each: who opened it, how much
// went over it and how it ended, and that the owner sees it while it is open.
func (n *Node) audited(l net.Listener, protocol string) net.Listener {
	return auditedListener{l, n, protocol}
}

// stream is what the network's listeners give.
type stream interface {
	net.Conn
	Peer() fusion.HostID
	CloseWrite() error
	Reset() error
}

var errNobodys = errors.New("a stream that is nobody's")

type auditedListener struct {
	net.Listener
	n        *Node
	protocol string
}

func (l auditedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	from, ok := conn.(stream)
	if !ok {
		return nil, errors.Join(errNobodys, conn.Close())
	}
	r := audit.Record{Host: from.Peer(), Name: l.n.HostName(from.Peer()), What: l.protocol}
	s := l.n.audit.Open(r, true, func(error) { _ = conn.Close() })
	return &auditedConn{stream: from, session: s}, nil
}

// auditedConn is one such stream. Close and Reset end its session.
type auditedConn struct {
	stream
	session *audit.Session
	mu      sync.Mutex // guards err
	err     error      // why it ended, when its server knows
}

func (c *auditedConn) Read(p []byte) (int, error) {
	n, err := c.stream.Read(p)
	c.session.In.Add(int64(n))
	return n, err
}

func (c *auditedConn) Write(p []byte) (int, error) {
	n, err := c.stream.Write(p)
	c.session.Out.Add(int64(n))
	return n, err
}

// Lasting says whether the stream outlives its path.
func (c *auditedConn) Lasting() bool {
	_, ok := c.stream.(*peers.LastingConn)
	return ok
}

// SetPatience says how long such a stream lives without a path.
func (c *auditedConn) SetPatience(d time.Duration) {
	if l, ok := c.stream.(*peers.LastingConn); ok {
		l.SetPatience(d)
	}
}

// WriteTo and ReadFrom copy with the stream's own buffers, where it has such.
func (c *auditedConn) WriteTo(w io.Writer) (int64, error) {
	if own, ok := c.stream.(io.WriterTo); ok {
		return own.WriteTo(&countedWriter{w, c.session})
	}
	return io.Copy(w, struct{ io.Reader }{c})
}

func (c *auditedConn) ReadFrom(r io.Reader) (int64, error) {
	if own, ok := c.stream.(io.ReaderFrom); ok {
		return own.ReadFrom(countedReader{r, c.session})
	}
	return io.Copy(struct{ io.Writer }{c}, r)
}

// countedWriter gets what comes over a stream, countedReader gives what goes over it.
type countedWriter struct {
	io.Writer
	session *audit.Session
}

func (w *countedWriter) Write(p []byte) (int, error) {
	w.session.In.Add(int64(len(p)))
	return w.Writer.Write(p)
}

// TryWrite writes what can be written at once (carry.Sink).
func (w *countedWriter) TryWrite(p []byte) (n int, err error) {
	if sink, ok := w.Writer.(carry.Sink); ok {
		n, err = sink.TryWrite(p)
		w.session.In.Add(int64(n))
	}
	return n, err
}

type countedReader struct {
	io.Reader
	session *audit.Session
}

func (r countedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.session.Out.Add(int64(n))
	return n, err
}

// About says what the stream is for, for the log and for whoever looks at what is open.
func (c *auditedConn) About(object string) { c.session.About(object) }

func (c *auditedConn) why(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

func (c *auditedConn) Close() error {
	err := c.stream.Close()
	c.ended()
	return err
}

func (c *auditedConn) Reset() error {
	err := c.stream.Reset()
	c.ended()
	return err
}

func (c *auditedConn) ended() {
	c.mu.Lock()
	why := c.err
	c.mu.Unlock()
	c.session.Close(why)
}

// noteGrants writes down that a computer may do other things here than before: they were
// given or taken, or have ended.
func (n *Node) noteGrants(name string, grants []fusion.Grant) {
	words := convert.All(grants, func(g fusion.Grant) string { return n.Shown(g).String() })
	r := audit.Record{Object: name, What: audit.Grants, Detail: cmp.Or(strings.Join(words, " "), "-"), Result: audit.OK}
	n.note(r)
}

// notePaired writes down that a computer that was installed here has paired itself.
func (n *Node) notePaired(name string) {
	n.note(audit.Record{Object: name, What: audit.Paired, Result: audit.OK})
}

func (n *Node) note(r audit.Record) {
	if err := n.audit.Record(r, false); err != nil {
		n.log.Warn("it is not in the audit log", "err", err)
	}
}
