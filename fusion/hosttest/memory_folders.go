package hosttest

import (
	"context"
	"maps"
	"path/filepath"
	"slices"

	"hither/fusion"
)

type memoryFolders struct{ m *Memory }

func copyFolder(f fusion.Folder) fusion.Folder {
	f.Hosts = slices.Clone(f.Hosts)
	return f
}

func (p memoryFolders) find(op, name string) (fusion.Folder, error) {
	if f, ok := p.m.folders[name]; ok {
		return copyFolder(f), nil
	}
	return fusion.Folder{}, &fusion.Error{Op: op, Path: name, Cause: fusion.ErrNotFound,
		Hint: "`hither folder ls` shows the folders"}
}

func (p memoryFolders) List(ctx context.Context) ([]fusion.Folder, error) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	list := []fusion.Folder{}
	for _, name := range slices.Sorted(maps.Keys(p.m.folders)) {
		list = append(list, copyFolder(p.m.folders[name]))
	}
	return list, ctx.Err()
}

func (p memoryFolders) Get(ctx context.Context, name string) (fusion.Folder, error) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	f, err := p.find("folder.get", name)
	if err != nil {
		return f, err
	}
	return f, ctx.Err()
}

func (p memoryFolders) Add(ctx context.Context, name, path string) (fusion.Folder, error) {
	if err := ctx.Err(); err != nil {
		return fusion.Folder{}, err
	}
	if err := fusion.CheckName(name); err != nil {
		return fusion.Folder{}, err
	}
	if !filepath.IsAbs(path) {
		return fusion.Folder{}, &fusion.Error{Op: "folder.add", Path: path, Cause: fusion.ErrInvalid,
			Detail: "not an absolute path", Hint: "give the whole path"}
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	for _, f := range p.m.folders {
		if f.Name == name || f.Path == filepath.Clean(path) {
			return fusion.Folder{}, &fusion.Error{Op: "folder.add", Path: name, Cause: fusion.ErrExists,
				Hint: "remove folder " + f.Name + " first; its files stay"}
		}
	}
	f := fusion.Folder{Name: name, Path: filepath.Clean(path), State: "idle", Hosts: []string{}}
	p.put(f)
	return copyFolder(f), nil
}

func (p memoryFolders) put(f fusion.Folder) {
	p.m.folders[f.Name] = f
	told := copyFolder(f)
	p.m.emit(fusion.Event{Kind: fusion.EventFolder, Folder: &told})
}

func (p memoryFolders) Share(ctx context.Context, name string, host fusion.HostID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	f, err := p.find("folder.share", name)
	if err != nil {
		return err
	}
	if !p.m.paired[host] {
		return &fusion.Error{Op: "folder.share", Path: name, Cause: fusion.ErrUnpaired, Detail: string(host),
			Hint: "pair with it first"}
	}
	if !slices.Contains(f.Hosts, string(host)) {
		f.Hosts = append(f.Hosts, string(host))
		p.put(f)
	}
	return nil
}

func (p memoryFolders) Remove(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if _, err := p.find("folder.remove", name); err != nil {
		return err
	}
	delete(p.m.folders, name)
	p.m.emit(fusion.Event{Kind: fusion.EventFolder, Removed: true, Folder: &fusion.Folder{Name: name}})
	return nil
}

func (p memoryFolders) Watch(ctx context.Context, changed func(fusion.Folder, bool)) error {
	return p.m.each(ctx, "folder.watch", func(e fusion.Event) {
		if e.Folder != nil {
			changed(*e.Folder, e.Removed)
		}
	})
}
