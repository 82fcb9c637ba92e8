package main

import (
	"context"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// fakeMesh is the private network of the computer that is asked.
type fakeMesh struct{ *fake }

func (f fakeMesh) at(host string, ask func(fusion.Mesh) (fusion.MeshStatus, error)) (*connect.Response[pb.MeshStatus], error) {
	if host == "" {
		host = "nas" // the fake has one memory
	}
	return asks(f.fake, host, func(h fusion.Host) (*pb.MeshStatus, error) {
		s, err := ask(h.Mesh())
		s.Machines = []fusion.MeshMachine{{Name: "web.hither", Address: "fd68:6974:6865:7200::3", Host: "cloud"}}
		if s.Up {
			s.Note, s.Hint = "this user may not have a network device, or IPv6 is switched off", "programs go out by a proxy meanwhile: hither proxy 1080 HOST"
		}
		return convert.MeshToPB(s), err
	})
}

func (f fakeMesh) Status(ctx context.Context, req *connect.Request[pb.MeshStatusRequest]) (*connect.Response[pb.MeshStatus], error) {
	return f.at(req.Msg.Host, func(m fusion.Mesh) (fusion.MeshStatus, error) { return m.Status(ctx) })
}

func (f fakeMesh) Up(ctx context.Context, req *connect.Request[pb.MeshUpRequest]) (*connect.Response[pb.MeshStatus], error) {
	return f.at(req.Msg.Host, func(m fusion.Mesh) (fusion.MeshStatus, error) { return m.Up(ctx) })
}

func (f fakeMesh) Down(ctx context.Context, req *connect.Request[pb.MeshDownRequest]) (*connect.Response[pb.MeshStatus], error) {
	return f.at(req.Msg.Host, func(m fusion.Mesh) (fusion.MeshStatus, error) { return m.Down(ctx) })
}
