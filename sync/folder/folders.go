package folder

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"hither/fusion"
)

// List gives the folders by name.
func (s *Store) List(ctx context.Context) ([]fusion.Folder, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.snapshot(), nil
}

// Get gives one folder.
func (s *Store) Get(ctx context.Context, name string) (fusion.Folder, error) {
	if err := ctx.Err(); err != nil {
		return fusion.Folder{}, err
	}
	f := s.ledger.Load().byName(name)
	if f == nil {
		return fusion.Folder{}, notFound("folder.get", name)
	}
	return s.show(*f), nil
}

// Add begins to keep the directory at path under name; see places.check for
// the paths that it refuses. It makes the directory, but not the one around it.
func (s *Store) Add(ctx context.Context, name, path string) (fusion.Folder, error) {
	if err := fusion.CheckName(name); err != nil {
		return fusion.Folder{}, err
	}
	err := s.change(ctx, func(l *ledger) error {
		if l.byName(name) != nil {
			return &fusion.Error{Op: "folder.add", Path: name, Cause: fusion.ErrExists,
				Hint: "choose another name, or remove the folder of this name first; its files stay"}
		}
		clean, err := s.places().check("folder.add", path, l.Folders)
		if err != nil {
			return err
		}
		if err := seeParent(clean); err != nil {
			return err
		}
		if err := makeDir(clean); err != nil {
			return err
		}
		l.Folders = append(l.Folders, kept{ID: newFolderID(), Name: name, Path: clean})
		return nil
	})
	if err != nil {
		return fusion.Folder{}, err
	}
	s.log.InfoContext(ctx, "keeps a folder", "name", name, "path", path, "trace", fusion.Trace(ctx))
	return s.Get(ctx, name)
}

// Share offers the folder. When the host is away the offer waits for it, and
// the folder's state says so. When the host refuses, nothing is shared, and
// the error has the host's own cause and hint.
func (s *Store) Share(ctx context.Context, name string, host fusion.HostID) error {
	if s.ledger.Load().byName(name) == nil {
		return notFound("folder.share", name)
	}
	if host == s.cfg.Self {
		return &fusion.Error{Op: "folder.share", Path: name, Cause: fusion.ErrInvalid,
			Detail: "this is the host that keeps it", Hint: "name another host"}
	}
	if _, _, ok := s.cfg.Paired(host); !ok {
		return &fusion.Error{Op: "folder.share", Path: name, Cause: fusion.ErrUnpaired,
			Detail: string(host), Hint: "pair with it first: `hither pair`"}
	}
	var folder kept
	err := s.change(ctx, func(l *ledger) error {
		f := l.byName(name)
		if f == nil {
			return notFound("folder.share", name)
		}
		f.share(host).Offered = true
		folder = *f
		return nil
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	delete(s.refused, refusal{folder.ID, host})
	s.mu.Unlock()
	p := s.online(host)
	if p == nil {
		return nil
	}
	defer p.wake()
	err = s.offer(ctx, folder, host)
	switch {
	case err == nil:
		s.log.InfoContext(ctx, "shares a folder", "name", name, "host", s.nameOf(host), "trace", fusion.Trace(ctx))
		return nil
	case errors.As(err, new(refusedError)):
		if back := s.withdraw(folder.ID, host); back != nil {
			return back
		}
		return errors.Unwrap(err)
	case ctx.Err() != nil:
		return ctx.Err()
	}
	s.log.DebugContext(ctx, "an offer waits", "name", name, "host", s.nameOf(host), "error", err, "trace", fusion.Trace(ctx))
	return nil // the courier tries again
}

// withdraw takes back an offer that was refused.
func (s *Store) withdraw(folder string, host fusion.HostID) error {
	s.mu.Lock()
	delete(s.refused, refusal{folder, host})
	s.mu.Unlock()
	return s.change(s.ctx, func(l *ledger) error {
		if f := l.byID(folder); f != nil && !f.share(host).Accepted {
			f.unshare(host)
		}
		return nil
	})
}

// Remove stops keeping the folder, here alone: the other hosts keep theirs.
func (s *Store) Remove(ctx context.Context, name string) error {
	var gone kept
	err := s.change(ctx, func(l *ledger) error {
		f := l.byName(name)
		if f == nil {
			return notFound("folder.remove", name)
		}
		gone = *f
		l.remove(f.ID)
		return nil
	})
	if err != nil {
		return err
	}
	s.log.InfoContext(ctx, "no longer keeps a folder", "name", gone.Name, "trace", fusion.Trace(ctx))
	s.leave(gone)
	return nil
}

// Watch calls changed with each folder there is, then with each that changed or
// is gone. When several changes come before changed returns, the last is told.
func (s *Store) Watch(ctx context.Context, changed func(f fusion.Folder, removed bool)) error {
	return s.hub.watch(ctx, s.ctx, changed)
}

// seeParent refuses a path that would need more than its last directory made:
// it is mistyped, or its disk is not there.
func seeParent(path string) error {
	parent := filepath.Dir(path)
	_, err := os.Stat(parent)
	if errors.Is(err, os.ErrNotExist) {
		return &fusion.Error{Op: "folder.add", Path: path, Cause: fusion.ErrNotFound,
			Detail: "there is no directory " + parent, Hint: "see the spelling, mount the disk, or make that directory first"}
	}
	if err != nil {
		return wrap("folder.add", path, err)
	}
	return nil
}

// makeDir makes a folder's directory, and sees that this user may write there.
func makeDir(path string) error {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return wrap("folder.add", path, err)
	}
	probe, err := os.CreateTemp(path, ".hither-*")
	if err != nil {
		return wrap("folder.add", path, err)
	}
	if err := probe.Close(); err != nil {
		return wrap("folder.add", path, err)
	}
	return os.Remove(probe.Name())
}
