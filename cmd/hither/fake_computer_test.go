package main

import (
	"context"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"hither/fusion"
	pb "hither/proto/hither/v1"
	"hither/proto/hither/v1/hitherv1connect"
)

// fakeComputers: "nas" is where machines go, "lap" can be woken, "desk" wakes.
type fakeComputers struct {
	hitherv1connect.UnimplementedComputerServiceHandler
	*fake
}

func (f fakeComputers) SetRoles(_ context.Context, req *connect.Request[pb.SetRolesRequest]) (*connect.Response[pb.SetRolesResponse], error) {
	name, err := f.host(req.Msg.Host)
	if err != nil {
		return nil, err
	}
	if name == "desk" && strings.Join(req.Msg.Add, "") == "router" {
		return refuse[pb.SetRolesResponse](fusion.ErrPermission, name, "on desk: hither host grant x +admin")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range f.hosts {
		if h.Name == name {
			if h.Roles, err = fusion.ChangeRoles(h.Roles, req.Msg.Add, req.Msg.Remove); err != nil {
				return nil, err
			}
			return answer(&pb.SetRolesResponse{Roles: h.Roles})
		}
	}
	return refuse[pb.SetRolesResponse](fusion.ErrNotFound, name, "")
}

func (f fakeComputers) Place(_ context.Context, req *connect.Request[pb.PlaceRequest]) (*connect.Response[pb.Placement], error) {
	key := req.Header().Get("Idempotency-Key")
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.placed[key] {
		return answer(&pb.Placement{Host: "nas", Id: "12D3nas", Again: true})
	}
	lap := &pb.Candidate{Host: "lap", Id: "12D3lap", Why: "offline"}
	if req.Msg.MemoryBytes > 8<<30 {
		return answer(&pb.Placement{Candidates: []*pb.Candidate{
			{Host: "nas", Id: "12D3nas", Why: "memory", Resources: &pb.HostResources{FreeBytes: 1 << 30, Accelerator: "kvm"}}, lap}})
	}
	f.fake.placed[key] = true
	return answer(&pb.Placement{Host: "nas", Id: "12D3nas", Candidates: []*pb.Candidate{
		{Host: "nas", Id: "12D3nas", Fits: true, Roles: []string{"compute"}, Resources: &pb.HostResources{FreeBytes: 12 << 30, Accelerator: "kvm"}},
		{Host: "desk", Id: "12D3desk", Why: "memory", Resources: &pb.HostResources{FreeBytes: 1 << 30, Accelerator: "tcg"}}, lap}})
}

// Wake brings lap back a moment later.
func (f fakeComputers) Wake(_ context.Context, req *connect.Request[pb.WakeRequest]) (*connect.Response[pb.WakeResponse], error) {
	if req.Msg.Host != "12D3lap" {
		return refuse[pb.WakeResponse](fusion.ErrInvalid, req.Msg.Host, "nothing is to be done")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range f.hosts {
		if h.Id == req.Msg.Host {
			h.Online = true
		}
	}
	return answer(&pb.WakeResponse{By: []string{"desk", "nas"}, Packets: 2, Note: "ask \x1b[31mits card"})
}

// Watch tells of the hosts as they are, and then of nothing.
func (f *fake) Watch(ctx context.Context, _ *connect.Request[pb.WatchRequest], stream *connect.ServerStream[pb.Event]) error {
	f.mu.Lock()
	var events []*pb.Event
	for i, h := range f.hosts {
		events = append(events, &pb.Event{Seq: uint64(i + 1), Kind: "host",
			Host: &pb.Host{Id: h.Id, Name: h.Name, Online: h.Online, Local: h.Local, LastSeen: timestamppb.New(time.Now())}})
	}
	f.mu.Unlock()
	for _, e := range events {
		if err := stream.Send(e); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return ctx.Err()
}
