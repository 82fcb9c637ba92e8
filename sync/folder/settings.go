package folder

import (
	"maps"
	"slices"

	"github.com/syncthing/syncthing/lib/config"
	"github.com/syncthing/syncthing/lib/protocol"
)

// settings is what the ledger asks of the engine.
type settings struct {
	self    protocol.DeviceID
	devices map[protocol.DeviceID]string // to the names of their hosts
	folders []folderSettings
}

type folderSettings struct {
	id, name, path string
	devices        []protocol.DeviceID
}

// settings leaves out every share through which no files may flow now.
func (s *Store) settings(l *ledger) settings {
	want := settings{self: s.device(), devices: map[protocol.DeviceID]string{}}
	for _, f := range l.Folders {
		fs := folderSettings{id: f.ID, name: f.Name, path: f.Path}
		for _, sh := range f.Shares {
			device, err := protocol.DeviceIDFromString(l.Devices[sh.Host])
			if err != nil || device == protocol.EmptyDeviceID || !s.allowed(sh) {
				continue
			}
			want.devices[device] = s.nameOf(sh.Host)
			fs.devices = append(fs.devices, device)
		}
		want.folders = append(want.folders, fs)
	}
	return want
}

// device is this host's own device ID.
func (s *Store) device() protocol.DeviceID { return protocol.NewDeviceID(s.cert.Certificate[0]) }

// baseConfiguration is this host alone, with everything off that would reach
// beyond the streams of the node.
func baseConfiguration(self protocol.DeviceID, name string) config.Configuration {
	c := config.New(self)
	for i := range c.Devices {
		c.Devices[i].Name = name
	}
	c.GUI.Enabled = false
	o := &c.Options
	o.RawListenAddresses = []string{}
	o.GlobalAnnEnabled, o.LocalAnnEnabled, o.RelaysEnabled, o.NATEnabled = false, false, false, false
	o.URAccepted, o.CREnabled, o.AutoUpgradeIntervalH = -1, false, 0
	o.StartBrowser, o.SetLowPriority = false, false
	o.MinHomeDiskFree = config.Size{} // it looks at a home that is not ours
	o.ProgressUpdateIntervalS = 1
	return c
}

// write makes c's devices and folders those wanted. What stays keeps its other
// values, so that the model sees no change where there is none.
func (w settings) write(c *config.Configuration) {
	devices := make([]config.DeviceConfiguration, 0, len(w.devices)+1)
	if d, _, ok := c.Device(w.self); ok {
		devices = append(devices, d)
	}
	for _, id := range slices.SortedFunc(maps.Keys(w.devices), protocol.DeviceID.Compare) {
		d, _, ok := c.Device(id)
		if !ok {
			d = c.Defaults.Device.Copy()
			d.DeviceID = id
		}
		d.Name = w.devices[id]
		devices = append(devices, d)
	}
	folders := make([]config.FolderConfiguration, 0, len(w.folders))
	for _, want := range w.folders {
		f, _, ok := c.Folder(want.id)
		if !ok {
			f = newFolder(c, want)
		}
		f.Label = want.name
		f.Devices = []config.FolderDeviceConfiguration{{DeviceID: w.self}}
		for _, id := range want.devices {
			f.Devices = append(f.Devices, config.FolderDeviceConfiguration{DeviceID: id})
		}
		slices.SortFunc(f.Devices, func(a, b config.FolderDeviceConfiguration) int {
			return a.DeviceID.Compare(b.DeviceID)
		})
		folders = append(folders, f)
	}
	c.Devices, c.Folders = devices, folders
}

func newFolder(c *config.Configuration, want folderSettings) config.FolderConfiguration {
	f := c.Defaults.Folder.Copy()
	f.ID, f.Path = want.id, want.path
	f.Type = config.FolderTypeSendReceive
	f.FSWatcherEnabled, f.FSWatcherDelayS = true, 1
	f.MaxConflicts = -1 // every version is kept
	f.RescanIntervalS = 3600
	f.ScanProgressIntervalS = 1
	f.PullerPauseS = 5 // first retry of what could not be written
	return f
}
