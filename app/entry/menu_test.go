package entry

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hither/fusion"
	"hither/remoteapp/desktop"
)

const nas fusion.HostID = "12D3KooWnas"

func editor() App {
	return App{App: fusion.App{Machine: fusion.Self, ID: "org.example.Editor", Name: "Editor", Comment: "Edit text",
		Categories: []string{"Utility", "Nonsense", "Utility"}, MIMETypes: []string{"text/plain", "text/x;evil"}},
		Host: nas, HostName: "nas"}
}

func newMenu(t *testing.T) Menu {
	return Menu{Data: filepath.Join(t.TempDir(), "share"), Program: "/opt/hither/bin/hither", Home: "/srv/my home"}
}

// tree lists a directory, with what files hold.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			all[path] = "directory"
			return err
		}
		text, err := os.ReadFile(path)
		all[path] = string(text)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return all
}

func parse(t *testing.T, m Menu, a App) *desktop.Entry {
	t.Helper()
	path := filepath.Join(m.applications(), m.base(a)+".desktop")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	e, err := desktop.ParseEntry(m.base(a), path, data)
	if err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	return e
}

func TestInstallAndUninstall(t *testing.T) {
	m := newMenu(t)
	if err := os.MkdirAll(m.Data, 0o755); err != nil {
		t.Fatal(err)
	}
	before := tree(t, m.Data)
	a := editor()
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 50, 40))); err != nil {
		t.Fatal(err)
	}
	a.Picture, a.MediaType = picture.Bytes(), "image/png"
	if err := m.Install(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	e := parse(t, m, a)
	if e.Icon() != m.base(a) {
		t.Errorf("icon %q", e.Icon())
	}
	if _, err := os.Stat(filepath.Join(m.theme(), "48x48", "apps", m.base(a)+".png")); err != nil {
		t.Error(err)
	}
	if got := e.Categories(); !slices.Equal(got, []string{"Utility"}) {
		t.Errorf("categories %q", got)
	}
	if got := e.MIMETypes(); !slices.Equal(got, []string{"text/plain"}) {
		t.Errorf("types %q", got)
	}
	command, err := e.Command([]string{"/a b.txt"})
	want := []string{m.Program, "--home", m.Home, "app", "run", "--notify", "12D3KooWnas/self", "org.example.Editor", "/a b.txt"}
	if err != nil || !slices.Equal(command, want) {
		t.Errorf("command %q, want %q (%v)", command, want, err)
	}
	list, err := m.List()
	if err != nil || len(list) != 1 || list[0].Host != nas || list[0].App != a.ID || list[0].Machine != fusion.Self {
		t.Fatalf("list %+v, %v", list, err)
	}
	gone, err := m.Uninstall(t.Context(), func(i Installed) bool { return i.Host == nas })
	if err != nil || len(gone) != 1 {
		t.Fatalf("uninstalled %+v, %v", gone, err)
	}
	if after := tree(t, m.Data); len(after) != len(before) {
		t.Errorf("something stays: %v", after)
	}
}

func TestHomesAndOthersAreKeptApart(t *testing.T) {
	m := newMenu(t)
	other := m
	other.Home = ""
	if err := errors.Join(m.Install(t.Context(), editor()), other.Install(t.Context(), editor())); err != nil {
		t.Fatal(err)
	}
	stranger := filepath.Join(m.applications(), "hither-notes.desktop")
	if err := os.WriteFile(stranger, []byte("[Desktop Entry]\nType=Application\nName=Notes\nExec=notes\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	gone, err := m.Uninstall(t.Context(), func(Installed) bool { return true })
	if err != nil || len(gone) != 1 {
		t.Errorf("uninstalled %+v, %v", gone, err)
	}
	left, err := other.List()
	if err != nil || len(left) != 1 {
		t.Errorf("the other home has %+v, %v", left, err)
	}
	if _, err := os.Stat(stranger); err != nil {
		t.Error(err)
	}
}

func TestInstallRefuses(t *testing.T) {
	m := newMenu(t)
	for _, name := range []string{"", "../x", "a/b", "a\nb"} {
		a := editor()
		a.ID = name
		if err := m.Install(t.Context(), a); !errors.Is(err, fusion.ErrInvalid) {
			t.Errorf("app %q: %v", name, err)
		}
	}
	m.Program = "/opt/a\nb"
	if err := m.Install(t.Context(), editor()); !errors.Is(err, fusion.ErrInvalid) || fusion.Hint(err) == "" {
		t.Errorf("program: %v", err)
	}
}

func TestASecondInstallReplacesThePicture(t *testing.T) {
	m, a := newMenu(t), editor()
	a.Picture, a.MediaType = []byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), "image/svg+xml"
	if err := m.Install(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	a.Picture, a.MediaType = []byte("no picture"), "image/png"
	if err := m.Install(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if icon := parse(t, m, a).Icon(); icon != fallback {
		t.Errorf("icon %q", icon)
	}
	for path := range tree(t, m.Data) {
		if strings.HasSuffix(path, ".svg") {
			t.Errorf("%s stays", path)
		}
	}
}

func TestClassesDiffer(t *testing.T) {
	all := []string{Class(nas, fusion.Self, "xterm"), Class("12D3KooWlap", fusion.Self, "xterm"), Class(nas, "win11", "xterm"), Class(nas, fusion.Self, "xcalc")}
	slices.Sort(all)
	if n := len(slices.Compact(all)); n != 4 {
		t.Errorf("%d of 4 differ: %q", n, all)
	}
}
