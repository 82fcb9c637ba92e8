package tunnel

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// Protocol is what the streams between hosts are called (docs/wire.md, "Tunnels").
const Protocol = "/hither/tunnel/1"

// hello is the first frame of a stream: what whoever opened it wants.
type hello struct {
	Do string `json:"do"`
	// Of doOpen.
	Proto  string        `json:"proto,omitempty"`
	Target fusion.Target `json:"target,omitzero"`
	// Of doListen and doBack: the tunnel's ID at whoever keeps it.
	Tunnel string `json:"tunnel,omitempty"`
	// Of doListen, beside Proto.
	Listen string `json:"listen,omitempty"`
	Open   bool   `json:"open,omitempty"`
	// Of doSite, beside Tunnel and Listen: what is published, and what visitors are asked
	// for, of the password a hash (bcrypt).
	Site fusion.Site `json:"site,omitzero"`
	User string      `json:"user,omitempty"`
	Hash string      `json:"hash,omitempty"`
}

const (
	doOpen   = "open"   // connect to Target
	doListen = "listen" // listen, as long as this stream stands, and open one with doBack for each connection
	doSite   = "site"   // publish a name, likewise; the stream then has frames of siteNews
	doBack   = "back"   // a connection of what was asked for by doListen or doSite
)

// answer is the first frame that comes back; without an error the rest of the stream is what
// was asked for.
type answer struct {
	Word   string `json:"cause,omitempty"` // of fusion.Causes, or "other"
	Path   string `json:"path,omitempty"`
	Detail string `json:"detail,omitempty"`
	Hint   string `json:"hint,omitempty"`
	// Of doListen and doSite.
	Listen string `json:"listen,omitempty"`
}

const (
	// maxHello bounds a frame in bytes.
	maxHello = 4096
	// helloTime bounds how long a first frame may take, and answerTime how long the answer:
	// longer than dialTime, so that the far end's own word arrives.
	helloTime  = 10 * time.Second
	answerTime = 15 * time.Second
	// reachTime bounds both, with the dial before them.
	reachTime = answerTime + 5*time.Second
)

// A frame is its length in two bytes, big endian, and that many bytes of JSON.
func writeFrame(w io.Writer, message any) error {
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	if len(body) > maxHello {
		return fmt.Errorf("a frame of %d bytes, at most %d", len(body), maxHello)
	}
	frame := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(body)), uint16(len(body)))
	_, err = w.Write(append(frame, body...))
	return err
}

// readFrame reads one frame and not a byte more.
func readFrame(r io.Reader, message any) error {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	size := binary.BigEndian.Uint16(head[:])
	if size > maxHello {
		return fmt.Errorf("a frame of %d bytes, at most %d", size, maxHello)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return err
	}
	return json.Unmarshal(body, message)
}

// ask opens a stream to a host, says hello and gives the stream once the host agreed.
func (s *Store) ask(ctx context.Context, id fusion.HostID, h hello) (net.Conn, answer, error) {
	conn, err := s.cfg.Dial(ctx, id)
	if err != nil {
		return nil, answer{}, err
	}
	got, err := s.agree(ctx, id, conn, h)
	if err != nil {
		return nil, answer{}, errors.Join(err, conn.Close())
	}
	return conn, got, nil
}

func (s *Store) agree(ctx context.Context, id fusion.HostID, conn net.Conn, h hello) (got answer, err error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return got, err
	}
	if err = writeFrame(conn, h); err == nil {
		err = readFrame(conn, &got)
	}
	name := s.nameOf(id)
	switch {
	case err != nil && ctx.Err() != nil:
		return got, ctx.Err()
	case err != nil:
		return got, &fusion.Error{Op: "tunnel", Path: name, Cause: fusion.ErrOffline, Detail: "no answer: " + err.Error(), Hint: "see that " + name + " is awake and its node runs"}
	case got.Word != "":
		return got, convert.Restore(&pb.Error{Op: "tunnel", Path: got.Path, Cause: got.Word, Detail: got.Detail, Hint: got.Hint}, name)
	case !stop():
		return got, ctx.Err()
	}
	return got, conn.SetDeadline(time.Time{})
}

// refuse tells the other side why not.
func refuse(conn net.Conn, why error) error {
	said := convert.Describe(why)
	most := func(text string) string { return text[:min(len(text), 1000)] }
	return writeFrame(conn, answer{Word: cmp.Or(said.Cause, "other"), Path: most(said.Path), Detail: most(said.Detail), Hint: most(said.Hint)})
}
