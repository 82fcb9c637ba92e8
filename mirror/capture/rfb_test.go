package capture

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// script is a server's bytes; what the client writes is kept.
type script struct {
	net.Conn
	r     io.Reader
	mu    sync.Mutex // guards wrote, which beats write to
	wrote bytes.Buffer
}

func (s *script) Read(b []byte) (int, error) { return s.r.Read(b) }
func (s *script) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wrote.Write(b)
}

// said gives what was written since it was asked last, without beats.
func (s *script) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := bytes.ReplaceAll(s.wrote.Bytes(), noKey, nil)
	s.wrote.Reset()
	return string(b)
}

func (s *script) Close() error                { return nil }
func (s *script) SetDeadline(time.Time) error { return nil }

const greeting = "RFB 003.008\n\x01\x01\x00\x00\x00\x00"

// serverInit is a console of 4×3 pixels named "vm".
const serverInit = "\x00\x04\x00\x03" + "\x20\x18\x00\x01\x00\xff\x00\xff\x00\xff\x10\x08\x00\x00\x00\x00" + "\x00\x00\x00\x02vm"

func update(rects ...string) string {
	all := "\x00\x00\x00" + string(rune(len(rects)))
	for _, r := range rects {
		all += r
	}
	return all
}

func rect(x, y, w, h byte, encoding, body string) string {
	return string([]byte{0, x, 0, y, 0, w, 0, h}) + encoding + body
}

const (
	raw      = "\x00\x00\x00\x00"
	copying  = "\x00\x00\x00\x01"
	sizing   = "\xff\xff\xff\x21"
	cursor   = "\xff\xff\xff\x11"
	extended = "\xff\xff\xfe\xfe"
	pointing = "\xff\xff\xfe\xff"
)

func open(t *testing.T, bytes string) (*script, Source) {
	t.Helper()
	conn := &script{r: bytesReader(greeting + serverInit + bytes)}
	s, err := RFB(t.Context(), conn, RFBConfig{Mouse: true})
	if err != nil {
		t.Fatal(err)
	}
	conn.said()
	return conn, s
}

func closed(t *testing.T, s Source) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func bytesReader(s string) io.Reader { return bytes.NewReader([]byte(s)) }

func TestRFBGivesExactPixels(t *testing.T) {
	whole := bytes.Repeat([]byte{1, 2, 3, 0}, 12)
	conn, s := open(t, "\x02"+update(rect(0, 0, 4, 3, raw, string(whole)))+
		"\x03\x00\x00\x00\x00\x00\x00\x02hi"+
		update(rect(1, 1, 1, 1, raw, "\x09\x08\x07\x00"), rect(2, 2, 1, 1, copying, "\x00\x01\x00\x01"))+
		update(rect(0, 0, 2, 1, sizing, ""))+update(rect(0, 0, 2, 1, raw, "abcdefgh"))+
		update(rect(1, 0, 1, 1, cursor, "\x01\x02\x03\x00\x80")))
	var p *codec.Picture
	next := func() Change {
		t.Helper()
		c, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if p == nil || p.Width != c.Width {
			p = codec.NewPicture(c.Width, c.Height)
		}
		for _, patch := range c.Patches {
			patch.Apply(p)
		}
		return c
	}
	next()
	if !bytes.Equal(p.Pix, whole) {
		t.Errorf("%x", p.Pix)
	}
	next()
	for _, at := range []int{4*4 + 4, 2*4*4 + 8} {
		if !bytes.Equal(p.Pix[at:at+3], []byte{9, 8, 7}) {
			t.Errorf("at %d: %x", at, p.Pix[at:at+3])
		}
	}
	if next(); p.Width != 2 || string(p.Pix) != "abcdefgh" {
		t.Errorf("after the new size: %q", p.Pix)
	}
	if c := next(); c.Cursor == nil || c.Cursor.HotX != 1 || !bytes.Equal(c.Cursor.Pix, []byte{3, 2, 1, 255}) {
		t.Errorf("%+v", c.Cursor)
	}
	if _, err := s.Next(); err != io.EOF {
		t.Error(err)
	}
	requests := bytes.Count(conn.wrote.Bytes(), []byte{3, 1, 0, 0, 0, 0}) + bytes.Count(conn.wrote.Bytes(), []byte{3, 0, 0, 0, 0, 0})
	if requests != 6 {
		t.Errorf("%d requests for 5 updates and the end: %x", requests, conn.wrote.Bytes())
	}
}

func TestRFBSendsInput(t *testing.T) {
	pixels := rect(0, 0, 1, 1, raw, "abcd")
	for _, c := range []struct {
		name, before string
		event        wire.Message
		want         string
	}{
		{"scan code", update(rect(0, 0, 0, 0, extended, ""), pixels), wire.Key{Code: 30, Down: true}, "\xff\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x1e"},
		{"grey key", update(rect(0, 0, 0, 0, extended, ""), pixels), wire.Key{Code: 103}, "\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xc8"},
		{"num lock", update(rect(0, 0, 0, 0, extended, ""), rect(0, 0, 1, 1, "\xff\xff\xfe\xfb", "\x02"), pixels), wire.Key{Code: 71, Down: true}, "\xff\x00\x00\x01\x00\x00\xff\xb5\x00\x00\x00\x47"},
		{"keysym", update(pixels), wire.Key{Code: 30, Down: true}, "\x04\x01\x00\x00\x00\x00\x00a"},
		{"unknown key", update(pixels), wire.Key{Code: 700, Down: true}, ""},
		{"pointer", update(pixels), wire.Pointer{X: 258, Y: 3}, "\x05\x00\x01\x02\x00\x03"},
		{"button", update(pixels), wire.Button{Button: wire.RightButton, Down: true}, "\x05\x04\x00\x00\x00\x00"},
		{"wheel", update(pixels), wire.Wheel{DY: 120}, "\x05\x10\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00"},
		{"half a notch", update(pixels), wire.Wheel{DY: 60}, ""},
	} {
		conn, s := open(t, c.before)
		if _, err := s.Next(); err != nil {
			t.Fatal(err)
		}
		conn.said()
		err := s.Input(c.event)
		if wrote := conn.said(); err != nil || wrote != c.want {
			t.Errorf("%s: wrote %q, %v", c.name, wrote, err)
		}
		closed(t, s)
	}
	_, s := open(t, "")
	if err := s.Input(wire.Bye{}); !errors.Is(err, fusion.ErrInvalid) {
		t.Error(err)
	}
	if err := s.Resize(1, 1); !errors.Is(err, fusion.ErrUnsupported) {
		t.Error(err)
	}
}

// TestRFBMovesAMouse: a guest without a tablet takes motions, and of a viewer that tells
// places those between them.
func TestRFBMovesAMouse(t *testing.T) {
	conn, s := open(t, update(rect(0, 0, 4, 3, pointing, ""))+update(rect(0, 0, 1, 1, raw, "abcd"))+
		update(rect(1, 0, 4, 3, pointing, "")))
	told := func(relative bool) {
		t.Helper()
		c, err := s.Next()
		if err != nil || c.Pointing == nil || c.Pointing.Relative != relative {
			t.Fatalf("%+v, %v", c.Pointing, err)
		}
	}
	does := func(want string, events ...wire.Message) {
		t.Helper()
		conn.said()
		for _, e := range events {
			if err := s.Input(e); err != nil {
				t.Error(err)
			}
		}
		if wrote := conn.said(); wrote != want {
			t.Errorf("%+v: wrote %q, want %q", events, wrote, want)
		}
	}
	told(true) // with the picture, which comes later
	does("\x05\x00\x80\x02\x7f\xfc", wire.Motion{DX: 3, DY: -3})
	does("\x05\x00\xff\xfe\x00\x00", wire.Motion{DX: 32767, DY: -32768})
	does("\x05\x01\x7f\xff\x7f\xff", wire.Button{Button: wire.LeftButton, Down: true})
	does("\x05\x01\x80\x09\x80\x09\x05\x01\x80\x00\x7f\xfd", wire.Pointer{X: 10, Y: 10}, wire.Pointer{X: 11, Y: 8})
	does("\x05\x11\x7f\xff\x7f\xff\x05\x01\x7f\xff\x7f\xff", wire.Wheel{DY: 120})
	told(false)
	does("", wire.Motion{DX: 3})
	does("\x05\x01\x00\x02\x00\x01", wire.Pointer{X: 2, Y: 1})
	closed(t, s)
}

// TestRFBKeepsAPointerThatATabletWillHave: until the guest's driver takes its tablet, QEMU
// has a mouse; a viewer is not told.
func TestRFBKeepsAPointerThatATabletWillHave(t *testing.T) {
	conn := &script{r: bytesReader(greeting + serverInit + update(rect(0, 0, 4, 3, pointing, ""), rect(0, 0, 1, 1, raw, "abcd")))}
	s, err := RFB(t.Context(), conn, RFBConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := s.Next(); err != nil || c.Pointing != nil {
		t.Errorf("%+v, %v", c.Pointing, err)
	}
	conn.said()
	if err := s.Input(wire.Pointer{X: 2, Y: 1}); err != nil || conn.said() != "\x05\x00\x80\x01\x80\x00" {
		t.Error("it was not moved as a mouse", err)
	}
	closed(t, s)
}

func TestRFBTypesWhatAUSKeyboardHas(t *testing.T) {
	pixels := rect(0, 0, 1, 1, raw, "abcd")
	capsLock := rect(0, 0, 1, 1, "\xff\xff\xfe\xfb", "\x04")
	for _, c := range []struct {
		name   string
		before []string
		held   []uint16
		text   string
		want   []int // scan codes, negative when let go
		left   string
	}{
		{"plain", nil, nil, "a\n", []int{30, -30, 28, -28}, ""},
		{"shifted", nil, nil, "A!", []int{42, 30, -30, -42, 42, 2, -2, -42}, ""},
		{"Caps Lock", []string{capsLock}, nil, "aA1", []int{42, 30, -30, -42, 30, -30, 2, -2}, ""},
		{"Shift held", nil, []uint16{54}, "a", []int{-54, 30, -30, 54}, ""},
		{"others", nil, nil, "é中a", []int{30, -30}, "é中"},
	} {
		conn, s := open(t, update(append([]string{rect(0, 0, 0, 0, extended, "")}, c.before...)...)+update(pixels))
		if _, err := s.Next(); err != nil {
			t.Fatal(err)
		}
		for _, code := range c.held {
			if err := s.Input(wire.Key{Code: code, Down: true}); err != nil {
				t.Fatal(err)
			}
		}
		conn.said()
		err := s.Input(wire.Text{Text: c.text})
		var left *UntypedError
		if errors.As(err, &left); (left == nil) != (c.left == "") || left != nil && left.Text != c.left {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := struck([]byte(conn.said())); !slices.Equal(got, c.want) {
			t.Errorf("%s: struck %v, want %v", c.name, got, c.want)
		}
		closed(t, s)
	}
}

// struck reads Extended Key Events.
func struck(b []byte) (codes []int) {
	for ; len(b) >= 12; b = b[12:] {
		code := int(be.Uint32(b[8:]))
		if b[3] == 0 {
			code = -code
		}
		codes = append(codes, code)
	}
	return codes
}

func TestRFBRefusesNonsense(t *testing.T) {
	for name, c := range map[string]struct {
		bytes string
		cause error
	}{
		"old":       {"RFB 003.003\n", fusion.ErrInvalid},
		"no rfb":    {"SSH-2.0-open\n", fusion.ErrInvalid},
		"password":  {"RFB 003.008\n\x01\x02", fusion.ErrUnsupported},
		"refused":   {"RFB 003.008\n\x01\x01\x00\x00\x00\x01", fusion.ErrPermission},
		"no pixels": {greeting + "\x00\x00" + serverInit[2:], fusion.ErrInvalid},
		"8 GiB":     {greeting + "\xff\xff\xff\xff" + serverInit[4:], fusion.ErrInvalid},
		"cut":       {greeting, fusion.ErrOffline},
	} {
		if _, err := RFB(t.Context(), &script{r: bytesReader(c.bytes)}, RFBConfig{}); !errors.Is(err, c.cause) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, b := range map[string]string{
		"outside":        update(rect(1, 0, 4, 3, raw, "")),
		"copy from away": update(rect(0, 0, 2, 1, copying, "\x00\x03\x00\x00")),
		"encoding":       update(rect(0, 0, 1, 1, "\x00\x00\x00\x10", "")),
		"type":           "\xf0",
	} {
		_, s := open(t, b)
		if _, err := s.Next(); !errors.Is(err, fusion.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzRFB plays a hostile QEMU.
func FuzzRFB(f *testing.F) {
	f.Add([]byte(update(rect(0, 0, 1, 1, raw, "abcd"), rect(1, 1, 1, 1, copying, "\x00\x00\x00\x00"))))
	f.Add([]byte(update(rect(0, 0, 1, 1, cursor, "\x01\x02\x03\x00\x80"), rect(0, 0, 9, 9, sizing, ""))))
	f.Add([]byte(update(rect(0, 0, 4, 3, pointing, ""), rect(1, 0, 4, 3, pointing, ""))))
	f.Add([]byte(update(rect(1, 0, 9, 9, "\xff\xff\xfe\xcc", "\x01\x00\x00\x000123456789abcdef"))))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := RFB(t.Context(), &script{r: bytesReader(greeting + serverInit + string(b))}, RFBConfig{Mouse: true})
		if err != nil {
			t.Fatal(err)
		}
		for {
			c, err := s.Next()
			if err != nil {
				return
			}
			for _, p := range c.Patches {
				last := (p.Rect.Dy()-1)*p.Stride + p.Rect.Dx()*4
				if p.Rect.Empty() || p.Rect.Max.X > c.Width || p.Rect.Max.Y > c.Height || last > len(p.Pix) {
					t.Fatalf("patch %v of %d×%d", p.Rect, c.Width, c.Height)
				}
			}
		}
	})
}
