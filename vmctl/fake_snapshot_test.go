package vmctl

import (
	"slices"
	"time"

	"hither/fusion"
	"hither/vmctl/domxml"
)

func (f *fake) snapshots(uuid string) ([]fusion.Snapshot, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.kept[uuid]), f.refuse["snapshots"]
}

func (f *fake) takeSnapshot(uuid, text string) (fusion.Snapshot, error) {
	if f.acting != nil {
		f.acting <- "take"
		<-f.goOn
	}
	if err := f.refusal("take"); err != nil {
		return fusion.Snapshot{}, err
	}
	s, err := domxml.ParseSnapshot(text)
	if err != nil {
		return s, &driverError{fusion.ErrInvalid, err.Error()}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s.State, s.Created = f.all[uuid].state, time.Now()
	s.Memory = f.all[uuid].active
	for i := range f.kept[uuid] {
		if f.kept[uuid][i].Current {
			s.Parent = f.kept[uuid][i].Name
		}
	}
	f.kept[uuid] = append(f.kept[uuid], s)
	f.goOnFromLocked(uuid, s.Name)
	s.Current = true
	return s, nil
}

func (f *fake) goOnFromLocked(uuid, name string) {
	for i := range f.kept[uuid] {
		f.kept[uuid][i].Current = f.kept[uuid][i].Name == name
	}
}

// keptLocked finds a snapshot.
func (f *fake) keptLocked(uuid, name string) (int, error) {
	i := slices.IndexFunc(f.kept[uuid], func(s fusion.Snapshot) bool { return s.Name == name })
	if i < 0 {
		return i, &driverError{fusion.ErrNotFound, "no domain snapshot with matching name"}
	}
	return i, nil
}

func (f *fake) revertSnapshot(uuid, name string) error {
	if err := f.refusal("revert"); err != nil {
		return err
	}
	f.mu.Lock()
	i, err := f.keptLocked(uuid, name)
	if err != nil {
		f.mu.Unlock()
		return err
	}
	d := f.all[uuid]
	d.state, d.active = f.kept[uuid][i].State, f.kept[uuid][i].Memory
	f.goOnFromLocked(uuid, name)
	f.mu.Unlock()
	f.put(d)
	return nil
}

func (f *fake) removeSnapshot(uuid, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	i, err := f.keptLocked(uuid, name)
	if err != nil {
		return err
	}
	gone := f.kept[uuid][i]
	f.kept[uuid] = slices.Delete(f.kept[uuid], i, i+1)
	for i := range f.kept[uuid] {
		if f.kept[uuid][i].Parent == gone.Name {
			f.kept[uuid][i].Parent = gone.Parent
		}
	}
	return nil
}
