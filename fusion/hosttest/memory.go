package hosttest

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"

	"hither/fusion"
)

// Memory is a Host whose machines, screens, apps and folders exist in memory
// only. Its machines obey at once. It starts no goroutine.
type Memory struct {
	mu       sync.Mutex // guards the fields below
	info     fusion.HostInfo
	machines map[string]*memoryMachine
	images   map[string][]byte
	apps     map[string]fusion.App
	running  map[string]fusion.Screen // apps' screens by name
	launched int
	handed   map[string]*memoryHanded // files by ID
	folders  map[string]fusion.Folder
	networks map[string]fusion.Network
	cards    map[string]string // of machines, to their networks
	forwards []fusion.Forward
	tunnels  []fusion.Tunnel
	meshed   bool
	volumes  map[string]fusion.Volume
	paired   map[fusion.HostID]bool
	views    map[*memoryView]struct{}
	watchers map[*memoryWatcher]struct{}

	terminals map[*memoryTerminal]struct{}
	agents    map[string]map[string][]byte // files by machine and path
	resources fusion.Resources
	went      []fusion.Verb // power verbs
	measured  map[string][]fusion.MeterPoint
	always    bool                          // measured
	backups   map[string]*fusion.BackupList // by machine
	boot      memoryBoot
}

var _ fusion.Host = (*Memory)(nil)

// NewMemory makes a host with the machine "self", two apps, and no VMs.
func NewMemory(id fusion.HostID, name string) *Memory {
	m := &Memory{
		info: fusion.HostInfo{ID: id, Name: name, Online: true, Roles: []string{}, Local: true,
			OS: "Memory", Version: "test", Fingerprint: string(id), Grants: []string{"admin"},
			May: []string{"admin"}, Cards: []fusion.Card{{Name: "eth0", MAC: "52:54:00:00:00:01", Nets: []string{"192.0.2.1/24"}, Wake: "on"}}},
		resources: fusion.Resources{CPUs: 2, MemoryBytes: 4 << 30, FreeBytes: 3 << 30, PoolBytes: 100 << 30, Accelerator: "tcg", Firmwares: fusion.Firmwares, TPM: true},
		machines:  map[string]*memoryMachine{},
		images:    map[string][]byte{},
		apps:      map[string]fusion.App{},
		running:   map[string]fusion.Screen{},
		handed:    map[string]*memoryHanded{},
		folders:   map[string]fusion.Folder{},
		networks:  map[string]fusion.Network{},
		cards:     map[string]string{},
		volumes:   map[string]fusion.Volume{},
		paired:    map[fusion.HostID]bool{},
		views:     map[*memoryView]struct{}{},
		watchers:  map[*memoryWatcher]struct{}{},
		terminals: map[*memoryTerminal]struct{}{},
		agents:    map[string]map[string][]byte{},
		measured:  map[string][]fusion.MeterPoint{},
		backups:   map[string]*fusion.BackupList{},
	}
	m.machines[fusion.Self] = newMemorySelf()
	for _, app := range []fusion.App{
		{ID: "calculator", Name: "Calculator", Icon: "calculator", Categories: []string{"Utility"}},
		{ID: "terminal", Name: "Terminal", Icon: "terminal", Categories: []string{"System"}},
	} {
		app.Machine = fusion.Self
		m.apps[app.ID] = app
	}
	return m
}

// Pair makes another host known, so that folders can be shared with it.
func (m *Memory) Pair(other fusion.HostID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.paired[other] = true
}

// Info gives the host.
func (m *Memory) Info(ctx context.Context) (fusion.HostInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.info, ctx.Err()
}

// Machines and the rest give the parts of the host.
func (m *Memory) Machines() fusion.Machines   { return memoryMachines{m} }
func (m *Memory) Hardware() fusion.Hardware   { return memoryHardware{m} }
func (m *Memory) Copies() fusion.Copies       { return memoryCopies{m} }
func (m *Memory) Backups() fusion.Backups     { return memoryBackups{m: m} }
func (m *Memory) Images() fusion.Images       { return memoryImages{m} }
func (m *Memory) Terminals() fusion.Terminals { return memoryTerminals{m} }
func (m *Memory) Guests() fusion.Guests       { return memoryGuests{m} }
func (m *Memory) Networks() fusion.Networks   { return memoryNetworks{m} }
func (m *Memory) Forwards() fusion.Forwards   { return memoryForwards{m} }
func (m *Memory) Tunnels() fusion.Tunnels     { return memoryTunnels{m} }
func (m *Memory) Mesh() fusion.Mesh           { return memoryMesh{m} }
func (m *Memory) Storage() fusion.Storage     { return memoryStorage{m} }
func (m *Memory) Devices() fusion.Devices     { return memoryDevices{m} }
func (m *Memory) Screens() fusion.Screens     { return memoryScreens{m} }
func (m *Memory) Apps() fusion.Apps           { return memoryApps{m} }
func (m *Memory) Folders() fusion.Folders     { return memoryFolders{m} }
func (m *Memory) Jobs() fusion.Jobs           { return memoryJobs{} }
func (m *Memory) Meters() fusion.Meters       { return memoryMeters{m} }

// maxEvents wait for a slow watcher; then it is cut off.
const maxEvents = 1024

// memoryWatcher is one Watch of any kind.
type memoryWatcher struct {
	events chan fusion.Event // closed, under mu, when the watcher is too slow
}

// subscribe begins to collect events. The caller holds mu.
func (m *Memory) subscribe() *memoryWatcher {
	w := &memoryWatcher{events: make(chan fusion.Event, maxEvents)}
	m.watchers[w] = struct{}{}
	return w
}

func (m *Memory) unsubscribe(w *memoryWatcher) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.watchers, w)
}

// emit tells every watcher. The caller holds mu.
func (m *Memory) emit(e fusion.Event) {
	for w := range m.watchers {
		select {
		case w.events <- e:
		default:
			delete(m.watchers, w)
			close(w.events)
		}
	}
}

// next gives a watcher's next event.
func (w *memoryWatcher) next(ctx context.Context, op string) (fusion.Event, error) {
	select {
	case e, ok := <-w.events:
		if !ok {
			return fusion.Event{}, &fusion.Error{Op: op, Cause: fusion.ErrBusy,
				Detail: "the watcher is too slow", Hint: "watch anew"}
		}
		return e, nil
	case <-ctx.Done():
		return fusion.Event{}, ctx.Err()
	}
}

// Watch yields what is now, then changes.
func (m *Memory) Watch(ctx context.Context) iter.Seq2[fusion.Event, error] {
	return func(yield func(fusion.Event, error) bool) {
		m.mu.Lock()
		w := m.subscribe()
		now := m.present()
		m.mu.Unlock()
		defer m.unsubscribe(w)
		var seq uint64
		for _, e := range append(now, fusion.Event{Kind: fusion.EventReady}) {
			seq++
			e.Seq = seq
			if !yield(e, nil) {
				return
			}
		}
		for {
			e, err := w.next(ctx, "host.watch")
			if err != nil {
				yield(fusion.Event{}, err)
				return
			}
			seq++
			e.Seq = seq
			if !yield(e, nil) {
				return
			}
		}
	}
}

// each calls do with what is now, then with each change.
func (m *Memory) each(ctx context.Context, op string, do func(fusion.Event)) error {
	m.mu.Lock()
	w := m.subscribe()
	now := m.present()
	m.mu.Unlock()
	defer m.unsubscribe(w)
	for _, e := range now {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		do(e)
	}
	for {
		e, err := w.next(ctx, op)
		if err != nil {
			return err
		}
		do(e)
	}
}

// present gives an event for each thing that is now. The caller holds mu.
func (m *Memory) present() []fusion.Event {
	info := m.info
	events := []fusion.Event{{Kind: fusion.EventHost, Host: &info}}
	for _, machine := range m.listMachines() {
		events = append(events, fusion.Event{Kind: fusion.EventMachine, Machine: &machine})
	}
	for _, name := range slices.Sorted(maps.Keys(m.running)) {
		screen := m.running[name]
		events = append(events, fusion.Event{Kind: fusion.EventScreen, Screen: &screen})
	}
	for _, name := range slices.Sorted(maps.Keys(m.folders)) {
		folder := copyFolder(m.folders[name])
		events = append(events, fusion.Event{Kind: fusion.EventFolder, Folder: &folder})
	}
	return events
}
