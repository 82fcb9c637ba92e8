package vmctl

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"time"
	"unicode"

	"hither/fusion"
)

// What two hosts say to each other about backups of one that lie at the other (docs/wire.md,
// "Backups on other computers"): frames of a type, a length and a body. Whoever opens the
// stream sends one request and has an answer; then a backup comes or goes.

// keepRequest is the first frame.
type keepRequest struct {
	Do string `json:"do"` // one of the constants below
	// Machine is the UUID of the machine's domain, in a read also its name; Name is the
	// machine's name.
	Machine string `json:"machine"`
	Name    string `json:"name,omitempty"`
	// Marks are the checkpoints that the machine has, of an ask.
	Marks []string `json:"marks,omitempty"`
	// ID is what the backup shall be called if that is free, Base the one that patches are
	// laid over, and Disks are those that come, of a keep.
	ID    string         `json:"id,omitempty"`
	Base  string         `json:"base,omitempty"`
	Disks []manifestDisk `json:"disks,omitempty"`
	// Of is the host whose machine it is, "" for the one that asks; and Backup which, of a read.
	Of     fusion.HostID `json:"of,omitempty"`
	Backup string        `json:"backup,omitempty"`
}

const (
	doAsk  = "ask"  // whether a backup may come, and what it may go back to
	doKeep = "keep" // one comes
	doRead = "read" // one is read
)

// keepAnswer is the answer to a request and to an end.
type keepAnswer struct {
	Error *wireError `json:"error,omitempty"`
	// Base is the backup that a new one may go back to, of an ask; or the one that is read,
	// of a read.
	Base *backupManifest `json:"base,omitempty"`
	// Made says what was kept, of an end.
	Made *keptBackup `json:"made,omitempty"`
}

// keptBackup is what the keeper made of what came.
type keptBackup struct {
	ID         string   `json:"id"`
	Sums       []string `json:"sums"` // of each disk's list
	DataBytes  int64    `json:"dataBytes"`
	AddedBytes int64    `json:"addedBytes"`
	// All are the backups of the machine that there are now, as the schedule may have
	// removed some.
	All []string `json:"all"`
}

// keepEnd completes a backup that comes.
type keepEnd struct {
	Created    time.Time          `json:"created"`
	Kind       fusion.BackupKind  `json:"kind"`
	State      fusion.BackupState `json:"state"`
	Definition string             `json:"definition"`
	Checkpoint string             `json:"checkpoint,omitempty"`
	ReadBytes  int64              `json:"readBytes"`
	// Keep is the rule of the schedule that had it made, nil for one that a person took.
	Keep *fusion.BackupKeep `json:"keep,omitempty"`
}

// The types of frames. Those above 0x7f come from the keeper.
const (
	frameRequest = 0x01 // keepRequest
	frameOffer   = 0x02 // the next parts: see offer
	frameChunk   = 0x03 // a chunk, zstd
	framePatch   = 0x04 // parts of a chunk: see patch
	frameEnd     = 0x05 // keepEnd
	frameDisk    = 0x06 // u16: send that disk
	frameAnswer  = 0x81 // keepAnswer
	frameWanted  = 0x82 // a byte for each part that was offered: 1 to send it
	framePart    = 0x83 // u32 its number, 32 bytes its sum, a chunk, zstd
	frameWhole   = 0x84 // the disk ends
)

const (
	// mostFrame bounds a body in bytes: a manifest, or a chunk that zstd made longer.
	mostFrame = 4 << 20
	// mostDefinition bounds a definition in bytes.
	mostDefinition = 1 << 20
	// framePause is the longest silence that is borne while a frame is awaited or sent.
	framePause = 2 * time.Minute
)

// fabric is a stream between two hosts, in frames. Only one goroutine uses it.
type fabric struct {
	conn net.Conn
	in   *bufio.Reader
	out  *bufio.Writer
	code *codec
	sent int64 // bytes
	// allowed says whether the other host still may do this, at the keeper.
	allowed func() error
}

func newFabric(conn net.Conn) (*fabric, error) {
	code, err := newCodec()
	return &fabric{conn: conn, in: bufio.NewReaderSize(conn, 64<<10), out: bufio.NewWriterSize(conn, 64<<10), code: code}, err
}

// lost is an error of the stream itself, not of what is read or kept.
type lost struct{ error }

func (e lost) Unwrap() error { return e.error }

// write puts a frame on its way; flush sees that it goes.
func (f *fabric) write(kind byte, body ...[]byte) error {
	length := 0
	for _, part := range body {
		length += len(part)
	}
	if err := f.conn.SetWriteDeadline(time.Now().Add(framePause)); err != nil {
		return lost{err}
	}
	head := binary.BigEndian.AppendUint32([]byte{kind}, uint32(length))
	f.sent += int64(len(head) + length)
	_, err := f.out.Write(head)
	for _, part := range body {
		if err == nil {
			_, err = f.out.Write(part)
		}
	}
	if err != nil {
		return lost{err}
	}
	return nil
}

func (f *fabric) flush() error {
	if err := f.out.Flush(); err != nil {
		return lost{err}
	}
	return nil
}

// say sends one frame of JSON.
func (f *fabric) say(kind byte, value any) error {
	text, err := json.Marshal(value)
	if err == nil {
		err = f.write(kind, text)
	}
	if err == nil {
		err = f.flush()
	}
	return err
}

var errOddFrame = errors.New("it does not say what is understood here")

// read gives the next frame; that none comes any more is an error too.
func (f *fabric) read() (kind byte, body []byte, err error) {
	if err := f.conn.SetReadDeadline(time.Now().Add(framePause)); err != nil {
		return 0, nil, lost{err}
	}
	var head [5]byte
	if _, err := io.ReadFull(f.in, head[:]); err != nil {
		return 0, nil, lost{err}
	}
	length := binary.BigEndian.Uint32(head[1:])
	if length > mostFrame {
		return 0, nil, errOddFrame
	}
	body = make([]byte, length)
	if _, err := io.ReadFull(f.in, body); err != nil {
		return 0, nil, lost{err}
	}
	return head[0], body, nil
}

// hear reads one frame of JSON of a type.
func (f *fabric) hear(kind byte, value any) error {
	got, body, err := f.read()
	switch {
	case err != nil:
		return err
	case got != kind:
		return errOddFrame
	case json.Unmarshal(body, value) != nil:
		return errOddFrame
	}
	return nil
}

// answer reads an answer; an error that it has is the error.
func (f *fabric) answer(keeper string) (a keepAnswer, err error) {
	if err := f.hear(frameAnswer, &a); err != nil {
		return a, err
	}
	return a, a.Error.restore(keeper)
}

// refusalIn gives the error of an answer that came where something else was awaited.
func refusalIn(body []byte, keeper string) error {
	var a keepAnswer
	if json.Unmarshal(body, &a) != nil || a.Error == nil {
		return errOddFrame
	}
	return a.Error.restore(keeper)
}

// wireError is a fusion.Error on its way.
type wireError struct {
	Cause  string `json:"cause"`
	Detail string `json:"detail"`
	Hint   string `json:"hint"`
}

func describeError(err error) *wireError {
	if err == nil {
		return nil
	}
	out := &wireError{Cause: fusion.CauseName(err), Hint: fusion.Hint(err), Detail: err.Error()}
	if e := (*fusion.Error)(nil); errors.As(err, &e) && (out.Cause != "" || e.Detail != "") {
		out.Detail = e.Detail
	}
	return out
}

// restore gives the error that the keeper had.
func (w *wireError) restore(keeper string) error {
	if w == nil {
		return nil
	}
	cause := fusion.Causes[w.Cause]
	if cause == nil {
		cause = errKeeper
	}
	return &fusion.Error{Op: opBackup, Path: keeper, Cause: cause, Detail: clipText(w.Detail), Hint: clipText(w.Hint)}
}

// mostSaid bounds what another host says of an error, in bytes.
const mostSaid = 1000

// clipText makes a text of another host fit to be shown.
func clipText(text string) string {
	text = strings.ToValidUTF8(text[:min(len(text), mostSaid)], "")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

var errKeeper = errors.New("the computer that keeps it cannot go on")

// along has a stream closed when ctx ends, until stop is called.
func along(ctx context.Context, conn net.Conn) (stop func() bool) {
	return context.AfterFunc(ctx, func() { _ = conn.Close() })
}

// broke gives what ended a stream its words: a path that was cut says nothing by itself.
func broke(ctx context.Context, keeper string, err error) error {
	e := (*fusion.Error)(nil)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errOddFrame):
		return &fusion.Error{Op: opBackup, Path: keeper, Cause: fusion.ErrUnsupported, Detail: err.Error(), Hint: "update Hither on both computers"}
	case !errors.As(err, new(lost)), errors.As(err, &e):
		return err
	}
	return &fusion.Error{Op: opBackup, Path: keeper, Cause: fusion.ErrOffline, Detail: "the connection to it broke", Hint: "see that the computer is awake and its node runs"}
}
