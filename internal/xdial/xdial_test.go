package xdial

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// entry is one of an authority file.
func entry(family uint16, fields ...string) []byte {
	b := binary.BigEndian.AppendUint16(nil, family)
	for _, f := range fields {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(f))), f...)
	}
	return b
}

func TestNumber(t *testing.T) {
	for text, want := range map[string]int{":0": 0, ":12.0": 12, "unix:3": 3, "": -1, "host:0": -1, ":": -1, ":-1": -1, ":99999": -1, "12": -1} {
		got, err := Number(text)
		if want < 0 && err == nil || want >= 0 && (got != want || err != nil) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

func TestFind(t *testing.T) {
	for name, c := range map[string]struct {
		file [][]byte
		want string
	}{
		"nothing":             {nil, ""},
		"this host's":         {[][]byte{entry(FamilyLocal, "old", "7", CookieName, "a"), entry(FamilyLocal, "here", "7", CookieName, "b")}, "b"},
		"renamed since":       {[][]byte{entry(FamilyLocal, "old", "7", CookieName, "a"), entry(FamilyLocal, "older", "7", CookieName, "b")}, "a"},
		"any display":         {[][]byte{entry(FamilyWild, "", "", CookieName, "a")}, "a"},
		"another display":     {[][]byte{entry(FamilyLocal, "here", "8", CookieName, "a")}, ""},
		"another protocol":    {[][]byte{entry(FamilyLocal, "here", "7", "XDM-AUTHORIZATION-1", "a")}, ""},
		"of the Internet":     {[][]byte{entry(0, "\x7f\x00\x00\x01", "7", CookieName, "a")}, ""},
		"broken at the end":   {[][]byte{entry(FamilyLocal, "old", "7", CookieName, "a"), {1, 0, 0, 9, 'x'}}, "a"},
		"broken in the first": {[][]byte{{1, 0, 0}}, ""},
		"longer than it says": {[][]byte{entry(FamilyWild, "", "", CookieName, string(make([]byte, 256)))}, ""},
	} {
		var b []byte
		for _, e := range c.file {
			b = append(b, e...)
		}
		if got := find(b, "here", "7"); string(got) != c.want {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}

func TestCookie(t *testing.T) {
	file := filepath.Join(t.TempDir(), "authority")
	if err := os.WriteFile(file, entry(FamilyWild, "", "", CookieName, "0123456789abcdef"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XAUTHORITY", file)
	if got := Cookie("", 5); string(got) != "0123456789abcdef" {
		t.Errorf("the session's: %q", got)
	}
	if got := Cookie(file+"-none", 5); got != nil {
		t.Errorf("of no file: %q", got)
	}
}

// server answers a setup and gives what was asked.
func server(t *testing.T, answer []byte) (net.Conn, <-chan []byte) {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { ours.Close() })
	asked := make(chan []byte, 1)
	go func() { // ends with the pipe
		defer theirs.Close()
		b := make([]byte, 100)
		n, err := theirs.Read(b)
		if err != nil {
			return
		}
		asked <- b[:n]
		theirs.Write(answer)
	}()
	return ours, asked
}

func TestSetup(t *testing.T) {
	conn, asked := server(t, append([]byte{1, 0, 11, 0, 0, 0, 8, 0}, make([]byte, 32)...))
	body, err := Setup(conn, []byte("0123456789abcdef"))
	if err != nil || len(body) != 32 {
		t.Errorf("%d bytes, %v", len(body), err)
	}
	const want = "l\x00\x0b\x00\x00\x00\x12\x00\x10\x00\x00\x00MIT-MAGIC-COOKIE-1\x00\x000123456789abcdef"
	if got := string(<-asked); got != want {
		t.Errorf("asked %q", got)
	}
	conn, _ = server(t, append([]byte{0, 6, 11, 0, 0, 0, 2, 0}, "no way\x00\x00"...))
	if _, err := Setup(conn, nil); err != Refused("no way") {
		t.Errorf("refused: %v", err)
	}
	conn, _ = server(t, []byte{0, 200, 11, 0, 0, 0, 0, 0})
	if _, err := Setup(conn, nil); err != Refused("") {
		t.Errorf("refused without a word: %v", err)
	}
	conn, _ = server(t, []byte{1, 0, 11, 0, 0, 0, 0, 0})
	if _, err := Setup(conn, nil); err != io.ErrUnexpectedEOF {
		t.Errorf("an empty setup: %v", err)
	}
	conn, _ = server(t, []byte{1, 0, 11})
	if _, err := Setup(conn, nil); err != io.ErrUnexpectedEOF {
		t.Errorf("gone: %v", err)
	}
}

// TestXGBGreets: xgb's own first request goes nowhere.
func TestXGBGreets(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	g := &greeted{Conn: ours, greeting: greeting(nil)}
	go func() {
		g.Write([]byte("xgb's"))
		g.Write([]byte("next"))
		g.Close()
	}()
	got, err := io.ReadAll(theirs)
	if want := "l\x00\x0b\x00\x00\x00\x00\x00\x00\x00\x00\x00next"; err != nil || string(got) != want {
		t.Errorf("%q, %v", got, err)
	}
}

func FuzzFind(f *testing.F) {
	f.Add([]byte("\xff\xff\x00\x00\x00\x00\x00\x01a\x00\x01b"))
	f.Fuzz(func(_ *testing.T, b []byte) { find(b, "here", "7") })
}
