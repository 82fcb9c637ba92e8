package api

import (
	"context"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// Computers is what the node does about computers as such.
type Computers interface {
	// Place chooses a host for a machine.
	Place(ctx context.Context, spec fusion.MachineSpec) (fusion.Placement, error)
	// Wake has a host woken by whoever is on its network, SendWake sends from here.
	Wake(ctx context.Context, host string) (fusion.Woken, error)
	SendWake(ctx context.Context, cards []fusion.Card) (int, error)
	// Going is what a paired computer says of itself.
	Going(from fusion.HostID, away fusion.Away) error
}

type computerService struct{ s *Server }

func (c computerService) Resources(ctx context.Context, req *connect.Request[pb.ResourcesRequest]) (*connect.Response[pb.HostResources], error) {
	h, _, err := c.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	r, err := h.Resources(ctx)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.ResourcesToPB(r)), nil
}

func (c computerService) SetRoles(ctx context.Context, req *connect.Request[pb.SetRolesRequest]) (*connect.Response[pb.SetRolesResponse], error) {
	h, _, err := c.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	roles, err := h.SetRoles(ctx, req.Msg.Add, req.Msg.Remove)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.SetRolesResponse{Roles: roles}), nil
}

func (c computerService) Place(ctx context.Context, req *connect.Request[pb.PlaceRequest]) (*connect.Response[pb.Placement], error) {
	spec := fusion.MachineSpec{Name: req.Msg.Name, MemoryBytes: req.Msg.MemoryBytes, CPUs: int(req.Msg.Cpus), DiskBytes: req.Msg.DiskBytes,
		Image: req.Msg.Image, ISO: req.Msg.Iso, Firmware: req.Msg.Firmware, TPM: req.Msg.Tpm}
	p, err := c.s.node.Place(ctx, spec)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.PlacementToPB(p)), nil
}

func (c computerService) Wake(ctx context.Context, req *connect.Request[pb.WakeRequest]) (*connect.Response[pb.WakeResponse], error) {
	woken, err := c.s.node.Wake(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.WakeResponse{By: woken.By, Packets: int32(woken.Packets), Note: woken.Note}), nil
}

func (c computerService) SendWake(ctx context.Context, req *connect.Request[pb.SendWakeRequest]) (*connect.Response[pb.SendWakeResponse], error) {
	sent, err := c.s.node.SendWake(ctx, convert.All(req.Msg.Cards, convert.CardFromPB))
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.SendWakeResponse{Packets: int32(sent)}), nil
}

// Going is for any paired key: it speaks of its own computer only.
func (c computerService) Going(ctx context.Context, req *connect.Request[pb.GoingRequest]) (*connect.Response[pb.GoingResponse], error) {
	caller := callerOf(ctx)
	if _, paired := c.s.node.Grants(caller.Peer); caller.Owner || !paired {
		return nil, &fusion.Error{Op: "host.going", Path: c.s.node.Name(), Cause: fusion.ErrUnpaired,
			Detail: "only a paired computer says that it goes", Hint: "pair the two computers first: hither pair"}
	}
	if err := c.s.node.Going(caller.Peer, fusion.Away(req.Msg.Away)); err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.GoingResponse{}), nil
}

// mayDo refuses another computer the power of this one without admin; the method
// table asks for control, which is enough for virtual machines.
func (s *Server) mayDo(ctx context.Context, machine string) error {
	if caller := callerOf(ctx); machine == fusion.Self && !caller.Owner {
		return s.allowPeer(caller.Peer, fusion.AdminCap, "")
	}
	return nil
}

// toldHost is this computer as another one is told of it: with what that may do
// here, and without the network cards unless it may control this computer.
func (s *Server) toldHost(ctx context.Context, h *pb.Host) *pb.Host {
	caller := callerOf(ctx)
	if caller.Owner || h == nil {
		return h
	}
	grants, _ := s.node.Grants(caller.Peer)
	h.May = convert.All(grants, func(g fusion.Grant) string { return s.node.Shown(g).String() })
	if !fusion.Allows(grants, fusion.ControlCap) {
		h.Cards = nil
	}
	return h
}
