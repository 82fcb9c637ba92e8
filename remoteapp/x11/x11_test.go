package x11

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
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
	a, err := cookie(path, 7)
	if err != nil || len(a) != 16 {
		t.Fatalf("cookie %x, %v", a, err)
	}
	if err := WriteAuthority(path); err != nil {
		t.Fatal(err)
	}
	if b, err := cookie(path, 0); err != nil || bytes.Equal(a, b) {
		t.Errorf("cookie again %x, %v", b, err)
	}
	if c, err := cookie(path+"-none", 0); err != nil || c != nil {
		t.Errorf("no file: %x, %v", c, err)
	}
	if err := os.WriteFile(path, []byte("\x01\x00\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := cookie(path, 0); err == nil {
		t.Error("a broken file was taken")
	}
}

func TestDisplayNumber(t *testing.T) {
	for text, want := range map[string]int{":0": 0, ":12.0": 12, "unix:3": 3, "": -1, "host:0": -1, ":": -1, ":-1": -1, ":99999": -1, "12": -1} {
		got, err := displayNumber(text)
		if want < 0 && err == nil || want >= 0 && (got != want || err != nil) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
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
func setup(root uint32) (head, body []byte) {
	body = make([]byte, 32+8+40)
	order.PutUint32(body[4:], 0x200000)
	order.PutUint16(body[16:], 5) // vendor, padded to 8
	body[20] = 1
	order.PutUint32(body[40:], root)
	head = []byte{1, 0, 11, 0, 0, 0, 0, 0}
	order.PutUint16(head[6:], uint16(len(body)/4))
	return head, body
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
			head, body := setup(0x123)
			if _, err := theirs.Write(append(head, body...)); err != nil {
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
		c, err := handshake(ours, nil)
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

func FuzzParseAuthority(f *testing.F) {
	f.Add([]byte("\xff\xff\x00\x00\x00\x00\x00\x01a\x00\x01b"))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = parseAuthority(data) })
}

func FuzzSetup(f *testing.F) {
	head, body := setup(5)
	f.Add(head, body)
	f.Add([]byte{0, 200, 11, 0, 0, 0, 0, 0}, []byte("no"))
	f.Fuzz(func(_ *testing.T, head, body []byte) {
		if len(head) >= 8 {
			_, _, _ = parseSetup(head, body)
		}
	})
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
