package folder

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hither/fusion"
)

const ledgerFile = "folders.json"

// ledger is what the store keeps across restarts. One is never changed once it
// is in force: clone it.
type ledger struct {
	Version int `json:"version"`
	// Devices are the Syncthing device IDs that hosts brought on their streams.
	Devices map[fusion.HostID]string `json:"devices"`
	Folders []kept                   `json:"folders"`
}

// kept is one folder. ID is the same on every host that keeps it; Name is what
// this host calls it.
type kept struct {
	ID     string  `json:"id"`
	Name   string  `json:"name"`
	Path   string  `json:"path"`
	Shares []share `json:"shares,omitempty"`
}

// share is one other host of a folder.
type share struct {
	Host fusion.HostID `json:"host"`
	// Offered: this host offered the folder, which is its consent.
	Offered bool `json:"offered,omitempty"`
	// Accepted: both sides keep the folder.
	Accepted bool `json:"accepted,omitempty"`
}

func newFolderID() string { return rand.Text() }

// loadLedger reads dir's ledger; a missing one is empty.
func loadLedger(dir string) (*ledger, error) {
	l := &ledger{Version: 1, Devices: map[fusion.HostID]string{}}
	path := filepath.Join(dir, ledgerFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, l); err != nil {
		return nil, &fusion.Error{Op: "folder.open", Path: path, Cause: fusion.ErrInvalid, Detail: err.Error(),
			Hint: "move the file away; the folders' files stay, add and share them again"}
	}
	if l.Version != 1 {
		return nil, &fusion.Error{Op: "folder.open", Path: path, Cause: fusion.ErrUnsupported,
			Detail: fmt.Sprintf("version %d", l.Version), Hint: "update Hither on this computer"}
	}
	if l.Devices == nil {
		l.Devices = map[fusion.HostID]string{}
	}
	return l, nil
}

// save replaces the file in one step: after a crash it is the old or the new.
func (l *ledger) save(dir string) error {
	data, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, ledgerFile+".*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // gone already when all went well
	_, err = temp.Write(append(data, '\n'))
	if err == nil {
		err = temp.Sync()
	}
	if e := temp.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(temp.Name(), filepath.Join(dir, ledgerFile))
}

func (l *ledger) clone() *ledger {
	c := &ledger{Version: l.Version, Devices: map[fusion.HostID]string{}}
	for host, device := range l.Devices {
		c.Devices[host] = device
	}
	for _, f := range l.Folders {
		f.Shares = slices.Clone(f.Shares)
		c.Folders = append(c.Folders, f)
	}
	return c
}

// byName and byID give a pointer into l, or nil.
func (l *ledger) byName(name string) *kept {
	return l.find(func(f *kept) bool { return strings.EqualFold(f.Name, name) })
}

func (l *ledger) byID(id string) *kept {
	return l.find(func(f *kept) bool { return f.ID == id })
}

func (l *ledger) find(is func(*kept) bool) *kept {
	for i := range l.Folders {
		if is(&l.Folders[i]) {
			return &l.Folders[i]
		}
	}
	return nil
}

func (l *ledger) remove(id string) {
	l.Folders = slices.DeleteFunc(l.Folders, func(f kept) bool { return f.ID == id })
}

// share gives f's share with host, made if missing.
func (f *kept) share(host fusion.HostID) *share {
	for i := range f.Shares {
		if f.Shares[i].Host == host {
			return &f.Shares[i]
		}
	}
	f.Shares = append(f.Shares, share{Host: host})
	return &f.Shares[len(f.Shares)-1]
}

func (f *kept) unshare(host fusion.HostID) {
	f.Shares = slices.DeleteFunc(f.Shares, func(s share) bool { return s.Host == host })
}

// bind remembers the device that host brought. It refuses the device of
// another host.
func (l *ledger) bind(host fusion.HostID, device string) error {
	for other, known := range l.Devices {
		if known == device && other != host {
			return &fusion.Error{Op: "folder.device", Path: string(host), Cause: fusion.ErrInvalid,
				Detail: "another host has this Syncthing device ID",
				Hint:   "do not copy a node's home to a second computer"}
		}
	}
	l.Devices[host] = device
	return nil
}
