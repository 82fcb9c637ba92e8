package desktop

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func entry(name, exec string, more ...string) string {
	return "[Desktop Entry]\nType=Application\nName=" + name + "\nExec=" + exec + "\n" + strings.Join(more, "\n") + "\n"
}

func fixture(t *testing.T) Catalogue {
	t.Helper()
	root := tree(t, map[string]string{
		"bin/prog":  "#!/bin/sh\n",
		"bin/xcalc": "#!/bin/sh\n",
		"bin/xterm": "#!/bin/sh\n",

		"home/applications/over.desktop":   entry("Mine", "prog"),
		"home/applications/gone.desktop":   "[Desktop Entry]\nHidden=true\n",
		"home/applications/broken.desktop": "nonsense",

		"sys/applications/over.desktop":         entry("Theirs", "prog"),
		"sys/applications/gone.desktop":         entry("Gone", "prog"),
		"sys/applications/broken.desktop":       entry("broken, not", "prog"),
		"sys/applications/kde/deep.desktop":     entry("Älter", "prog"),
		"sys/applications/quiet.desktop":        entry("Quiet", "prog", "NoDisplay=true"),
		"sys/applications/only.desktop":         entry("Only", "prog", "OnlyShowIn=GNOME;"),
		"sys/applications/not.desktop":          entry("Not", "prog", "NotShowIn=LXQt;"),
		"sys/applications/try.desktop":          entry("Try", "prog", "TryExec=/nowhere/prog"),
		"sys/applications/lost.desktop":         entry("Lost", "nowhere-to-be-found"),
		"sys/applications/bad name.desktop":     entry("Bad", "prog"),
		"sys/applications/debian-xterm.desktop": entry("XTerm", "xterm"),
		"sys/applications/readme.txt":           "",
	})
	t.Setenv("PATH", filepath.Join(root, "bin"))
	t.Setenv("HOME", filepath.Join(root, "nobody"))
	return Catalogue{Dirs: []string{filepath.Join(root, "home"), filepath.Join(root, "sys")}, Desktops: []string{"LXQt"}}
}

func TestCatalogue(t *testing.T) {
	c := fixture(t)
	var ids []string
	for _, e := range c.List("") {
		ids = append(ids, e.ID)
	}
	if want := []string{"broken", "xcalc", "over", "debian-xterm", "kde-deep"}; !slices.Equal(ids, want) {
		t.Errorf("shown %q, want %q", ids, want)
	}
	for id, name := range map[string]string{
		"over": "Mine", "quiet": "Quiet", "only": "Only", "xterm": "XTerm", "xcalc": "Calculator", "kde-deep": "Älter",
		"gone": "", "try": "", "lost": "", "xeyes": "", "bad name": "", "../over": "", "": "",
	} {
		got := ""
		if e := c.Find(id); e != nil {
			got = e.Name("")
		}
		if got != name {
			t.Errorf("%q: %q, want %q", id, got, name)
		}
	}
	c.Desktops = []string{"GNOME"}
	if !slices.ContainsFunc(c.List(""), func(e *Entry) bool { return e.ID == "only" }) {
		t.Error("OnlyShowIn hides from its own desktop")
	}
}

func TestIcon(t *testing.T) {
	const magic = "\x89PNG\r\n\x1a\n"
	root := tree(t, map[string]string{
		"a/icons/hicolor/16x16/apps/x.png":       magic + "16",
		"a/icons/hicolor/512x512/apps/x.png":     magic + "512",
		"a/icons/hicolor/48x48/apps/x.png":       magic + "48",
		"b/icons/hicolor/128x128/apps/x.png":     magic + "128",
		"b/icons/hicolor/scalable/apps/x.svg":    "<svg x/>",
		"b/icons/hicolor/scalable/apps/draw.svg": "<?xml version='1.0'?><svg/>",
		"b/icons/hicolor/16x16/apps/draw.png":    magic,
		"b/icons/hicolor/symbolic/apps/sym.svg":  "<svg/>",
		"b/icons/Adwaita/64x64/legacy/old.png":   magic + "old",
		"b/pixmaps/pix.png":                      magic + "pix",
		"b/pixmaps/text.png":                     "root:x:0:0",
	})
	t.Setenv("HOME", filepath.Join(root, "nobody"))
	c := Catalogue{Dirs: []string{filepath.Join(root, "a"), filepath.Join(root, "b")}}
	for name, want := range map[string]string{
		"x": magic + "128", "x.png": magic + "128", "draw": "<?xml version='1.0'?><svg/>", "old": magic + "old", "pix": magic + "pix",
		filepath.Join(root, "b/pixmaps/pix.png"): magic + "pix",
		"sym":                                    "", "text": "", "none": "", "../x": "", "": "", "*": "", "[x]": "", "/etc/passwd": "", "/dev/zero": "",
	} {
		got, mediaType, ok := c.Icon(name)
		if string(got) != want || ok != (want != "") {
			t.Errorf("%q: %.20q %v, want %.20q", name, got, ok, want)
		}
		if ok && (mediaType == svg) != strings.Contains(want, "<svg") {
			t.Errorf("%q is %s", name, mediaType)
		}
	}
}
