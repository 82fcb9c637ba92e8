package hosttest

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hither/fusion"
)

func (s *suite) testFolders(t *testing.T) {
	ctx, folders := s.ctx(t), s.host.Folders()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	add := func(name string) fusion.Folder {
		t.Helper()
		f, err := folders.Add(s.ctx(t), name, at(name))
		must(t, "add", err)
		t.Cleanup(func() {
			_ = folders.Remove(context.WithoutCancel(t.Context()), name) // the test may have
		})
		return f
	}
	for _, name := range badNames {
		_, err := folders.Add(ctx, name, at("bad"))
		refused(t, "name "+name, err, fusion.ErrInvalid)
	}
	name := fresh("folder")
	_, err := folders.Add(ctx, name, "relative/path")
	refused(t, "relative path", err, fusion.ErrInvalid)
	_, err = folders.Get(ctx, name)
	refused(t, "get", err, fusion.ErrNotFound)
	refused(t, "remove", folders.Remove(ctx, name), fusion.ErrNotFound)
	stranger := s.other
	if stranger == "" {
		stranger = "nobody"
	}
	refused(t, "share of nothing", folders.Share(ctx, name, stranger), fusion.ErrNotFound)

	f := add(name)
	if f.Name != name || f.Path != at(name) || len(f.Hosts) != 0 {
		t.Errorf("added %+v", f)
	}
	s.eventually(t, "idle", func() bool {
		f, err := folders.Get(ctx, name)
		must(t, "get", err)
		return f.State == "idle" && f.NeedBytes == 0
	})
	list, err := folders.List(ctx)
	must(t, "list", err)
	if !slices.ContainsFunc(list, func(x fusion.Folder) bool { return x.Name == name }) ||
		!slices.IsSortedFunc(list, func(a, b fusion.Folder) int { return strings.Compare(a.Name, b.Name) }) {
		t.Errorf("list %+v", list)
	}
	_, err = folders.Add(ctx, name, at("another"))
	refused(t, "the name again", err, fusion.ErrExists)
	_, err = folders.Add(ctx, fresh("folder"), at(name))
	refused(t, "the path again", err, fusion.ErrExists, fusion.ErrInvalid)
	refused(t, "share with a stranger", folders.Share(ctx, name, "12D3KooWStranger"), fusion.ErrUnpaired, fusion.ErrNotFound)
	if s.other != "" {
		must(t, "share", folders.Share(ctx, name, s.other))
		s.eventually(t, "the other host", func() bool {
			f, err := folders.Get(ctx, name)
			must(t, "get", err)
			return slices.Contains(f.Hosts, string(s.other))
		})
	}
	must(t, "remove", folders.Remove(ctx, name))
	_, err = folders.Get(ctx, name)
	refused(t, "get after remove", err, fusion.ErrNotFound)
	s.watchFolders(t, add)
}

// watchFolders: what is now is told, then what changes.
func (s *suite) watchFolders(t *testing.T, add func(string) fusion.Folder) {
	folders, old, name := s.host.Folders(), fresh("folder"), fresh("folder")
	add(old)
	told := listen(s, t, func(f fusion.Folder) string { return f.Name }, folders.Watch)
	s.eventually(t, "word of a folder there was", told.is(old, whatever))
	add(name)
	s.eventually(t, "word of a new folder", told.is(name, whatever))
	must(t, "remove", folders.Remove(s.ctx(t), name))
	s.eventually(t, "word of a removed folder", told.isGone(name))
	told.cancel()
	s.ends(t, "watch", told.ended)
}
