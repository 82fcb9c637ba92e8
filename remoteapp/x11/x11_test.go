package x11

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"hither/internal/xdial"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAuthority(t *testing.T) {
	path := filepath.Join(t.TempDir(), "Xauthority")
	if err := WriteAuthority(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	a := xdial.Cookie(path, 7)
	if len(a) != 16 {
		t.Fatalf("cookie %x", a)
	}
	if err := WriteAuthority(path); err != nil {
		t.Fatal(err)
	}
	if b := xdial.Cookie(path, 0); len(b) != 16 || bytes.Equal(a, b) {
		t.Errorf("cookie again %x", b)
	}
}

func TestCleanTitle(t *testing.T) {
	for text, want := range map[string]string{
		"a\nb\x00": "a b", "  x ": "x", "Gr\xfc\xdfe": "Grüße", "查看器": "查看器",
	} {
		if got := cleanTitle([]byte(text)); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	if got := cleanTitle(bytes.Repeat([]byte("é"), 1000)); len(got) != 512 {
		t.Errorf("length %d", len(got))
	}
}

// setup is an accepted connection setup with one root window.
func setup(root uint32) []byte {
	body := make([]byte, 32+8+40)
	order.PutUint32(body[4:], 0x200000)
	order.PutUint16(body[16:], 5) // vendor, padded to 8
	body[20] = 1
	order.PutUint32(body[40:], root)
	head := []byte{1, 0, 11, 0, 0, 0, 0, 0}
	order.PutUint16(head[6:], uint16(len(body)/4))
	return append(head, body...)
}

// TestServerMisbehaves: a server that lies about lengths, or goes away, ends
// the call with an error.
func TestServerMisbehaves(t *testing.T) {
	for name, answer := range map[string][]byte{
		"gone":        nil,
		"error":       append([]byte{0, 11, 1, 0}, make([]byte, 28)...),
		"too long":    append([]byte{1, 0, 1, 0, 0xff, 0xff, 0xff, 0xff}, make([]byte, 24)...),
		"event, gone": append([]byte{28, 0, 1, 0}, make([]byte, 28)...),
	} {
		ours, theirs := net.Pipe()
		done := make(chan error, 1)
		go func() {
			defer theirs.Close()
			request := make([]byte, 12)
			if _, err := theirs.Read(request); err != nil {
				done <- err
				return
			}
			if _, err := theirs.Write(setup(0x123)); err != nil {
				done <- err
				return
			}
			if _, err := theirs.Read(make([]byte, 64)); err != nil {
				done <- err
				return
			}
			_, err := theirs.Write(answer)
			done <- err
		}()
		c, err := open(ours, nil)
		if err != nil {
			t.Fatal(name, err)
		}
		go c.read()
		if c.Root != 0x123 || c.base != 0x200000 {
			t.Errorf("%s: root %x base %x", name, c.Root, c.base)
		}
		if _, _, err := c.Size(c.Root); err == nil {
			t.Errorf("%s: no error", name)
		}
		if err := c.Close(); err != nil {
			t.Error(name, err)
		}
		<-done
	}
}

func FuzzMessage(f *testing.F) {
	f.Add(append([]byte{1, 0, 1, 0, 1, 0, 0, 0}, make([]byte, 28)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		message, err := readMessage(bytes.NewReader(data))
		if err != nil {
			return
		}
		if len(message) < 32 {
			t.Error("short message")
		}
		_, _ = parseResources(message)
	})
}

func FuzzSetup(f *testing.F) {
	f.Add(setup(5)[8:])
	f.Fuzz(func(_ *testing.T, body []byte) {
		if len(body) >= 32 {
			_, _ = firstRoot(body)
		}
	})
}
