package fusion

import (
	"errors"
	"strings"
	"testing"
)

func TestParseTarget(t *testing.T) {
	for text, want := range map[string]struct {
		host string
		t    Target
	}{
		"nas:80":            {"nas", Target{Port: 80}},
		"nas/web:80":        {"nas", Target{Machine: "web", Port: 80}},
		"nas:10.0.0.5:80":   {"nas", Target{Address: "10.0.0.5", Port: 80}},
		"nas:db.lan:5432":   {"nas", Target{Address: "db.lan", Port: 5432}},
		"nas:[fd00::5]:80":  {"nas", Target{Address: "fd00::5", Port: 80}},
		":80":               {"", Target{Port: 80}},
		"/web:80":           {"", Target{Machine: "web", Port: 80}},
		":[fd00::5]:80":     {"", Target{Address: "fd00::5", Port: 80}},
		"nas:printer_1:631": {"nas", Target{Address: "printer_1", Port: 631}},
	} {
		host, got, err := ParseTarget(text)
		if err != nil || host != want.host || got != want.t || host+got.String() != text {
			t.Errorf("%q: %q %+v %q, %v", text, host, got, got, err)
		}
	}
	for _, text := range []string{"", "nas", "nas:", "nas:0", "nas:65536", "nas:080", "nas:-1", "nas:fd00::5:80", "nas:[fd00::5:80", "nas:fd00::5]:80", "nas::80",
		"nas:10.0.0.5", "nas/:80", "nas/web:10.0.0.5:80", "n as:80", "../x:80", "nas:a b:80", "nas:[fe80::1%eth0]:80", "nas:0.0.0.0:80", "nas:[::]:80", "nas:224.0.0.1:80",
		"nas:1:80", "nas:0x7f.1:80", "nas:127.1:80", "nas:a..b:80", "nas:" + strings.Repeat("a", 64) + ":80", "nas/a/b:80", "unix:/run/x:80", "nas:/run/libvirt/libvirt-sock:1"} {
		_, _, err := ParseTarget(text)
		if !errors.Is(err, ErrInvalid) || Hint(err) == "" {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestParseListen(t *testing.T) {
	for text, want := range map[string]string{
		"80": "127.0.0.1:80", "0": "127.0.0.1:0", "0.0.0.0:80": "0.0.0.0:80", "[::1]:80": "[::1]:80", "localhost:80": "127.0.0.1:80",
		"[::ffff:127.0.0.1]:80": "127.0.0.1:80", "unix:/tmp/x": "unix:/tmp/x",
	} {
		got, err := ParseListen(text)
		again, err2 := ParseListen(got)
		if err != nil || got != want || again != got || err2 != nil {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", ":80", "-1", "65536", "080", "nas:80", "::1:80", "[fe80::1%lo]:80", "224.0.0.1:80", "unix:", "unix:x", "unix:/a/../b", "unix:/" + strings.Repeat("a", 100), "1.2.3.4"} {
		if got, err := ParseListen(text); !errors.Is(err, ErrInvalid) || Hint(err) == "" {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if !Loopback("unix:/x") || !Loopback("127.0.0.1:1") || !Loopback("[::1]:1") || Loopback("0.0.0.0:1") || Loopback("[::]:1") || Loopback("192.0.2.1:1") {
		t.Error("what is a loopback is mistaken")
	}
}

func FuzzTunnelSpecs(f *testing.F) {
	f.Add("nas:10.0.0.5:80", "8080")
	f.Add("nas/web:80", "unix:/tmp/x")
	f.Add("nas:[fd00::5]:80", "[::1]:0")
	f.Fuzz(func(t *testing.T, target, listen string) {
		if host, got, err := ParseTarget(target); err == nil {
			h, again, err := ParseTarget(host + got.String())
			if err != nil || h != host || again != got {
				t.Errorf("%q is %q %+v, then %q %+v, %v", target, host, got, h, again, err)
			}
		} else if !errors.Is(err, ErrInvalid) || Hint(err) == "" {
			t.Errorf("%q: %v", target, err)
		}
		if got, err := ParseListen(listen); err == nil {
			if again, err := ParseListen(got); err != nil || again != got {
				t.Errorf("%q is %q, then %q, %v", listen, got, again, err)
			}
		} else if !errors.Is(err, ErrInvalid) || Hint(err) == "" {
			t.Errorf("%q: %v", listen, err)
		}
	})
}
