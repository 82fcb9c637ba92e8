package api

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
)

// What callers without a claim on this computer may have under way at a time: each other
// computer, and all who showed no token together.
const (
	maxCalls = 256
	// smallMessage is what the message of each of them may have, in bytes; maxLarge of
	// them may have more, up to maxRequest.
	smallMessage = 16 << 10
	maxLarge     = 8
)

// door lets calls in before anything of their messages is read and kept: the guard of
// Connect only sees a call once its message is in memory.
type door struct {
	s *Server
	// calls has Connect's methods and those paths that are none.
	calls http.Handler
	write *connect.ErrorWriter

	mu  sync.Mutex // guards all
	all map[fusion.HostID]*under
}

// under is what one caller has under way; door.mu guards it.
type under struct{ calls, large int }

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	caller := callerOf(r.Context())
	if caller.Owner {
		d.calls.ServeHTTP(w, r)
		return
	}
	isMethod := strings.HasPrefix(r.URL.Path, "/hither.v1.")
	var refused error
	if isMethod {
		if refused = d.refuses(r); refused != nil && !d.paired(caller) {
			d.note(r, refused)
			d.refuse(w, r, refused)
			return
		}
	}
	leave, err := d.enter(caller.Peer)
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	defer leave()
	if isMethod {
		m := &message{ReadCloser: r.Body, door: d, from: caller.Peer, refused: refused}
		defer m.leave()
		r.Body = m
	}
	d.calls.ServeHTTP(w, r)
}

// paired says whether a caller is a computer that is known here. What it asks for in vain is
// read, if that is small: the owner sees it in the log, and may grant it.
func (d *door) paired(c Caller) bool {
	_, paired := d.s.node.Grants(c.Peer)
	return c.Peer != "" && paired
}

// refuses says why a call is refused whatever its message says.
func (d *door) refuses(r *http.Request) error {
	_, err := d.s.judge(withTrace(r.Context(), r.Header), r.URL.Path, nil)
	return err
}

// note writes down a call that was refused unread.
func (d *door) note(r *http.Request, err error) {
	ctx := withTrace(r.Context(), r.Header)
	d.s.logCall(ctx, r.URL.Path, time.Now(), err)
	d.s.refused(ctx, r.URL.Path, nil, err)
}

// refuse answers and ends the connection: what else comes on it is not read.
func (d *door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("Connection", "close")
	if !d.write.IsSupported(r) {
		writeError(w, err)
		return
	}
	if err := d.write.Write(w, r, convert.ErrorToPB(err)); err != nil {
		d.s.log.Debug("a refusal was not heard", "err", err)
	}
}

func (d *door) enter(from fusion.HostID) (leave func(), err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	u := d.all[from]
	if u == nil {
		u = &under{}
		d.all[from] = u
	}
	if u.calls >= maxCalls {
		return nil, d.tooMany("it has too many calls of this computer under way")
	}
	u.calls++
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if u.calls--; u.calls == 0 {
			delete(d.all, from)
		}
	}, nil
}

func (d *door) tooMany(detail string) error {
	return &fusion.Error{Op: "api", Path: d.s.node.Name(), Cause: fusion.ErrBusy, Detail: detail, Hint: "let some of them end and try again"}
}

// message is the body of a method's call. It is held to smallMessage unless there is room
// for a large one, which the call then has until it ends.
type message struct {
	io.ReadCloser
	door  *door
	from  fusion.HostID
	read  int
	large bool
	// refused is why the call is refused whatever the message says; then it is never large.
	refused error
}

func (m *message) Read(p []byte) (int, error) {
	if rest := smallMessage - m.read; !m.large && len(p) > rest {
		if rest > 0 {
			p = p[:rest]
		} else if err := m.grow(); err != nil {
			return 0, convert.ErrorToPB(err) // Connect gives its own errors on as they are
		}
	}
	n, err := m.ReadCloser.Read(p)
	m.read += n
	return n, err
}

func (m *message) grow() error {
	if m.refused != nil {
		return m.refused
	}
	m.door.mu.Lock()
	defer m.door.mu.Unlock()
	u := m.door.all[m.from]
	if u.large >= maxLarge {
		return m.door.tooMany("it has too many large calls of this computer under way")
	}
	u.large++
	m.large = true
	return nil
}

func (m *message) leave() {
	m.door.mu.Lock()
	defer m.door.mu.Unlock()
	if m.large {
		m.door.all[m.from].large--
	}
}

// oneCall gives connections that end when their caller writes more than its call: what
// would come after it is otherwise kept, unread, as long as the call goes on.
type oneCall struct{ net.Listener }

func (l oneCall) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &callConn{Conn: conn}, nil
}

type callConn struct{ net.Conn }

var errMore = errors.New("the caller wrote more than its call")

// Read knows what net/http does: while a call is answered it reads one byte, which tells
// it that the caller is gone; everything else it reads through a buffer.
func (c *callConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if len(p) == 1 && n == 1 {
		return 0, errors.Join(errMore, c.Conn.Close())
	}
	return n, err
}

// Peer says whose connection it is; "" when nobody's is known.
func (c *callConn) Peer() fusion.HostID {
	if from, ok := c.Conn.(interface{ Peer() fusion.HostID }); ok {
		return from.Peer()
	}
	return ""
}

// CloseWrite ends this direction, where the connection can.
func (c *callConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
