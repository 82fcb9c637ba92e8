package entry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"unicode/utf8"

	"hither/fusion"
	"hither/remoteapp/desktop"
)

// Menu is the owner's menu on this computer. Its methods may be called from many
// goroutines of one process.
type Menu struct {
	// Data is $XDG_DATA_HOME, an absolute path.
	Data string
	// Program is the path of hither, and Home what --home is given; "" leaves it out.
	Program, Home string
	// Log: nil is silent.
	Log *slog.Logger
}

// writing is held while files of the menu change.
var writing sync.Mutex

// DataHome gives $XDG_DATA_HOME or where it usually is.
func DataHome() (string, error) {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Clean(dir), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("menu: %w", err)
	}
	return filepath.Join(home, ".local", "share"), nil
}

func (m Menu) applications() string { return filepath.Join(m.Data, "applications") }
func (m Menu) theme() string        { return filepath.Join(m.Data, "icons", "hicolor") }

// base names the files of an app: its class, and the home where one was named.
func (m Menu) base(a App) string {
	base := Class(a.Host, a.Machine, a.ID)
	if m.Home != "" {
		base += "-" + short(m.Home)
	}
	return base
}

// Install writes an entry for each app, over what was there, and tells the
// desktop. An app whose names are not sound is refused with ErrInvalid.
func (m Menu) Install(ctx context.Context, apps ...App) error {
	if err := m.check(); err != nil {
		return err
	}
	writing.Lock()
	defer writing.Unlock()
	for _, a := range apps {
		if err := m.install(a); err != nil {
			return menuError(a.ID, err)
		}
	}
	m.refresh(ctx)
	return nil
}

// check refuses what an Exec line cannot say.
func (m Menu) check() error {
	for _, path := range []string{m.Program, m.Home} {
		if !utf8.ValidString(path) || strings.ContainsAny(path, "\x00\n\r") || strings.Contains(m.Program, "=") {
			return &fusion.Error{Op: "app.install", Path: path, Cause: fusion.ErrInvalid, Detail: "a menu cannot name this path",
				Hint: "move it to a path of plain letters"}
		}
	}
	return nil
}

func (m Menu) install(a App) error {
	for _, name := range []string{string(a.Host), a.Machine, a.ID} {
		if err := fusion.CheckName(name); err != nil {
			return err
		}
	}
	if oneLine(a.Name) == "" {
		a.Name = a.ID
	}
	base, icon := m.base(a), fallback
	if err := m.removePictures(base); err != nil {
		return err
	}
	if path, data, ok := picture(base, a.Picture, a.MediaType); ok {
		if err := write(filepath.Join(m.theme(), path), data); err != nil {
			return err
		}
		icon = base
	}
	return write(filepath.Join(m.applications(), base+".desktop"), []byte(m.text(a, icon)))
}

// write puts a whole file in place of the old one.
func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".hither-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after the rename there is nothing to remove
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func menuError(app string, err error) error {
	if fusion.CauseName(err) != "" {
		return err
	}
	e := &fusion.Error{Op: "app.install", Path: app, Cause: err}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		e.Hint = "free some space on the disk of your home directory"
	case errors.Is(err, fs.ErrPermission):
		e.Cause, e.Detail, e.Hint = fusion.ErrPermission, err.Error(), "give your user the right to write there"
	}
	return e
}

// List gives the entries of this home, by file name.
func (m Menu) List() ([]Installed, error) {
	files, err := os.ReadDir(m.applications())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []Installed
	for _, file := range files {
		base, ok := strings.CutSuffix(file.Name(), ".desktop")
		if !ok || !strings.HasPrefix(base, "hither-") || !file.Type().IsRegular() {
			continue
		}
		if i, ok := m.read(base); ok {
			all = append(all, i)
		}
	}
	return all, nil
}

// read gives what an entry belongs to; ok is false for one that is not of this home.
func (m Menu) read(base string) (Installed, bool) {
	const most = 1 << 20
	f, err := os.Open(filepath.Join(m.applications(), base+".desktop"))
	if err != nil {
		return Installed{}, false // it went meanwhile
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return Installed{}, false
	}
	groups, err := desktop.ParseGroups(data)
	if err != nil {
		return Installed{}, false // somebody else's
	}
	keys := groups["Desktop Entry"]
	i := Installed{Host: fusion.HostID(keys.String(keyHost)), Machine: keys.String(keyMachine), App: keys.String(keyApp), base: base}
	return i, i.Host != "" && i.App != "" && keys.String(keyHome) == m.Home
}

// Uninstall removes the entries that match and gives what they belonged to.
func (m Menu) Uninstall(ctx context.Context, match func(Installed) bool) ([]Installed, error) {
	writing.Lock()
	defer writing.Unlock()
	all, err := m.List()
	if err != nil {
		return nil, menuError("", err)
	}
	var gone []Installed
	for _, i := range all {
		if !match(i) {
			continue
		}
		if err := m.remove(i.base); err != nil {
			return gone, menuError(i.App, err)
		}
		gone = append(gone, i)
	}
	if len(gone) > 0 {
		m.refresh(ctx)
		m.sweep()
	}
	return gone, nil
}

func (m Menu) remove(base string) error {
	if err := os.Remove(filepath.Join(m.applications(), base+".desktop")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return m.removePictures(base)
}

func (m Menu) removePictures(base string) error {
	for _, path := range pictures(base) {
		if err := os.Remove(filepath.Join(m.theme(), path)); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return err
		}
	}
	return nil
}

// sweep removes what the desktop's tools made for entries that are gone, and
// the directories that are empty now.
func (m Menu) sweep() {
	if cache := filepath.Join(m.applications(), mimeCache); onlyFile(m.applications(), mimeCache) && emptyCache(cache) {
		_ = os.Remove(cache) // one that stays is harmless
	}
	for _, path := range pictures("x") {
		removeEmpty(filepath.Join(m.theme(), filepath.Dir(path)), m.Data)
	}
	removeEmpty(m.applications(), m.Data)
}

// emptyCache says whether a mimeinfo.cache names no entry.
func emptyCache(path string) bool {
	data, err := os.ReadFile(path)
	return err == nil && !bytes.Contains(data, []byte("="))
}

func onlyFile(dir, name string) bool {
	files, err := os.ReadDir(dir)
	return err == nil && len(files) == 1 && files[0].Name() == name
}

// removeEmpty removes dir and the directories above it, up to top, as far as
// they are empty.
func removeEmpty(dir, top string) {
	for dir != top && strings.HasPrefix(dir, top) {
		if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return // something is in it
		}
		dir = filepath.Dir(dir)
	}
}
