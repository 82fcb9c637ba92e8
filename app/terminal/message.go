package terminal

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"hither/fusion"
	"hither/mirror/wire"
)

// version is that of the messages.
const version = 1

// The types of messages. A type above 0x7f goes from viewer to host. Closed is
// that of a screen's view, so that the API ends either in the same way.
const (
	typeHello   = 0x01
	typeData    = 0x02
	typeSkipped = 0x03
	typeClosed  = 0x05
	typeInput   = 0x81
	typeSize    = 0x82
)

// flagViewOnly is the bit of a hello that refuses input.
const flagViewOnly = 1

var be = binary.BigEndian

// fromHost is what a host said; only the fields of its kind are set.
type fromHost struct {
	kind     byte
	viewOnly bool
	skipped  int64
	data     []byte // of the message itself
	closed   wire.Closed
}

func hello(viewOnly bool) []byte {
	flags := byte(0)
	if viewOnly {
		flags = flagViewOnly
	}
	return []byte{typeHello, version, flags}
}

func skipped(n int64) []byte { return be.AppendUint64([]byte{typeSkipped}, uint64(n)) }

func closed(why error) []byte {
	c := wire.Closed{Reason: wire.Failed}
	text := why.Error()
	if e, ok := why.(*fusion.Error); ok {
		if e.Cause == io.EOF {
			c.Reason = wire.Ended
		}
		if text = e.Detail; text == "" {
			text = e.Error()
		}
	}
	c.Text = line(text) + "\n" + line(fusion.Hint(why))
	return c.Append(nil)
}

// line makes one line of a text, of a length that fits.
func line(text string) string {
	const most = 2000
	text = strings.ReplaceAll(text, "\n", " ")
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}

// parseHost reads a message of a host. Of a type that it does not know only the
// kind is set.
func parseHost(m []byte) (fromHost, error) {
	if len(m) == 0 {
		return fromHost{}, broken("an empty message")
	}
	out, body := fromHost{kind: m[0]}, m[1:]
	switch m[0] {
	case typeHello:
		if len(body) < 2 || body[0] != version {
			return out, broken("a hello of another version")
		}
		out.viewOnly = body[1]&flagViewOnly != 0
	case typeData:
		if len(body) == 0 || len(body) > fusion.MaxTerminalChunk {
			return out, broken("data of a wrong length")
		}
		out.data = body
	case typeSkipped:
		if len(body) != 8 || int64(be.Uint64(body)) <= 0 {
			return out, broken("a wrong number of bytes left out")
		}
		out.skipped = int64(be.Uint64(body))
	case typeClosed:
		message, err := wire.ParseHost(m)
		if err != nil {
			return out, broken("a closed without a reason")
		}
		out.closed, _ = message.(wire.Closed) // it is one by its type
	}
	return out, nil
}

// fromViewer is what a viewer said, as fromHost.
type fromViewer struct {
	kind          byte
	data          []byte
	columns, rows int
}

func input(p []byte) []byte { return append([]byte{typeInput}, p...) }

func size(columns, rows int) []byte {
	return be.AppendUint16(be.AppendUint16([]byte{typeSize}, uint16(columns)), uint16(rows))
}

func parseViewer(m []byte) (fromViewer, error) {
	if len(m) == 0 {
		return fromViewer{}, broken("an empty message")
	}
	out, body := fromViewer{kind: m[0]}, m[1:]
	switch m[0] {
	case typeInput:
		if len(body) == 0 || len(body) > fusion.MaxTerminalChunk {
			return out, broken("input of a wrong length")
		}
		out.data = body
	case typeSize:
		if len(body) != 4 {
			return out, broken("a size of a wrong length")
		}
		out.columns, out.rows = int(be.Uint16(body)), int(be.Uint16(body[2:]))
		if err := fusion.CheckTerminalSize(out.columns, out.rows); err != nil {
			return out, broken("a size that makes no sense")
		}
	}
	return out, nil
}

func broken(what string) error { return fmt.Errorf("terminal: %s", what) }
