//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"hither/remoteapp/desktop"
)

// scribble is a real X program that changes the file it opens: one line by
// itself, then each line that is typed.
const scribble = `#!/bin/sh
exec xterm -T Scribble -e sh -c 'echo "added there" >> "$0"; while read -r line; do echo "$line" >> "$0"; done' "$1"
`

// addScribble installs the program on a node's computer, as a package does.
func addScribble(t *testing.T, n *node) {
	t.Helper()
	share := filepath.Join(filepath.Dir(n.home), ".local", "share")
	program, icon := filepath.Join(share, "scribble.sh"), filepath.Join(share, "scribble.png")
	entry := "[Desktop Entry]\nType=Application\nName=Scribble\nName[zh_CN]=涂写\nComment=Change a file\nExec=" + program + " %f\nIcon=" + icon +
		"\nCategories=Utility;TextEditor;\nMimeType=text/plain;\n"
	if err := os.MkdirAll(filepath.Join(share, "applications"), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{program: scribble, filepath.Join(share, "applications", "scribble.desktop"): entry} {
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Create(icon)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, image.NewRGBA(image.Rect(0, 0, 64, 64))); err != nil {
		t.Fatal(err)
	}
}

// scribblers gives two paired nodes of an account, of which the second has the
// app.
func scribblers(t *testing.T, as *account) (a, b *node) {
	t.Helper()
	a, b = newNode(t, "here", as), newNode(t, "cloud", as)
	a.libvirt, b.libvirt = "off", "off"
	a.ownHome, b.ownHome = true, true
	addScribble(t, b)
	as.own(t, filepath.Dir(b.home))
	a.start()
	b.start()
	pair(t, a, b)
	until(t, "a sees b", func() bool { return a.sees(b) })
	return a, b
}

// TestInstall puts an app of one computer into the menu of the other, starts it
// there as a desktop does, and edits a local file with it.
func TestInstall(t *testing.T) {
	t.Run("root", func(t *testing.T) { installStory(t, nil) })
	t.Run("ordinary_user", func(t *testing.T) { installStory(t, ordinaryUser(t)) })
}

func installStory(t *testing.T, as *account) {
	a, b := scribblers(t, as)
	share := filepath.Join(filepath.Dir(a.home), ".local", "share")
	if err := os.MkdirAll(share, 0o755); err != nil {
		t.Fatal(err)
	}
	as.own(t, filepath.Dir(a.home))
	before := tree(t, share)

	a.hither("app", "install", "cloud/self", "scribble", "xcalc")
	if got := installed(t, a); !slices.Equal(got, []string{"scribble", "xcalc"}) {
		t.Errorf("installed: %q", got)
	}
	files, err := filepath.Glob(filepath.Join(share, "applications", "hither-*-scribble-*.desktop"))
	if err != nil || len(files) != 1 {
		t.Fatalf("entries %q, %v; there is %v", files, err, tree(t, share))
	}
	if out, err := exec.Command("desktop-file-validate", "--no-hints", files[0]).CombinedOutput(); err != nil || len(out) > 0 {
		text, _ := os.ReadFile(files[0])
		t.Errorf("desktop-file-validate: %v: %s of\n%s", err, out, text)
	}
	d := newDisplay(t)
	editInstalled(t, a, b, d, files[0])

	a.refused(3, "not in the menu", "app", "uninstall", "cloud/self", "xterm")
	a.hither("app", "uninstall", "cloud/self", "--all")
	if got := installed(t, a); len(got) > 0 {
		t.Errorf("installed after uninstall: %q", got)
	}
	if after := tree(t, share); !slices.Equal(before, after) {
		t.Errorf("before %q, after %q", before, after)
	}

	// A host that is forgotten takes its entries along.
	a.hither("app", "install", "cloud/self", "scribble")
	b.kill()
	a.hither("host", "forget", "cloud")
	if after := tree(t, share); !slices.Equal(before, after) {
		t.Errorf("before %q, after forgetting %q", before, after)
	}
}

// editInstalled starts an entry with a file, sees its window and types a line.
func editInstalled(t *testing.T, a, b *node, d *display, path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	groups, err := desktop.ParseGroups(data)
	if err != nil {
		t.Fatal(err)
	}
	class := groups["Desktop Entry"].String("StartupWMClass")
	file := filepath.Join(filepath.Dir(a.home), "my notes 笔记.txt")
	if err := os.WriteFile(file, []byte("mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	a.as.own(t, file)
	launch := a.command()
	launch.Path, launch.Args = lookPath(t, "dbus-run-session"), []string{"dbus-run-session", "--", "gio", "launch", path, file}
	launch.Env = append(launch.Env, "DISPLAY="+d.name)
	// What it starts has its output too, so that is no pipe that ends with it.
	said, err := os.Create(filepath.Join(filepath.Dir(a.home), "launch.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	launch.Stdout, launch.Stderr = said, said
	err = launch.Run()
	t.Cleanup(func() {
		if text, read := os.ReadFile(said.Name()); t.Failed() {
			t.Logf("the launch said: %s (%v)", text, read)
		}
	})
	if err != nil {
		t.Fatalf("gio launch: %v", err)
	}
	window := d.window("Scribble")
	if said, err := d.run("xprop", "-id", window, "WM_CLASS"); err != nil || !strings.Contains(said, `"`+class+`"`) || class == "" {
		t.Errorf("the window has %s, the entry %q (%v)", said, class, err)
	}
	holds := func(want string) func() bool {
		return func() bool {
			text, err := os.ReadFile(file)
			return err == nil && string(text) == want
		}
	}
	until(t, "what the app wrote is here", holds("mine\nadded there\n"))
	d.must("xdotool", "windowfocus", "--sync", window)
	d.must("xdotool", "type", "--delay", "30", "typed here")
	d.must("xdotool", "key", "Return")
	until(t, "a typed line is here", holds("mine\nadded there\ntyped here\n"))

	// The owner's own change is kept, and so is the app's.
	if err := os.WriteFile(file, []byte("changed here\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	d.must("xdotool", "type", "--delay", "30", "again")
	d.must("xdotool", "key", "Return")
	until(t, "both versions are kept", func() bool {
		kept, err := filepath.Glob(filepath.Join(filepath.Dir(file), "my notes 笔记.conflict-cloud-*.txt"))
		if err != nil || len(kept) != 1 {
			return false
		}
		text, err := os.ReadFile(kept[0])
		return err == nil && string(text) == "mine\nadded there\ntyped here\nagain\n"
	})
	if !holds("changed here\n")() {
		t.Error("the owner's version was written over")
	}
	d.must("wmctrl", "-i", "-c", window)
	until(t, "the private copy is gone with the app", func() bool {
		left, err := os.ReadDir(filepath.Join(b.home, "apps", "files"))
		return err == nil && len(left) == 0
	})
	lent := filepath.Join(a.home, "lent", "lent.json")
	until(t, "nothing is lent any more", func() bool {
		text, err := os.ReadFile(lent)
		return err == nil && strings.TrimSpace(string(text)) == "[]"
	})
}

func lookPath(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v (run build/deps.sh test)", err)
	}
	return path
}

// installed gives the apps of "cloud" that are in the menu of a node.
func installed(t *testing.T, n *node) []string {
	t.Helper()
	var list []struct {
		ID        string
		Installed bool
	}
	if err := json.Unmarshal([]byte(n.hither("app", "ls", "cloud/self", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, app := range list {
		if app.Installed {
			ids = append(ids, app.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// tree lists everything below a directory.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		all = append(all, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestOpenFiles opens local files by the command line: what comes back, what is
// refused, and what is left when the command is ended.
func TestOpenFiles(t *testing.T) {
	a, b := scribblers(t, nil)
	dir := filepath.Dir(a.home)
	file := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(file, []byte("mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	noCopies := func() bool {
		left, err := os.ReadDir(filepath.Join(b.home, "apps", "files"))
		return err == nil && len(left) == 0
	}

	a.refused(3, "notes.none", "app", "run", "cloud/self", "scribble", filepath.Join(dir, "notes.none"))
	a.refused(1, "not a file", "app", "run", "cloud/self", "scribble", dir)
	a.refused(3, "nothing", "app", "run", "cloud/self", "nothing", file)
	a.refused(1, "opens no files", "app", "run", "cloud/self", "xcalc", file)
	if !noCopies() {
		t.Error("a copy of a file stays though no app opened it")
	}

	cancelled(t, a, b, noCopies)

	// A node that is gone meanwhile, here and there, loses nothing.
	screen := strings.TrimSpace(a.hither("app", "run", "cloud/self", "scribble", file, "--detach"))
	added := func() bool {
		text, err := os.ReadFile(file)
		return err == nil && string(text) == "mine\nadded there\n"
	}
	until(t, "what the app wrote is here", added)
	a.kill()
	b.kill()
	paths, err := filepath.Glob(filepath.Join(b.home, "apps", "files", "*", "notes.txt"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("copies %q, %v", paths, err)
	}
	if err := os.WriteFile(paths[0], []byte("written while nobody watched\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.start()
	a.start()
	until(t, "it came after both nodes were back", func() bool {
		text, err := os.ReadFile(file)
		return err == nil && string(text) == "written while nobody watched\n"
	})
	a.hither("app", "stop", screen)
	until(t, "the private copy is gone with the app", noCopies)
}

// cancelled interrupts the command while a large file is on its way.
func cancelled(t *testing.T, a, b *node, noCopies func() bool) {
	big := filepath.Join(filepath.Dir(a.home), "big.bin")
	if err := errors.Join(os.WriteFile(big, nil, 0o600), os.Truncate(big, 4<<30)); err != nil {
		t.Fatal(err)
	}
	cmd := a.command("app", "run", "cloud/self", "scribble", big)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the copy began", func() bool {
		paths, err := filepath.Glob(filepath.Join(b.home, "apps", "files", "*", "big.bin"))
		return err == nil && len(paths) == 1
	})
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the command does not say that it was interrupted")
	}
	until(t, "the half copy is gone", noCopies)
}

// TestOpenFilesOnFullDisks: neither side is left with half a file.
func TestOpenFilesOnFullDisks(t *testing.T) {
	a, b := newNode(t, "here", nil), newNode(t, "cloud", nil)
	a.libvirt, b.libvirt = "off", "off"
	addScribble(t, b)
	copies := filepath.Join(b.home, "apps", "files")
	tmpfs(t, copies, "size=68m") // 64 MiB stay free
	a.start()
	b.start()
	pair(t, a, b)
	until(t, "a sees b", func() bool { return a.sees(b) })

	big := filepath.Join(filepath.Dir(a.home), "big.bin")
	if err := errors.Join(os.WriteFile(big, nil, 0o600), os.Truncate(big, 8<<20)); err != nil {
		t.Fatal(err)
	}
	a.refused(1, "do not fit", "app", "run", "cloud/self", "scribble", big)
	if left, err := os.ReadDir(copies); err != nil || len(left) > 0 {
		t.Errorf("left there: %v, %v", left, err)
	}

	small := filepath.Join(filepath.Dir(a.home), "small")
	tmpfs(t, small, "size=256k")
	file := filepath.Join(small, "notes.txt")
	if err := os.WriteFile(file, []byte("mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	screen := strings.TrimSpace(a.hither("app", "run", "cloud/self", "scribble", file, "--detach"))
	until(t, "what the app wrote is here", func() bool {
		text, err := os.ReadFile(file)
		return err == nil && string(text) == "mine\nadded there\n"
	})
	paths, err := filepath.Glob(filepath.Join(copies, "*", "notes.txt"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("copies %q, %v", paths, err)
	}
	if err := os.WriteFile(paths[0], make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "the full disk is in the log", func() bool {
		log, err := os.ReadFile(a.logFile())
		return err == nil && strings.Contains(string(log), "a lent file waits to be written back")
	})
	a.hither("app", "stop", screen)
	if text, err := os.ReadFile(file); err != nil || string(text) != "mine\nadded there\n" {
		t.Errorf("the file holds %d bytes, %v", len(text), err)
	}
	until(t, "no half file lies beside it", func() bool {
		left, err := os.ReadDir(small)
		return err == nil && len(left) == 1
	})
	if out, err := exec.Command("mount", "-o", "remount,size=8m", small).CombinedOutput(); err != nil {
		t.Fatalf("mount: %v: %s", err, out)
	}
	until(t, "it came once there was room", func() bool {
		info, err := os.Stat(file)
		return err == nil && info.Size() == 1<<20
	})
}

// tmpfs puts a small disk in a directory, until it is taken away or the test ends.
func tmpfs(t *testing.T, dir, options string) (away func()) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "tmpfs", dir).CombinedOutput(); err != nil {
		t.Fatalf("mount: %v: %s", err, out)
	}
	away = sync.OnceFunc(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(away)
	return away
}
