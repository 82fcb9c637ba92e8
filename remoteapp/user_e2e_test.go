//go:build e2e

package remoteapp

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"hither/fusion"
)

// TestOrdinaryUser runs some tests, TestRunShowsOneWindow among them, as an
// ordinary user with a home of its own: this binary again, under another key.
func TestOrdinaryUser(t *testing.T) {
	dir := shortDir(t)
	cmd := exec.Command(copySelf(t, dir), "-test.run=^(TestRunShowsOneWindow|TestRestartAdopts|TestDisplaysHaveTheirOwnSound)$", "-test.v")
	cmd.Dir = dir
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: nobody(t)}
		for _, path := range []string{dir, cmd.Path} {
			if err := os.Chown(path, int(cmd.SysProcAttr.Credential.Uid), int(cmd.SysProcAttr.Credential.Gid)); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd.Env = []string{"HOME=" + dir, "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

func nobody(t *testing.T) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// copySelf puts this binary where every user can run it.
func copySelf(t *testing.T, dir string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	from, err := os.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	path := filepath.Join(dir, "remoteapp.test")
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMissingProgramsAreNamed(t *testing.T) {
	s := open(t, shortDir(t))
	defer shut(t, s)
	bin := shortDir(t)
	xcalc, err := exec.LookPath("xcalc")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(xcalc, filepath.Join(bin, "xcalc")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	_, err = s.Run(t.Context(), fusion.Self, "xcalc", nil)
	if fusion.CauseName(err) != "unsupported" || fusion.Hint(err) == "" {
		t.Errorf("without Xvfb: %v", err)
	}
	for _, c := range []struct {
		machine, app string
		files        []string
		cause        string
	}{
		{"vm1", "xcalc", nil, "unsupported"},
		{fusion.Self, "no-such-app", nil, "not_found"},
		{fusion.Self, "../../etc/passwd", nil, "not_found"},
		{fusion.Self, "xcalc", []string{"/no/such/file"}, "not_found"},
		{fusion.Self, "xcalc", []string{"relative"}, "invalid"},
		{fusion.Self, "xcalc", []string{"/etc/passwd"}, "invalid"},
	} {
		if _, err := s.Run(t.Context(), c.machine, c.app, c.files); fusion.CauseName(err) != c.cause {
			t.Errorf("%v: %v", c, err)
		}
	}
}

// The pixels of the desktop lie where only this account can read them, and go with
// it; apps, of which there may be many, have none such.
func TestDesktopSharesItsPixels(t *testing.T) {
	s := open(t, shortDir(t))
	d, err := s.Desktop(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Dir(d.Framebuffer))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%q: %v, %v", d.Framebuffer, info, err)
	}
	if info, err := os.Stat(d.Framebuffer); err != nil || info.Size() < maxWidth*maxHeight*4 {
		t.Errorf("%v, %v", info, err)
	}
	app, err := s.Run(t.Context(), fusion.Self, "xclock", nil)
	if err != nil {
		t.Fatal(err)
	}
	if of, err := s.Display(app.Name); err != nil || of.Framebuffer != "" {
		t.Errorf("an app's display: %+v, %v", of, err)
	}
	shut(t, s)
	if _, err := os.Stat(filepath.Dir(d.Framebuffer)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left behind: %v", err)
	}
}

func TestSessionDisplay(t *testing.T) {
	s := open(t, shortDir(t))
	defer shut(t, s)
	d, err := s.Desktop(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("DISPLAY", d.Name)
	t.Setenv("XAUTHORITY", filepath.Join(s.cfg.Dir, "none"))
	if got, ok := SessionDisplay(t.Context()); ok {
		t.Errorf("opened without the cookie: %v", got)
	}
	t.Setenv("XAUTHORITY", d.Xauthority)
	if got, ok := SessionDisplay(t.Context()); !ok || got.Name != d.Name || got.Xauthority != d.Xauthority {
		t.Errorf("session display %v %v, want %v", got, ok, d)
	}
	t.Setenv("DISPLAY", "")
	if got, ok := SessionDisplay(t.Context()); ok {
		t.Errorf("no DISPLAY, but %v", got)
	}
}
