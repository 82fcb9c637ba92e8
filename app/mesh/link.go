package mesh

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"hither/fusion"
)

// link sends this computer's packets to another one, over a stream that it opens. It ends
// when nothing was sent for linkIdle, and a new one begins with the next packet.
type link struct {
	r     *running
	id    fusion.HostID
	queue *queue
	c     *counts

	mu     sync.Mutex // guards the fields below
	path   string     // that the stream took
	newer  bool       // there is another path
	retry  bool       // the next packet tries, whatever was before
	why    error      // why nothing goes there
	stream net.Conn   // nil while there is none
	pause  time.Duration
	until  time.Time // nothing is tried before, after a failure
}

const (
	linkIdle = 2 * time.Minute
	// After a failure nothing is tried for a pause that grows, and packets are lost.
	firstPause = 500 * time.Millisecond
	lastPause  = 15 * time.Second
	// switchTime bounds what is under way on the former path when there is a better one.
	switchTime = 300 * time.Millisecond
)

func newLink(r *running, id fusion.HostID, c *counts) *link {
	return &link{r: r, id: id, c: c, queue: newQueue(), path: r.book.Load().hosts[id].Path}
}

// put lets a packet wait for its turn.
func (l *link) put(packet []byte) { l.queue.put(packet) }

func (l *link) reason() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why
}

// moved takes a new path, if there is one.
func (l *link) moved(now Member) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Path == l.path || !now.Online {
		return
	}
	l.path, l.newer, l.retry = now.Path, true, true
	if l.stream != nil {
		_ = l.stream.SetWriteDeadline(time.Now().Add(switchTime)) // a stream that cannot is closed by its next write
	}
	l.queue.wake()
}

// again lets the next packet try, whatever was before.
func (l *link) again() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.retry = true
}

// run sends until the network ends or nothing was sent for long.
func (l *link) run() {
	var spare []byte
	idle := time.NewTimer(linkIdle)
	defer idle.Stop()
	defer l.drop()
	for {
		select {
		case <-l.r.ctx.Done():
			return
		case <-idle.C:
			if l.leave() {
				return
			}
			idle.Reset(linkIdle)
			continue
		case <-l.queue.some:
		}
		idle.Reset(linkIdle)
		conn := l.ready()
		if conn == nil {
			l.refuse()
			continue
		}
		frames := l.queue.take(spare)
		if len(frames) == 0 {
			spare = frames
			continue
		}
		if _, err := conn.Write(frames); err != nil { // they are lost, as on any path
			l.dropIf(conn)
			l.queue.wake()
		} else {
			l.c.out.Add(int64(len(frames)))
		}
		spare = frames[:0]
	}
}

// ready gives a stream that takes the best path, nil when there is none now.
func (l *link) ready() net.Conn {
	l.mu.Lock()
	conn, renew := l.stream, l.newer
	held := conn == nil && !l.retry && time.Now().Before(l.until)
	l.newer, l.retry = false, false
	l.mu.Unlock()
	if held || conn != nil && !renew {
		return conn
	}
	next, err := l.open()
	switch {
	case err == nil:
		l.use(next)
		return next
	case conn == nil:
		l.failed(err)
	}
	return conn
}

// dialTime bounds the opening of a stream.
const dialTime = 10 * time.Second

// open opens a stream and waits until the other computer takes it, so that whoever sent what
// waits hears at once when it does not.
func (l *link) open() (net.Conn, error) {
	ctx, cancel := context.WithTimeout(l.r.ctx, dialTime)
	defer cancel()
	conn, err := l.r.m.cfg.Dial(ctx, l.id)
	switch {
	case errors.Is(err, fusion.ErrUnsupported):
		return nil, &fusion.Error{Op: "net", Path: l.r.nameOf(l.id), Cause: fusion.ErrUnsupported, Detail: "its release has no private network", Hint: "update Hither there"}
	case err != nil:
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	said, err := readWord(conn)
	if err == nil {
		err = said.err(l.r.nameOf(l.id))
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// use takes a new stream in the place of the former one, which ends after what was written.
func (l *link) use(conn net.Conn) {
	l.mu.Lock()
	before := l.stream
	l.stream, l.why, l.pause = conn, nil, 0
	l.mu.Unlock()
	if before != nil {
		_ = before.Close() // its other end reads to the end
	}
	if l.r.begin() {
		go func() {
			defer l.r.work.Done()
			l.hear(conn)
		}()
	}
}

// hear reads what else the other computer says of a stream, until it ends.
func (l *link) hear(conn net.Conn) {
	stop := context.AfterFunc(l.r.ctx, func() { _ = conn.Close() })
	defer stop()
	for {
		said, err := readWord(conn)
		if err != nil {
			l.dropIf(conn)
			return
		}
		if why := said.err(l.r.nameOf(l.id)); why != nil {
			l.dropIf(conn)
			l.failed(why)
			return
		}
	}
}

// failed keeps why nothing goes there, and how long nothing is tried.
func (l *link) failed(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	l.r.m.cfg.Log.Debug("the private network's way to a computer", "host", l.r.nameOf(l.id), "err", err)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.why = err
	l.pause = min(max(2*l.pause, firstPause), lastPause)
	l.until = time.Now().Add(l.pause)
}

// dropIf closes a stream that is of no use, if it is the present one.
func (l *link) dropIf(conn net.Conn) {
	l.mu.Lock()
	mine := l.stream == conn
	if mine {
		l.stream = nil
	}
	l.mu.Unlock()
	_ = conn.Close() // it broke, or was closed
}

func (l *link) drop() {
	l.mu.Lock()
	conn := l.stream
	l.mu.Unlock()
	if conn != nil {
		l.dropIf(conn)
	}
}

// refuse tells the senders of what waits that it goes nowhere, and drops it.
func (l *link) refuse() {
	frames := l.queue.take(nil)
	for len(frames) > 0 {
		var packet []byte
		packet, frames = firstFrame(frames)
		l.r.unreachable(packet, addressUnreachable)
		l.c.dropped.Add(1)
	}
}

// leave ends a link that nothing waits for.
func (l *link) leave() bool {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	if !l.queue.empty() {
		return false
	}
	l.c.dropped.Add(l.queue.lost())
	delete(l.r.links, l.id)
	return true
}

// nameOf is what a computer is called here.
func (r *running) nameOf(id fusion.HostID) string {
	if m, ok := r.book.Load().hosts[id]; ok {
		return m.Name
	}
	return string(id)
}
