package netboot

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hither/fusion"
	"hither/internal/expect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	aMAC     = "52:54:00:12:34:56"
	otherMAC = "52:54:00:12:34:57"
	patience = 20 * time.Second
)

func must[T any](value T, err error) func(*testing.T) T { return expect.Must(value, err) }

func refused(t *testing.T, err, cause error) {
	t.Helper()
	expect.Refused(t, err, cause)
}

// invited is an invitation that a test uses.
type invited struct {
	code   string
	used   chan fusion.HostID
	closed chan struct{}
	once   sync.Once
}

func (i *invited) Code() string { return i.code }
func (i *invited) Addr() string { return "/ip4/192.0.2.1/tcp/7/p2p/x" }
func (i *invited) Close() error { i.once.Do(func() { close(i.closed) }); return nil }
func (i *invited) Wait(ctx context.Context) (fusion.HostID, error) {
	select {
	case id := <-i.used:
		return id, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

type noDoors struct{}

func (noDoors) port() int    { return 7 }
func (noDoors) close() error { return nil }

// stage is a Server whose computers are a test's.
type stage struct {
	*Server
	t       *testing.T
	asker   string // MAC of who asks
	invites chan *invited
	web     http.Handler
}

func configOf(t *testing.T, dir string, s *stage) Config {
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, []byte("the program"), 0o700); err != nil {
		t.Fatal(err)
	}
	return Config{Dir: filepath.Join(dir, "netboot"), File: filepath.Join(dir, "netboot.json"), Name: "nas", Args: "quiet", program: program,
		Installer: func(_ context.Context, image, dir string) (string, string, error) {
			if image != "debian-12" {
				return "", "", &fusion.Error{Op: "image", Path: image, Cause: fusion.ErrNotFound, Hint: "hither image catalog"}
			}
			kernel, initrd := filepath.Join(dir, "k"), filepath.Join(dir, "i")
			return kernel, initrd, errors.Join(os.WriteFile(kernel, []byte("the kernel"), 0o600), os.WriteFile(initrd, []byte("the initramfs"), 0o600))
		},
		Preseed: func(seed fusion.Seed, hash, disk, early, late string) ([]byte, error) {
			return fmt.Appendf(nil, "user %s hash %s disk %s early %s late %s", seed.User, hash, disk, early, late), nil
		},
		Pack: func(files map[string][]byte) []byte {
			var all strings.Builder
			for name, text := range files {
				fmt.Fprintf(&all, "%s: %s\n", name, text)
			}
			return []byte(all.String())
		},
		Hash: func(password string) (string, error) { return strings.Repeat("#", len(password)), nil },
		Invite: func(_ context.Context, at netip.Addr, code string, grants []fusion.Capability, _ time.Time) (Invitation, error) {
			if at.String() != "192.0.2.1" || len(grants) != 0 {
				t.Errorf("invited at %s with %v", at, grants)
			}
			if code == "" {
				code = "4711-apple-river-stone"
			}
			i := &invited{code: code, used: make(chan fusion.HostID, 1), closed: make(chan struct{})}
			s.invites <- i
			return i, nil
		},
		Job:    func(ctx context.Context, _, _ string, work func(context.Context) error) error { return work(ctx) },
		open:   func(place) (doors, error) { return noDoors{}, nil },
		mac:    func(netip.Addr) string { return s.asker },
		places: func() ([]place, error) { return []place{{"eth0", netip.MustParsePrefix("192.0.2.1/24")}}, nil },
	}
}

func open(t *testing.T, dir string, change func(*Config)) *stage {
	t.Helper()
	s := &stage{t: t, asker: aMAC, invites: make(chan *invited, 8)}
	config := configOf(t, dir, s)
	if change != nil {
		change(&config)
	}
	s.Server = must(Open(t.Context(), config))(t)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	at := must(net.Listen("tcp4", "127.0.0.1:0"))(t) // for its address
	t.Cleanup(func() { _ = at.Close() })             // nobody listens there
	s.web = s.handler(&opened{s: s.Server, webAt: at})
	return s
}

func (s *stage) on() {
	s.t.Helper()
	if state := must(s.Switch(s.t.Context(), fusion.NetBootSpec{On: true}))(s.t); !state.On || state.Interface != "eth0" || state.Address != "192.0.2.1" {
		s.t.Errorf("it is %+v", state)
	}
}

// get asks for a path and gives what came, "" for a refusal.
func (s *stage) get(path string) string {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr = "192.0.2.9:1234"
	w := httptest.NewRecorder()
	s.web.ServeHTTP(w, r)
	if w.Code >= 300 {
		return ""
	}
	if w.Code == http.StatusNoContent {
		return "noted"
	}
	return string(must(io.ReadAll(w.Body))(s.t))
}

// until waits for a computer to reach a state.
func (s *stage) until(mac string, state fusion.BareState) fusion.BareComputer {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	var revision int64
	for {
		now, err := s.Show(ctx, revision)
		if err != nil {
			s.t.Fatalf("%s is not %s: %v, %+v", mac, state, err, now.Computers)
		}
		for _, c := range now.Computers {
			if c.MAC == mac && c.State == state {
				return c
			}
		}
		revision = now.Revision
	}
}

var aSpec = fusion.BareSpec{MAC: aMAC, Name: "attic", Seed: fusion.Seed{User: "anna", Password: "secret"}}

type ended struct {
	fusion.BareComputer
	err error
}

// install begins an installation.
func (s *stage) install(spec fusion.BareSpec) (context.CancelFunc, chan ended) {
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan ended, 1)
	go func() {
		c, err := s.Install(ctx, spec)
		done <- ended{c, err}
	}()
	return cancel, done
}

func token(t *testing.T, script string) string {
	t.Helper()
	_, rest, found := strings.Cut(script, "/t/")
	name, _, _ := strings.Cut(rest, "/")
	if !found || len(name) < 20 {
		t.Fatalf("the script is %s", script)
	}
	return "/t/" + name
}

// TestInstall goes the whole way of a computer, with what is refused on it.
func TestInstall(t *testing.T) {
	s := open(t, t.TempDir(), nil)
	_, err := s.Install(t.Context(), aSpec)
	refused(t, err, fusion.ErrUnsupported)
	s.on()
	script := s.get("/boot.ipxe")
	if !strings.Contains(script, "hither netboot install "+aMAC) || !strings.Contains(script, "round=1") || strings.Contains(script, "kernel") {
		t.Errorf("one that waits is told %s", script)
	}
	if last := s.get("/boot.ipxe?round=100"); !strings.Contains(last, "goto disk") || strings.Contains(last, "round=") {
		t.Errorf("one that waited long is told %s", last)
	}
	s.until(aMAC, fusion.BareSeen)

	cancel, done := s.install(aSpec)
	defer cancel()
	invitation := <-s.invites
	s.until(aMAC, fusion.BareOrdered)
	_, err = s.Install(t.Context(), aSpec)
	refused(t, err, fusion.ErrBusy)
	script = s.get("/boot.ipxe")
	if !strings.Contains(script, "BOOTIF=01-52-54-00-12-34-56 quiet") || !strings.Contains(script, "as attic. What is on its first disk is lost") {
		t.Errorf("it is told %s", script)
	}
	base := token(t, script)
	if again := s.get("/boot.ipxe"); token(t, again) != base {
		t.Error("a second try has other files")
	}
	for file, text := range map[string]string{"linux": "the kernel", "initrd.gz": "the initramfs", "hither": "the program", "seed.cpio": "CODE=4711-apple-river-stone"} {
		if got := s.get(base + "/" + file); !strings.Contains(got, text) {
			t.Errorf("%s is %q", file, got)
		}
		s.asker = otherMAC
		if s.get(base+"/"+file) != "" {
			t.Errorf("another computer was given %s", file)
		}
		s.asker = aMAC
		if s.get("/t/other/"+file) != "" {
			t.Errorf("%s under another name", file)
		}
	}
	seed := s.get(base + "/seed.cpio")
	for _, text := range []string{"hash ###### disk  early wget", "late sh /hither-late.sh || :", "user=anna", "ADDR=/ip4/192.0.2.1/tcp/7/p2p/x", "User=anna", "up --name attic",
		fmt.Sprintf("sum=%x", sha256.Sum256([]byte("the program")))} {
		if !strings.Contains(seed, text) {
			t.Errorf("%q is not in %s", text, seed)
		}
	}
	if s.get(base+"/step/paired") != "" || s.get(base+"/step/x") != "" {
		t.Error("it said itself that it is paired")
	}
	if s.get(base+"/step/installing") == "" || s.get(base+"/seed.cpio") != "" || s.get(base+"/hither") == "" {
		t.Error("the seed is given twice, or the program not at all")
	}
	s.until(aMAC, fusion.BareInstalling)
	if s.get(base+"/step/installed") == "" || s.get(base+"/hither") != "" || s.get(base+"/step/failed") != "" {
		t.Error("the program is given when the system is there")
	}
	if script := s.get("/boot.ipxe"); !strings.Contains(script, "attic starts from its disk") {
		t.Errorf("it is told %s", script)
	}
	invitation.used <- "12D3attic"
	got := <-done
	if got.err != nil || got.State != fusion.BarePaired || got.ID != "12D3attic" || len(got.Steps) != 6 {
		t.Errorf("it ended as %+v", got)
	}
	<-invitation.closed
	if script := s.get("/boot.ipxe"); !strings.Contains(script, "starts from its disk") || s.get(base+"/linux") != "" {
		t.Errorf("it is told %s", script)
	}
	if left, err := os.ReadDir(s.cfg.Dir); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if err := s.Forget(t.Context(), aMAC); err != nil {
		t.Fatal(err)
	}
	refused(t, s.Forget(t.Context(), aMAC), fusion.ErrNotFound)
}

func TestEndsEarly(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	s.on()
	spec := aSpec
	spec.Image = "other"
	if _, err := s.Install(t.Context(), spec); !errors.Is(err, fusion.ErrNotFound) {
		t.Errorf("an unknown image: %v", err)
	}
	if state := must(s.Show(t.Context(), 0))(t); len(state.Computers) != 0 {
		t.Errorf("it left %+v", state.Computers)
	}
	for what, end := range map[string]func(cancel func(), base string){
		"it was canceled": func(cancel func(), _ string) { cancel() },
		"the node's program could not be put there": func(_ func(), base string) { s.get(base + "/step/failed") },
		"it started anew before it was installed":   func(_ func(), base string) { s.get(base + "/step/installing"); s.get("/boot.ipxe") },
	} {
		cancel, done := s.install(aSpec)
		<-s.invites
		s.until(aMAC, fusion.BareOrdered)
		base := token(t, s.get("/boot.ipxe"))
		end(cancel, base)
		got := <-done
		cancel()
		if got.err == nil {
			t.Errorf("%s: it ended well", what)
		}
		if c := s.until(aMAC, fusion.BareFailed); c.Note != what || c.Hint == "" {
			t.Errorf("%s: %+v", what, c)
		}
		if s.get(base+"/linux") != "" || !strings.Contains(s.get("/boot.ipxe"), "It was not installed: "+what) {
			t.Errorf("%s: it is told %s", what, s.get("/boot.ipxe"))
		}
	}
	cancel, done := s.install(aSpec)
	defer cancel()
	<-s.invites
	s.until(aMAC, fusion.BareOrdered)
	if err := s.Forget(t.Context(), aMAC); err != nil {
		t.Fatal(err)
	}
	if got := <-done; !errors.Is(got.err, errForgotten) {
		t.Errorf("forgotten: %v", got.err)
	}
	if text := must(os.ReadFile(filepath.Join(dir, "netboot.json")))(t); strings.Contains(string(text), "apple") {
		t.Errorf("it is kept: %s", text)
	}
}

// TestGoesOn: another node of the home goes on where the one before was.
func TestGoesOn(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	s.on()
	ctx, stop := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := s.Install(ctx, aSpec)
		done <- err
	}()
	<-s.invites
	s.until(aMAC, fusion.BareOrdered)
	base := token(t, s.get("/boot.ipxe"))
	s.get(base + "/step/installing")
	stop(&fusion.Error{Op: "node", Cause: fusion.ErrOffline, Detail: "the node is closing"})
	if err := <-done; !errors.Is(err, fusion.ErrOffline) {
		t.Errorf("it ended with %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, nil)
	invitation := <-s.invites
	if invitation.code != "4711-apple-river-stone" {
		t.Errorf("its code is %s", invitation.code)
	}
	s.until(aMAC, fusion.BareInstalling)
	expect.Eventually(t, "all is there again", func() bool { return s.get(base+"/step/installed") != "" })
	invitation.used <- "12D3attic"
	if c := s.until(aMAC, fusion.BarePaired); c.Name != "attic" || c.ID != "12D3attic" {
		t.Errorf("it is %+v", c)
	}
}

func TestExpires(t *testing.T) {
	var mu sync.Mutex
	late := time.Duration(0)
	s := open(t, t.TempDir(), func(c *Config) {
		c.now = func() time.Time { mu.Lock(); defer mu.Unlock(); return time.Now().Add(late) }
		c.Invite = func(context.Context, netip.Addr, string, []fusion.Capability, time.Time) (Invitation, error) {
			return expired{func() { mu.Lock(); late = 3 * time.Hour; mu.Unlock() }}, nil
		}
	})
	s.on()
	_, err := s.Install(t.Context(), aSpec)
	refused(t, err, fusion.ErrNotFound)
	if c := s.until(aMAC, fusion.BareFailed); !strings.Contains(c.Note, "in time") {
		t.Errorf("it is %+v", c)
	}
}

type expired struct{ wait func() }

func (expired) Code() string { return "4711-apple-river-stone" }
func (expired) Addr() string { return "" }
func (expired) Close() error { return nil }
func (e expired) Wait(context.Context) (fusion.HostID, error) {
	e.wait()
	return "", fusion.ErrPermission
}

// TestListIsBounded: whoever makes computers up pushes none out that somebody decided about.
func TestListIsBounded(t *testing.T) {
	s := open(t, t.TempDir(), nil)
	s.on()
	cancel, done := s.install(aSpec)
	<-s.invites
	s.until(aMAC, fusion.BareOrdered)
	for i := range 3 * maxComputers {
		s.saw(asking{mac: fmt.Sprintf("52:54:00:00:%02x:%02x", i/256, i%256), firmware: "bios"})
	}
	state := must(s.Show(t.Context(), 0))(t)
	if len(state.Computers) != maxComputers {
		t.Errorf("%d computers", len(state.Computers))
	}
	s.until(aMAC, fusion.BareOrdered)
	cancel()
	<-done
}

func TestSwitch(t *testing.T) {
	dir := t.TempDir()
	refuses := false
	change := func(c *Config) {
		c.places = func() ([]place, error) {
			return []place{{"eth0", netip.MustParsePrefix("192.0.2.1/24")}, {"eth1", netip.MustParsePrefix("198.51.100.1/24")}}, nil
		}
		c.open = func(at place) (doors, error) {
			if refuses || at.name == "eth1" {
				return nil, doorError(at, os.ErrPermission)
			}
			return noDoors{}, nil
		}
	}
	s := open(t, dir, change)
	_, err := s.Switch(t.Context(), fusion.NetBootSpec{On: true})
	refused(t, err, fusion.ErrInvalid)
	if !strings.Contains(fusion.Hint(err), "eth0, eth1") {
		t.Error(fusion.Hint(err))
	}
	_, err = s.Switch(t.Context(), fusion.NetBootSpec{On: true, Interface: "eth9"})
	refused(t, err, fusion.ErrNotFound)
	must(s.Switch(t.Context(), fusion.NetBootSpec{On: true, Interface: "eth0"}))(t)
	if _, err = s.Switch(t.Context(), fusion.NetBootSpec{On: true, Interface: "eth1"}); err == nil {
		t.Error("it is on eth1")
	}
	if state := must(s.Show(t.Context(), 0))(t); !state.On || state.Interface != "eth0" || state.Address != "192.0.2.1" || len(state.Interfaces) != 2 {
		t.Errorf("it is %+v", state)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	refuses = true // a new node that may not
	s = open(t, dir, change)
	if state := must(s.Show(t.Context(), 0))(t); !state.On || state.Address != "" || state.Note == "" {
		t.Errorf("it is %+v", state)
	}
	must(s.Switch(t.Context(), fusion.NetBootSpec{}))(t)
	if state := must(s.Show(t.Context(), 0))(t); state.On || state.Note != "" {
		t.Errorf("it is %+v", state)
	}
}

func TestBrokenFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "netboot.json"), []byte(`{"computers": {"x": null, `), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), configOf(t, dir, &stage{}))
	refused(t, err, fusion.ErrInvalid)
}
