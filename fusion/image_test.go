package fusion

import (
	"errors"
	"strings"
	"testing"
)

func TestFetchSpecNames(t *testing.T) {
	for _, c := range []struct{ from, name, want string }{
		{"debian-13", "", "debian-13"},
		{"debian-13", "mine", "mine"},
		{"https://example.org/a/disk.qcow2", "", "disk.qcow2"},
		{"https://example.org/a/disk.qcow2?x=/y#z", "", "disk.qcow2"},
		{"https://example.org/a/disk.qcow2", "mine", "mine"},
	} {
		s := FetchSpec{From: c.from, Name: c.name}
		if got := s.As(); got != c.want {
			t.Errorf("%+v is %q", s, got)
		}
		if err := s.Check(); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

func TestCheckSum(t *testing.T) {
	for sum, good := range map[string]bool{
		"sha256:" + strings.Repeat("0a", 32): true,
		"sha512:" + strings.Repeat("0a", 64): true,
		"sha512:" + strings.Repeat("0a", 32): false,
		"sha256:" + strings.Repeat("0A", 32): false,
		"sha256:" + strings.Repeat("xx", 32): false,
		"md5:" + strings.Repeat("0a", 16):    false,
		strings.Repeat("0a", 32):             false,
		"":                                   false,
	} {
		err := CheckSum(sum)
		if (err == nil) != good || err != nil && (!errors.Is(err, ErrInvalid) || Hint(err) == "") {
			t.Errorf("%.20q: %v", sum, err)
		}
	}
}

func TestSeedCheck(t *testing.T) {
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKj7Zk"
	for what, c := range map[string]struct {
		seed Seed
		good bool
	}{
		"nothing":          {Seed{}, true},
		"all":              {Seed{User: "anna_1", SSHKeys: []string{key, key + " a comment: # 'x"}, Password: "p w: 二", Hostname: "Web-1", Packages: []string{"g++", "libc6:i386", "python3.12"}}, true},
		"an address":       {Seed{Addresses: []string{"192.0.2.5/24", "2001:db8::5/64"}, Gateways: []string{"192.0.2.1", "fe80::1"}, DNS: []string{"9.9.9.9"}, Locale: "de_DE.UTF-8"}, true},
		"no prefix":        {Seed{Addresses: []string{"192.0.2.5"}}, false},
		"loopback":         {Seed{Addresses: []string{"127.0.0.1/8"}}, false},
		"far gateway":      {Seed{Addresses: []string{"192.0.2.5/24"}, Gateways: []string{"198.51.100.1"}}, false},
		"a gateway alone":  {Seed{Gateways: []string{"192.0.2.1"}}, false},
		"no name server":   {Seed{Addresses: []string{"192.0.2.5/24"}, DNS: []string{"dns"}}, false},
		"locale":           {Seed{Locale: "C; reboot"}, false},
		"number":           {Seed{User: "1anna"}, false},
		"long user":        {Seed{User: strings.Repeat("a", 33)}, false},
		"root":             {Seed{User: "root"}, false},
		"host with a dot":  {Seed{Hostname: "a.b"}, false},
		"host with a dash": {Seed{Hostname: "a-"}, false},
		"long password":    {Seed{Password: strings.Repeat("a", 73)}, false},
		"control":          {Seed{Password: "a\x1b"}, false},
		"broken UTF-8":     {Seed{Password: "\xff"}, false},
		"key options":      {Seed{SSHKeys: []string{`command="x" ` + key}}, false},
		"half a key":       {Seed{SSHKeys: []string{"ssh-ed25519"}}, false},
		"no base64":        {Seed{SSHKeys: []string{"ssh-ed25519 ~~~~"}}, false},
		"two lines":        {Seed{SSHKeys: []string{key + "\n" + key}}, false},
		"many keys":        {Seed{SSHKeys: make([]string, 33)}, false},
		"option":           {Seed{Packages: []string{"-y"}}, false},
		"empty package":    {Seed{Packages: []string{""}}, false},
		"shell":            {Seed{Packages: []string{"vim;id"}}, false},
	} {
		err := c.seed.Check()
		if (err == nil) != c.good || err != nil && (!errors.Is(err, ErrInvalid) || Hint(err) == "") {
			t.Errorf("%s: %v (hint %q)", what, err, Hint(err))
		}
	}
}

func TestHostnameFor(t *testing.T) {
	for machine, want := range map[string]string{"web": "web", "Web_1.example~x": "web-1-example-x", "a-": "a", strings.Repeat("a", 64): strings.Repeat("a", 63)} {
		if got := HostnameFor(machine); got != want || !isHostname(got) {
			t.Errorf("%s: %q", machine, got)
		}
	}
}

func FuzzSeedKey(f *testing.F) {
	f.Add("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKj7Zk anna@desk")
	f.Fuzz(func(t *testing.T, line string) {
		if checkKey(line) == nil && strings.ContainsAny(line, "\n\r\x00") {
			t.Errorf("%q", line)
		}
	})
}
