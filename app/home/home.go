// Package home says where a node keeps its things: under one directory that
// --home or HITHER_HOME names, else in the owner's XDG directories. The node
// and every client of it find each other by it. docs/disk.md lists the files.
package home

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hither/fusion"
)

// Home is where one node keeps its things. Directories exist after Make.
type Home struct {
	// Dir holds the state, and is what names the node to its clients.
	Dir string
	// Folders is where folders that other hosts share land.
	Folders string
	// Run holds sockets and locks; its path is short enough for them.
	Run string
	// Explicit is true when --home or HITHER_HOME named Dir.
	Explicit bool
}

// maxRun keeps Run/NAME under the 108 bytes of a unix socket's path.
const maxRun = 60

// Find gives the home that dir, else HITHER_HOME, else the XDG directories
// name. It makes nothing.
func Find(dir string) (Home, error) {
	if dir == "" {
		dir = os.Getenv("HITHER_HOME")
	}
	if dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return Home{}, fmt.Errorf("home %s: %w", dir, err)
		}
		h := Home{Dir: abs, Folders: filepath.Join(abs, "folders"), Explicit: true}
		return h.withRun()
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return Home{}, &fusion.Error{Op: "home", Cause: fusion.ErrInvalid, Detail: "there is no home directory",
			Hint: "set HOME, or name a directory with --home"}
	}
	data := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(data) {
		data = filepath.Join(user, ".local", "share")
	}
	h := Home{Dir: filepath.Join(data, "hither"), Folders: filepath.Join(user, "Hither")}
	return h.withRun()
}

// Pasted is where files of other computers are that were pasted here.
func (h Home) Pasted() string { return h.Sub("pasted") }

// Downloads is where files appear that are dropped onto a screen of this
// computer: the owner's directory for downloads (xdg-user-dirs), or one in a home
// that was named.
func (h Home) Downloads() (string, error) {
	if h.Explicit {
		return h.Sub("downloads"), nil
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	config := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(config) {
		config = filepath.Join(user, ".config")
	}
	dirs, err := os.ReadFile(filepath.Join(config, "user-dirs.dirs"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("downloads: %w", err)
	}
	if dir := userDir(string(dirs), "XDG_DOWNLOAD_DIR", user); dir != "" {
		return dir, nil
	}
	return filepath.Join(user, "Downloads"), nil
}

// userDir finds a directory in user-dirs.dirs, whose lines are NAME="$HOME/rest"
// or NAME="/absolute"; the home itself means that there is none.
func userDir(dirs, name, user string) string {
	for line := range strings.Lines(dirs) {
		value, is := strings.CutPrefix(strings.TrimSpace(line), name+"=")
		if !is {
			continue
		}
		value = strings.Trim(value, `"`)
		if rest, below := strings.CutPrefix(value, "$HOME/"); below {
			value = filepath.Join(user, rest)
		}
		if value = filepath.Clean(value); filepath.IsAbs(value) && value != filepath.Clean(user) {
			return value
		}
	}
	return ""
}

// withRun reads the run directory that the node chose, or chooses one.
func (h Home) withRun() (Home, error) {
	chosen, err := os.ReadFile(filepath.Join(h.Dir, "run"))
	if err == nil {
		h.Run = strings.TrimSpace(string(chosen))
	} else if !errors.Is(err, fs.ErrNotExist) {
		return Home{}, fmt.Errorf("home: %w", err)
	}
	if filepath.IsAbs(h.Run) && len(h.Run) <= maxRun {
		return h, nil
	}
	sum := sha256.Sum256([]byte(h.Dir))
	h.Run = filepath.Join(runBase(), hex.EncodeToString(sum[:4]))
	return h, nil
}

// runBase is the owner's runtime directory, else one under /tmp.
func runBase() string {
	if base := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(base) && len(base) <= maxRun-24 {
		if info, err := os.Stat(base); err == nil && info.IsDir() && writable(base) {
			return filepath.Join(base, "hither")
		}
	}
	return filepath.Join("/tmp", fmt.Sprintf("hither-%d", os.Getuid()))
}

// Make makes the directories, for the owner alone, and keeps the choice of Run.
func (h Home) Make() error {
	for _, dir := range []string{h.Dir, filepath.Dir(h.Run), h.Run} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("home: %w", err)
		}
	}
	for _, dir := range []string{filepath.Dir(h.Run), h.Run} {
		if err := private(dir); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(h.Dir, "run"), []byte(h.Run+"\n"), 0o600)
}

// Socket is the API's unix socket.
func (h Home) Socket() string { return filepath.Join(h.Run, "api.sock") }

// Sub gives a path under Dir.
func (h Home) Sub(name string) string { return filepath.Join(h.Dir, name) }
