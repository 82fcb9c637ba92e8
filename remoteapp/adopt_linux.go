package remoteapp

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"hither/remoteapp/process"
	"hither/remoteapp/x11"
)

// adopt takes over the displays of the last node and ends what is half dead.
func (s *Store) adopt(ctx context.Context) error {
	records, err := s.load()
	if err != nil {
		return err
	}
	for _, r := range records {
		srv := s.newServer(r.Instance, r.App)
		srv.record = r
		if err := s.adoptOne(ctx, srv); err != nil {
			s.cfg.Log.Info("app had ended", "instance", r.Instance, "err", err)
			if err := s.endLeftover(ctx, srv); err != nil {
				return err
			}
		}
	}
	return s.endStrays(ctx)
}

// load reads instances.json. A broken one is set aside: its displays have the
// mark and are ended as strays.
func (s *Store) load() ([]record, error) {
	data, err := os.ReadFile(s.statePath())
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var records []record
	if err := json.Unmarshal(data, &records); err != nil {
		s.cfg.Log.Warn("state of apps is broken; they are ended", "err", err)
		return nil, os.Rename(s.statePath(), s.statePath()+".broken")
	}
	return records, nil
}

func (s *Store) adoptOne(ctx context.Context, srv *server) error {
	if !srv.Server.Alive() || !srv.Manager.Alive() {
		return errors.New("its display is gone")
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var err error
	if srv.conn, err = x11.Dial(ctx, srv.display().Name, srv.display().Xauthority); err != nil {
		return err
	}
	if srv.App == "" {
		s.desktop = srv
		s.records[srv.Instance] = srv.record
		return nil
	}
	if err := srv.conn.Observe(srv.conn.Root); err != nil {
		return err
	}
	clients, err := srv.conn.Clients()
	if err != nil {
		return err
	}
	if !srv.Process.Alive() && len(clients) == 0 {
		return errEnded
	}
	i := newInstance(s, srv)
	s.records[srv.Instance] = srv.record
	if len(clients) > 0 {
		i.look()
	}
	return s.watchOver(i)
}

func (s *Store) endLeftover(ctx context.Context, srv *server) error {
	err := srv.end(ctx)
	s.forget(&instance{server: srv})
	return err
}

// endStrays ends processes with this Store's mark whose display was not
// adopted, and removes their directories: the last node died before it could
// write them down.
func (s *Store) endStrays(ctx context.Context) error {
	strays := func() []process.ID {
		return process.Marked(displayMark+s.cfg.Dir+"/", nil...)
	}
	keep := map[process.ID]bool{}
	for name := range s.records {
		for _, id := range process.Marked(displayMark + filepath.Join(s.cfg.Dir, name) + "/") {
			keep[id] = true
		}
	}
	err := process.End(ctx, 3*time.Second, func() (found []process.ID) {
		for _, id := range strays() {
			if !keep[id] {
				found = append(found, id)
			}
		}
		return found
	})
	return errors.Join(err, s.removeStale())
}

func (s *Store) removeStale() error {
	entries, err := os.ReadDir(s.cfg.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, kept := s.records[e.Name()]; kept || !e.IsDir() {
			continue
		}
		path := filepath.Join(s.cfg.Dir, e.Name())
		if _, err := os.Stat(filepath.Join(path, "Xauthority")); err != nil {
			continue // not one of ours
		}
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}
