package api

import (
	"context"
	"slices"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type folderService struct{ s *Server }

// folder gives a folder as its caller may see it, or false when the caller may
// not know of it: the owner gets the names of hosts, a computer with admin
// their IDs, and another computer only what is shared with it, without the
// path and without the other hosts.
func (s *Server) folder(ctx context.Context, x fusion.Folder, host string) (*pb.Folder, bool) {
	out := convert.FolderToPB(x)
	out.Host = host
	caller := callerOf(ctx)
	switch {
	case caller.Owner:
		out.Hosts = convert.All(x.Hosts, func(id string) string { return s.node.HostName(fusion.HostID(id)) })
	case s.may(ctx, fusion.AdminCap):
	case s.mayOn(ctx, fusion.FilesCap, x.Name) && slices.Contains(x.Hosts, string(caller.Peer)):
		out.Path, out.Hosts = "", []string{string(caller.Peer)}
	default:
		return nil, false
	}
	return out, true
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
	out, ok := f.s.folder(ctx, x, info.Name)
	if !ok {
		return nil, &fusion.Error{Op: "folder.get", Path: x.Name, Cause: fusion.ErrNotFound,
			Hint: "only folders that are shared with this computer can be seen from it"}
	}
	return connect.NewResponse(out), nil
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
	res := &pb.FolderListResponse{}
	for _, x := range list {
		if out, ok := f.s.folder(ctx, x, info.Name); ok {
			res.Folders = append(res.Folders, out)
		}
	}
	return connect.NewResponse(res), nil
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
