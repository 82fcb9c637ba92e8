package vmctl

import (
	"path/filepath"
	"slices"

	"hither/fusion"
)

// fakeStorage are the pools of a fake; its mu guards them.
type fakeStorage struct {
	pools   []pool
	volumes map[string][]volume // by pool UUID
	grown   map[string]int64    // running disks, by domain and target
}

func (f *fake) pools() ([]pool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.stored.pools), f.refuse["pools"]
}

func (f *fake) volumes(uuid string) ([]volume, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.stored.volumes[uuid]), f.refuse["volumes"]
}

func (f *fake) createVolume(uuid, text string) error {
	if err := f.refusal("createVolume"); err != nil {
		return err
	}
	v, err := parseVolume(text)
	if err != nil {
		return &driverError{fusion.ErrInvalid, err.Error()}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.stored.pools, func(p pool) bool { return p.uuid == uuid })
	v.path = filepath.Join(f.stored.pools[i].path, v.name)
	f.stored.volumes[uuid] = append(f.stored.volumes[uuid], v)
	return nil
}

func (f *fake) growVolume(uuid, name string, bytes int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, v := range f.stored.volumes[uuid] {
		if v.name == name {
			f.stored.volumes[uuid][i].capacity = bytes
		}
	}
	return nil
}

func (f *fake) removeVolume(uuid, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stored.volumes[uuid] = slices.DeleteFunc(f.stored.volumes[uuid], func(v volume) bool { return v.name == name })
	return nil
}

func (f *fake) forgetDefinitions() {}

func (f *fake) resize(uuid, target string, bytes int64) error {
	if err := f.refusal("resize"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stored.grown == nil {
		f.stored.grown = map[string]int64{}
	}
	f.stored.grown[uuid+" "+target] = bytes
	return nil
}
