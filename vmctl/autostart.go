package vmctl

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"hither/fusion"
	"hither/vmctl/computer"
	"hither/vmctl/imagepool"
)

// startedFile says for which start of the computer the machines were started by
// themselves: once for each, so that one which its owner has switched off stays off when
// only the node starts anew.
const startedFile = "autostart"

// autostart starts the machines that are to start by themselves, one after the other in
// their order. settling calls it once libvirt is there.
func (s *Store) autostart(ctx context.Context) {
	boot := computer.BootID()
	file := filepath.Join(s.config.Dir, startedFile)
	was, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) || string(was) == boot || boot == "" || !s.mayStart() {
		return
	}
	for _, name := range s.toStart() {
		if err := s.Do(ctx, name, fusion.Start); err != nil {
			s.config.Log.Warn("a machine did not start by itself", "machine", name, "error", err)
		}
		if !s.mayStart() {
			return // the next time goes on with those that are off
		}
	}
	if !s.mayStart() {
		return
	}
	if err := imagepool.WriteWhole(s.config.Dir, startedFile, []byte(boot)); err != nil {
		s.config.Log.Warn("the machines will start by themselves again with the next node", "error", err)
	}
}

// mayStart says whether machines are still to start by themselves.
func (s *Store) mayStart() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ctx.Err() == nil && s.conn != nil && !s.ending
}

// toStart names the machines that are to start and do not run, in their order.
func (s *Store) toStart() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*record
	for _, r := range s.records {
		if r.Labels.Autostart && !r.active && (r.state == fusion.Off || r.state == fusion.Saved) {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b *record) int { return cmp.Or(a.Labels.Order-b.Labels.Order, cmp.Compare(a.shown, b.shown)) })
	names := make([]string, len(all))
	for i, r := range all {
		names[i] = r.shown
	}
	return names
}

// forgetStarted lets the next node start them again.
func (s *Store) forgetStarted() {
	if err := os.Remove(filepath.Join(s.config.Dir, startedFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		s.config.Log.Warn("the machines will not start by themselves with the next node", "error", err)
	}
}
