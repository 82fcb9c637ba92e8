package house

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// pkg is what the tests need of `go list -json`.
type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
	Doc        string
	GoFiles    []string
}

const tags = "noquic,noassets,libvirt_dlopen"

// list gives the project's packages as a build with tags sees them.
func list(t *testing.T, buildTags string, patterns ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-tags", buildTags, "-json=ImportPath,Imports,Deps,Doc,GoFiles"}, patterns...)...)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// siblings are the subsystems: each may import fusion and itself only.
var siblings = []string{"hither/peers", "hither/vmctl", "hither/mirror", "hither/remoteapp", "hither/sync/folder", "hither/sync/tree", "hither/mesh", "hither/fleet"}

// rooms are the packages below vmctl that import more than fusion: none imports vmctl,
// which knows all of them (docs/decisions/0032).
var rooms = map[string][]string{
	"imagepool": {"hither/vmctl/computer"},
	"domxml":    {"hither/vmctl/devxml"},
	"meter":     {"hither/vmctl/computer", "hither/vmctl/ring"},
	"private":   {"hither/vmctl/computer", "hither/vmctl/process"},
	"kvm":       {"hither/vmctl/computer", "hither/vmctl/process"},
}

func under(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

func ours(path string) bool { return under(path, "hither") }

func TestImportsPointOneWay(t *testing.T) {
	for _, p := range list(t, tags, "./...") {
		for _, imported := range p.Imports {
			if ours(imported) && !mayImport(p.ImportPath, imported) {
				t.Errorf("%s imports %s; the direction is fusion ← subsystems ← app ← main, cmd", p.ImportPath, imported)
			}
		}
	}
}

// mayImport says whether one of the project's packages may import another.
func mayImport(from, to string) bool {
	switch {
	case under(from, "hither/internal"):
		return true
	case to == "hither/internal/slack", to == "hither/internal/loadlibvirt", to == "hither/internal/wholefile", to == "hither/internal/largepage",
		to == "hither/internal/rawconn":
		return true // what a program asks of its system; they import nothing
	case to == "hither/internal/xdial":
		return under(from, "hither/mirror") || under(from, "hither/remoteapp") // clients of X servers; it imports rawconn
	case from == "hither/fusion", under(from, "hither/proto"), from == "hither/frontend":
		return under(from, "hither/proto") && under(to, "hither/proto")
	case under(from, "hither/fusion"):
		return to == "hither/fusion"
	}
	if from == "hither/mirror/bench" && (to == "hither/internal/path" || to == "hither/internal/awake" || to == "hither/internal/xserver") {
		return true // a program that measures, on displays of its own and a shaped path too
	}
	if room, is := strings.CutPrefix(from, "hither/vmctl/"); is {
		return to == "hither/fusion" || slices.Contains(rooms[room], to)
	}
	for _, s := range siblings {
		if under(from, s) {
			return to == "hither/fusion" || under(to, s)
		}
	}
	switch {
	case under(from, "hither/app/client"), under(from, "hither/app/convert"), under(from, "hither/app/home"), under(from, "hither/app/terminal"):
		// Clients link no subsystem, only the framing of the screen wire.
		return to == "hither/fusion" || to == "hither/mirror/wire" || under(to, "hither/proto") ||
			under(to, "hither/app/convert") || under(to, "hither/app/home") || under(to, "hither/app/terminal")
	case from == "hither/app/mesh":
		return to == "hither/fusion" || to == "hither/vmctl/proxy" || to == "hither/app/convert" || under(to, "hither/proto")
	case from == "hither/app/tunnel/front":
		return to == "hither/fusion" // it knows no tunnel
	case from == "hither/app/tunnel":
		// It gets hosts, grants and guests from the node; the copying is that of forwards.
		return to == "hither/fusion" || to == "hither/vmctl/proxy" || to == "hither/app/convert" || to == "hither/app/tunnel/front" || under(to, "hither/proto")
	case under(from, "hither/app/shell"):
		return under(to, "hither/app") && to != "hither/app" && !under(to, "hither/app/api") || to == "hither/fusion" || under(to, "hither/proto") || to == "hither/frontend"
	case from == "hither":
		return under(to, "hither/app/shell") || under(to, "hither/app/client") || under(to, "hither/app/home") || to == "hither/frontend" || to == "hither/fusion"
	case under(from, "hither/cmd/hither-tray"):
		return under(to, "hither/cmd/hither-tray") || under(to, "hither/app/client") || under(to, "hither/app/home") ||
			to == "hither/fusion" || under(to, "hither/proto")
	case under(from, "hither/cmd/hither"):
		return under(to, "hither/app") || to == "hither/fusion" || under(to, "hither/proto") || viewer(to) || under(to, "hither/cmd/hither")
	}
	return under(from, "hither/app")
}

// viewer says whether a package shows or keeps what a screen shows, which the
// command line does itself.
func viewer(path string) bool {
	return under(path, "hither/mirror/surface") || under(path, "hither/mirror/record")
}

func TestFusionNeedsTheStandardLibraryOnly(t *testing.T) {
	for _, p := range list(t, tags, "./fusion/...") {
		for _, dep := range p.Imports {
			if strings.Contains(strings.SplitN(dep, "/", 2)[0], ".") {
				t.Errorf("%s imports %s", p.ImportPath, dep)
			}
		}
	}
}

// TestWhatBinariesLink: the node runs on a bare server, and the window is a
// client that needs no network stack of its own.
func TestWhatBinariesLink(t *testing.T) {
	for _, tc := range []struct{ tags, pkg, without string }{
		{tags, "./cmd/hither", "github.com/wailsapp/"},
		{tags, "./cmd/hither", "fyne.io/"},
		{"desktop,production,webkit2_41", ".", "github.com/libp2p/"},
		{"desktop,production,webkit2_41", ".", "github.com/syncthing/"},
		{"", "./cmd/hither-tray", "github.com/libp2p/"},
	} {
		p := list(t, tc.tags, tc.pkg)[0]
		if i := slices.IndexFunc(p.Deps, func(d string) bool { return strings.HasPrefix(d, tc.without) }); i >= 0 {
			t.Errorf("%s links %s", p.ImportPath, p.Deps[i])
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, p := range list(t, tags, "./...") {
		generated := under(p.ImportPath, "hither/proto")
		if !generated && len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}
