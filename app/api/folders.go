package api

import (
	"context"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type folderService struct{ s *Server }

// folder names the hosts for the owner; another computer gets their IDs.
func (f folderService) folder(ctx context.Context, x fusion.Folder, host fusion.HostInfo) *pb.Folder {
	out := convert.FolderToPB(x)
	out.Host = host.Name
	if callerOf(ctx).Owner {
		out.Hosts = convert.All(x.Hosts, func(id string) string { return f.s.node.HostName(fusion.HostID(id)) })
	}
	return out
}

func (f folderService) one(ctx context.Context, host string,
	do func(fusion.Folders) (fusion.Folder, error)) (*connect.Response[pb.Folder], error) {
	h, info, err := f.s.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	x, err := do(h.Folders())
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(f.folder(ctx, x, info)), nil
}

func (f folderService) List(ctx context.Context, req *connect.Request[pb.FolderListRequest]) (*connect.Response[pb.FolderListResponse], error) {
	h, info, err := f.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	list, err := h.Folders().List(ctx)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.FolderListResponse{
		Folders: convert.All(list, func(x fusion.Folder) *pb.Folder { return f.folder(ctx, x, info) }),
	}), nil
}

func (f folderService) Get(ctx context.Context, req *connect.Request[pb.FolderGetRequest]) (*connect.Response[pb.Folder], error) {
	return f.one(ctx, req.Msg.Host, func(x fusion.Folders) (fusion.Folder, error) { return x.Get(ctx, req.Msg.Name) })
}

func (f folderService) Add(ctx context.Context, req *connect.Request[pb.FolderAddRequest]) (*connect.Response[pb.Folder], error) {
	return f.one(ctx, req.Msg.Host, func(x fusion.Folders) (fusion.Folder, error) {
		return x.Add(ctx, req.Msg.Name, req.Msg.Path)
	})
}

// Share resolves the other host's name here, so that an ID goes on.
func (f folderService) Share(ctx context.Context, req *connect.Request[pb.FolderShareRequest]) (*connect.Response[pb.FolderShareResponse], error) {
	h, info, err := f.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	_, with, err := f.s.node.Resolve(req.Msg.With)
	if err != nil {
		return nil, err
	}
	if req.Msg.With == "" || with.ID == info.ID {
		return nil, &fusion.Error{Op: "folder.share", Path: req.Msg.Name, Cause: fusion.ErrInvalid,
			Detail: "a folder is shared with another computer", Hint: "name a paired host; hither host ls lists them"}
	}
	if err := h.Folders().Share(ctx, req.Msg.Name, with.ID); err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.FolderShareResponse{}), nil
}

func (f folderService) Remove(ctx context.Context, req *connect.Request[pb.FolderRemoveRequest]) (*connect.Response[pb.FolderRemoveResponse], error) {
	h, _, err := f.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	if err := h.Folders().Remove(ctx, req.Msg.Name); err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.FolderRemoveResponse{}), nil
}
