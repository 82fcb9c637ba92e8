package client

import (
	"context"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type folders host

var _ fusion.Folders = (*folders)(nil)

func (f *folders) path(name string) string { return (*host)(f).path(name) }

func (f *folders) List(ctx context.Context) ([]fusion.Folder, error) {
	res, err := call(ctx, f.label, f.c.folders.List, &pb.FolderListRequest{Host: f.name})
	if err != nil {
		return nil, err
	}
	return convert.All(res.Folders, convert.FolderFromPB), nil
}

func (f *folders) Get(ctx context.Context, name string) (fusion.Folder, error) {
	return f.one(call(ctx, f.path(name), f.c.folders.Get, &pb.FolderGetRequest{Host: f.name, Name: name}))
}

func (f *folders) Add(ctx context.Context, name, path string) (fusion.Folder, error) {
	return f.one(call(ctx, f.path(name), f.c.folders.Add, &pb.FolderAddRequest{Host: f.name, Name: name, Path: path}))
}

func (f *folders) one(folder *pb.Folder, err error) (fusion.Folder, error) {
	if err != nil {
		return fusion.Folder{}, err
	}
	return convert.FolderFromPB(folder), nil
}

func (f *folders) Share(ctx context.Context, name string, with fusion.HostID) error {
	_, err := call(ctx, f.path(name), f.c.folders.Share,
		&pb.FolderShareRequest{Host: f.name, Name: name, With: string(with)})
	return err
}

func (f *folders) Remove(ctx context.Context, name string) error {
	_, err := call(ctx, f.path(name), f.c.folders.Remove, &pb.FolderRemoveRequest{Host: f.name, Name: name})
	return err
}

// Watch gives the folder events of the host's one watch stream.
func (f *folders) Watch(ctx context.Context, changed func(fusion.Folder, bool)) error {
	return each(ctx, (*host)(f), func(e fusion.Event) {
		if e.Folder != nil {
			changed(*e.Folder, e.Removed)
		}
	})
}
