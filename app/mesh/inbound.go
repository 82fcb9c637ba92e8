package mesh

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// word is what the receiver of a stream says of it: first that it takes it, or why not, and
// later why it does not any more.
type word struct {
	Word   string `json:"cause,omitempty"` // of fusion.Causes, or "other"; "" agrees
	Path   string `json:"path,omitempty"`
	Detail string `json:"detail,omitempty"`
	Hint   string `json:"hint,omitempty"`
}

// err gives the error that a word is, nil when it agrees.
func (w word) err(host string) error {
	if w.Word == "" {
		return nil
	}
	return convert.Restore(&pb.Error{Op: "net", Path: w.Path, Cause: w.Word, Detail: w.Detail, Hint: w.Hint}, host)
}

// maxWord bounds a word in bytes, and wordTime how long it may take to be sent.
const (
	maxWord  = 4096
	wordTime = 2 * time.Second
)

// A word is its length in two bytes, big endian, and that many bytes of JSON.
func writeWord(conn net.Conn, why error) error {
	var w word
	if why != nil {
		said := convert.Describe(why)
		most := func(text string) string { return text[:min(len(text), 1000)] }
		w = word{Word: cmp.Or(said.Cause, "other"), Path: most(said.Path), Detail: most(said.Detail), Hint: most(said.Hint)}
	}
	body, err := json.Marshal(w)
	if err != nil {
		return err
	}
	if len(body) > maxWord {
		body = []byte(`{"cause":"other"}`)
	}
	if err := conn.SetWriteDeadline(time.Now().Add(wordTime)); err != nil {
		return err
	}
	_, err = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(body))), body...))
	return err
}

func readWord(r io.Reader) (w word, err error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return w, err
	}
	size := int(binary.BigEndian.Uint16(head[:]))
	if size > maxWord {
		return w, fmt.Errorf("a word of %d bytes, at most %d", size, maxWord)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return w, err
	}
	return w, json.Unmarshal(body, &w)
}

// inbound is a stream of another computer.
type inbound struct {
	conn net.Conn
	mu   sync.Mutex // guards why
	why  error      // why it ended here
}

// end ends a stream from here: nothing more of it is delivered once this returns.
func (in *inbound) end(why error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.why == nil {
		in.why = why
	}
	_ = in.conn.SetReadDeadline(time.Unix(1, 0)) // its reader ends, or the stream has
}

func (in *inbound) ended() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.why
}

// maxInbound bounds the streams of one computer; more end the oldest. Two are usual while the
// path changes.
const maxInbound = 4

var errOlder = errors.New("newer streams took its place")

// Serve takes the packets of a stream that another computer opened; the caller closes it.
func (m *Mesh) Serve(from fusion.HostID, conn net.Conn) error {
	r := m.running()
	if r == nil {
		return writeWord(conn, &fusion.Error{Op: "net", Cause: fusion.ErrOffline, Detail: "its private network is off", Hint: "on that computer: hither net up"})
	}
	in := &inbound{conn: conn}
	c, oldest, ok := r.enter(from, in)
	if !ok {
		return nil // it is just ending
	}
	if oldest != nil {
		oldest.end(errOlder)
	}
	defer r.work.Done()
	defer r.leave(from, in)
	// Counted first: a grant that is taken away meanwhile finds it.
	if err := m.cfg.Allow(from); err != nil {
		return errors.Join(err, writeWord(conn, err))
	}
	if err := writeWord(conn, nil); err != nil {
		return err
	}
	err := r.take(from, in, c)
	if why := in.ended(); why != nil {
		if errors.Is(why, errOlder) {
			return nil
		}
		return errors.Join(why, writeWord(conn, why))
	}
	if errors.Is(err, io.EOF) || r.ctx.Err() != nil {
		return nil
	}
	return err
}

// enter counts a stream, and gives the oldest one when they are too many.
func (r *running) enter(from fusion.HostID, in *inbound) (c *counts, oldest *inbound, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return nil, nil, false
	}
	r.work.Add(1)
	if list := r.inbound[from]; len(list) >= maxInbound {
		oldest, r.inbound[from] = list[0], list[1:]
	}
	r.inbound[from] = append(r.inbound[from], in)
	return r.countsLocked(from), oldest, true
}

func (r *running) leave(from fusion.HostID, in *inbound) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inbound[from] = slices.DeleteFunc(r.inbound[from], func(o *inbound) bool { return o == in })
}

// streamBuffer is what is read of a stream at once: a frame of yamux and more.
const streamBuffer = 128 << 10

// take delivers packets to the end of the stream.
func (r *running) take(from fusion.HostID, in *inbound, c *counts) error {
	stop := r.onEnd(func() { in.end(errOlder) })
	defer stop()
	reader := bufio.NewReaderSize(in.conn, streamBuffer)
	for {
		b, err := readBatch(reader)
		if err != nil {
			return err
		}
		r.deliver(from, in, c, b)
		batches.Put(b)
		if in.ended() != nil {
			return nil
		}
	}
}

// deliver gives packets to this computer and its machines, those that the sender may send.
func (r *running) deliver(from fusion.HostID, in *inbound, c *counts, b *batch) {
	known := r.book.Load()
	own := b.packets[:0]
	in.mu.Lock() // a stream that ended delivers nothing
	defer in.mu.Unlock()
	if in.why != nil {
		return
	}
	for _, p := range b.packets {
		packet := p[room:]
		c.in.Add(int64(len(packet)))
		src, dst, ok := endpoints(packet)
		_, mine := known.mine[dst]
		switch {
		case !ok || known.holder[src] != from || !mine && dst != r.m.own:
			c.dropped.Add(1)
		case mine || r.tun == nil:
			r.stack.inject(packet)
		default:
			own = append(own, p)
		}
	}
	if len(own) > 0 {
		_, _ = r.tun.Write(own, room) // packets that the device does not take are lost
	}
}
