package folder

import (
	"strings"

	"github.com/syncthing/syncthing/lib/db"
	"github.com/syncthing/syncthing/lib/model"
	"github.com/syncthing/syncthing/lib/protocol"
)

// progress is what the engine knows of one folder now.
type progress struct {
	state     string // stateIdle, stateScanning or stateSyncing
	err       error  // the folder as a whole cannot be kept
	scanned   bool   // what lies in the directory is known
	failed    []model.FileError
	unwatched error     // changes in the directory are only seen by the hourly scan
	global    db.Counts // the newest version of everything that any host told of
	need      db.Counts // of it, what is not here
	needBytes int64     // of it, without what is fetched already
	lists     map[protocol.DeviceID]int64
	lacks     map[protocol.DeviceID]int
}

// behind gives how many items a device has not told to have.
func (p progress) behind(d protocol.DeviceID) int { return p.lacks[d] }

// progress asks the index, that is what this host itself has written; counts
// are kept there, so it costs no walk.
func (e *engine) progress(id string) (progress, error) {
	if err := e.failed(); err != nil {
		return progress{}, err
	}
	p := progress{lists: map[protocol.DeviceID]int64{}, lacks: map[protocol.DeviceID]int{}}
	state, _, err := e.model.State(id)
	if err != nil && state == "" {
		return progress{}, err
	}
	p.err = err
	p.state = plainState(state)
	p.scanned = e.wasScanned(id)
	snap, err := e.model.DBSnapshot(id)
	if err != nil {
		return progress{}, err
	}
	defer snap.Release()
	p.global = snap.GlobalSize()
	p.need = snap.NeedSize(protocol.LocalDeviceID)
	p.needBytes = max(0, p.need.Bytes-e.model.FolderProgressBytesCompleted(id))
	if p.needBytes == 0 && p.need.Bytes > 0 {
		p.needBytes = 1 // fetched, but not in its place yet
	}
	if f, ok := e.settings.Folder(id); ok {
		for _, d := range f.DeviceIDs() {
			p.lists[d] = snap.Sequence(d)
			need := snap.NeedSize(d)
			p.lacks[d] = need.TotalItems()
		}
	}
	if failed, err := e.model.FolderErrors(id); err == nil {
		p.failed = failed
	}
	p.unwatched = e.model.WatchError(id)
	return p, nil
}

func plainState(state string) string {
	switch {
	case strings.HasPrefix(state, "scan"):
		return stateScanning
	case strings.HasPrefix(state, "sync"), strings.HasPrefix(state, "clean"):
		return stateSyncing
	}
	return stateIdle
}

// wasScanned says whether the folder's first scan since it was started is done.
// Before it, an empty index means nothing.
func (e *engine) wasScanned(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.scanned[id] {
		return true
	}
	all, err := e.model.FolderStatistics()
	if err != nil {
		return false
	}
	begin, known := e.since[id]
	e.scanned[id] = known && !all[id].LastScan.Before(begin)
	return e.scanned[id]
}
