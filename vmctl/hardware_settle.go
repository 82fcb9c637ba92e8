package vmctl

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// settleDisk ends what was left half done with a disk of a machine that stays: a file
// that the machine's next start has is its own; one that only what runs now has is let go
// when that ends (errHeld); one that nothing has goes.
func (s *Store) settleDisk(ctx context.Context, i intent) error {
	release, ok := s.claims.Share("machine", i.Name) // a start may go on: it has no such disk
	if !ok {
		return errors.New("somebody works at it")
	}
	defer release()
	now, next, err := s.made(ctx, i.Op, i.Name, i.UUID)
	if errors.Is(err, fusion.ErrNotFound) {
		s.removeDisks(i.Files)
		return nil
	}
	if err != nil {
		return err
	}
	for _, file := range i.Files {
		path := filepath.Join(s.config.pool(), file)
		has := func(definition *domxml.Element) bool {
			return slices.ContainsFunc(definition.One("devices").All("disk"), func(d *domxml.Element) bool { return domxml.SourceOf(d) == path })
		}
		switch {
		case has(next):
			continue
		case has(now):
			return errHeld
		}
		if err := s.disown(ctx, i.UUID, file); err != nil {
			return err
		}
		s.config.Log.Info("undone what was half done", "operation", i.Op, "machine", i.Name, "disk", file)
		s.removeDisks([]string{file})
	}
	return nil
}
