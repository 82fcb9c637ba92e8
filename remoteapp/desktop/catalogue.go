package desktop

import (
	"cmp"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"hither/fusion"
)

// Catalogue finds the programs of this computer. It reads the directories at
// each call, so that what is installed shows at once.
type Catalogue struct {
	// Dirs are the data directories, most important first (DataDirs).
	Dirs []string
	// Desktops are the names that OnlyShowIn and NotShowIn are compared with.
	Desktops []string
	// Log tells at level debug which files were left out; nil is silent.
	Log *slog.Logger
}

// DataDirs gives XDG_DATA_HOME, XDG_DATA_DIRS and where they usually are, and
// what flatpak exports, without repetition.
func DataDirs() []string {
	var dirs []string
	add := func(dir string) {
		if filepath.IsAbs(dir) && !slices.Contains(dirs, filepath.Clean(dir)) {
			dirs = append(dirs, filepath.Clean(dir))
		}
	}
	add(os.Getenv("XDG_DATA_HOME"))
	home, err := os.UserHomeDir()
	if err == nil {
		add(filepath.Join(home, ".local/share"))
		add(filepath.Join(home, ".local/share/flatpak/exports/share"))
	}
	for _, dir := range filepath.SplitList(os.Getenv("XDG_DATA_DIRS")) {
		add(dir)
	}
	add("/usr/local/share")
	add("/usr/share")
	add("/var/lib/flatpak/exports/share")
	return dirs
}

// plain are small programs of X that come without a desktop entry.
var plain = []struct{ program, name, comment string }{
	{"xcalc", "Calculator", "Scientific calculator for X"},
	{"xclock", "Clock", "Clock for X"},
	{"xeyes", "Eyes", "Eyes that follow the pointer"},
	{"xterm", "XTerm", "Terminal for X"},
}

// List gives the programs that a menu shows, by name in the language of tag.
func (c Catalogue) List(tag string) []*Entry {
	var shown []*Entry
	programs := map[string]bool{}
	for _, e := range c.all() {
		if c.shows(e) {
			shown = append(shown, e)
			if args, err := split(e.keys.String("Exec")); err == nil {
				programs[filepath.Base(args[0])] = true
			}
		}
	}
	for _, p := range plain {
		if e := plainEntry(p.program); e != nil && !programs[p.program] {
			shown = append(shown, e)
		}
	}
	slices.SortStableFunc(shown, func(a, b *Entry) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name(tag)), strings.ToLower(b.Name(tag))), cmp.Compare(a.ID, b.ID))
	})
	return shown
}

// Find gives a program that can be started, also one that menus do not show;
// nil when there is none.
func (c Catalogue) Find(id string) *Entry {
	if e := c.all()[id]; e != nil {
		if e.keys.Bool("Hidden") || e.elsewhere() || !e.installed() {
			return nil
		}
		return e
	}
	return plainEntry(id)
}

func plainEntry(id string) *Entry {
	for _, p := range plain {
		if p.program != id {
			continue
		}
		if _, err := exec.LookPath(id); err != nil {
			return nil
		}
		return &Entry{ID: id, keys: Group{"Type": "Application", "Name": p.name, "Comment": p.comment,
			"Exec": id, "Icon": id, "Categories": "Utility;"}}
	}
	return nil
}

// all gives the entries by ID; of two with one ID the more important wins.
func (c Catalogue) all() map[string]*Entry {
	entries := map[string]*Entry{}
	for _, dir := range c.Dirs {
		root := filepath.Join(dir, "applications")
		c.walk(root, "", 0, func(id, path string) {
			if entries[id] != nil {
				return
			}
			e, err := readEntry(id, path)
			if err != nil {
				c.skip(path, err)
				return
			}
			entries[id] = e
		})
	}
	return entries
}

// walk finds the desktop files below root; symbolic links to directories are
// followed, a few levels deep.
func (c Catalogue) walk(dir, prefix string, depth int, found func(id, path string)) {
	const deepest = 8
	files, err := os.ReadDir(dir)
	if err != nil || depth > deepest {
		if err != nil && !os.IsNotExist(err) {
			c.skip(dir, err)
		}
		return
	}
	for _, file := range files {
		path := filepath.Join(dir, file.Name())
		if file.IsDir() || file.Type()&fs.ModeSymlink != 0 && isDir(path) {
			c.walk(path, prefix+file.Name()+"-", depth+1, found)
			continue
		}
		name, ok := strings.CutSuffix(file.Name(), ".desktop")
		if !ok {
			continue
		}
		if err := fusion.CheckName(prefix + name); err != nil {
			c.skip(path, err)
			continue
		}
		found(prefix+name, path)
	}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func readEntry(id, path string) (*Entry, error) {
	data, err := readFile(path, maxFile)
	if err != nil {
		return nil, err
	}
	return ParseEntry(id, path, data)
}

func (c Catalogue) skip(path string, err error) {
	if c.Log != nil {
		c.Log.Debug("desktop entry left out", "path", path, "err", err)
	}
}

func (c Catalogue) shows(e *Entry) bool {
	if e.keys.Bool("Hidden") || e.keys.Bool("NoDisplay") || e.elsewhere() {
		return false
	}
	matches := func(key string) bool {
		return slices.ContainsFunc(e.keys.List(key), func(d string) bool { return slices.Contains(c.Desktops, d) })
	}
	if _, only := e.keys["OnlyShowIn"]; only && !matches("OnlyShowIn") {
		return false
	}
	return !matches("NotShowIn") && e.installed()
}

// elsewhere says whether an entry only opens an app of another computer
// (app/entry): that computer offers it, and nothing goes in circles.
func (e *Entry) elsewhere() bool { return e.keys["X-Hither-App"] != "" }

// installed says whether the programs of TryExec and Exec are there.
func (e *Entry) installed() bool {
	args, err := split(e.keys.String("Exec"))
	if err != nil {
		return false
	}
	for _, program := range []string{args[0], e.keys.String("TryExec")} {
		if program == "" {
			continue
		}
		if _, err := exec.LookPath(program); err != nil {
			return false
		}
	}
	return true
}
