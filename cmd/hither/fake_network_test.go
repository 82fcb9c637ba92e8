package main

import (
	"context"
	"errors"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	"hither/fusion/hosttest"
	pb "hither/proto/hither/v1"
	"hither/proto/hither/v1/hitherv1connect"
)

// newFakeMemory is nas with the machine win11 on the network lab.
func newFakeMemory() *hosttest.Memory {
	m := hosttest.NewMemory("12D3nas", "nas")
	m.Pair("cloud")
	ctx := context.Background()
	_, err := m.Networks().Create(ctx, fusion.NetworkSpec{Name: "lab", Kind: fusion.Isolated, Subnet: "10.9.0.0/24"})
	if err == nil {
		_, err = m.Machines().Create(ctx, fusion.MachineSpec{Name: "win11", Network: "lab", DiskBytes: 1 << 30})
	}
	if err != nil {
		panic(err)
	}
	return m
}

// asks gives what do finds on a host: nas is in memory, the others have nothing.
func asks[T any](f *fake, host string, do func(fusion.Host) (*T, error)) (*connect.Response[T], error) {
	name, err := f.host(host)
	if err != nil {
		return nil, err
	}
	memory := fusion.Host(f.memory)
	if name != "nas" {
		memory = hosttest.NewMemory(fusion.HostID("12D3"+name), name)
	}
	out, err := do(memory)
	if err != nil {
		return nil, convert.ErrorToPB(err)
	}
	return connect.NewResponse(out), nil
}

type fakeNetworks struct {
	hitherv1connect.UnimplementedNetworkServiceHandler
	*fake
}

func (f fakeNetworks) List(ctx context.Context, req *connect.Request[pb.NetworkListRequest]) (*connect.Response[pb.NetworkListResponse], error) {
	return asks(f.fake, req.Msg.Host, func(h fusion.Host) (*pb.NetworkListResponse, error) {
		list, err := h.Networks().List(ctx)
		return &pb.NetworkListResponse{Networks: convert.All(list, convert.NetworkToPB)}, err
	})
}

func (f fakeNetworks) Get(ctx context.Context, req *connect.Request[pb.NetworkGetRequest]) (*connect.Response[pb.Network], error) {
	return asks(f.fake, req.Msg.Host, func(h fusion.Host) (*pb.Network, error) {
		n, err := h.Networks().Get(ctx, req.Msg.Name)
		n.Host = req.Msg.Host
		return convert.NetworkToPB(n), err
	})
}

func (f fakeNetworks) Create(ctx context.Context, req *connect.Request[pb.NetworkCreateRequest]) (*connect.Response[pb.Network], error) {
	r := req.Msg
	return asks(f.fake, r.Host, func(h fusion.Host) (*pb.Network, error) {
		n, err := h.Networks().Create(ctx, fusion.NetworkSpec{Name: r.Name, Kind: fusion.NetworkKind(r.Kind), Subnet: r.Subnet, Bridge: r.Bridge})
		return convert.NetworkToPB(n), err
	})
}

func (f fakeNetworks) Remove(ctx context.Context, req *connect.Request[pb.NetworkRemoveRequest]) (*connect.Response[pb.NetworkRemoveResponse], error) {
	return asks(f.fake, req.Msg.Host, func(h fusion.Host) (*pb.NetworkRemoveResponse, error) {
		return &pb.NetworkRemoveResponse{}, h.Networks().Remove(ctx, req.Msg.Name)
	})
}

func (f fakeNetworks) Start(ctx context.Context, req *connect.Request[pb.NetworkStartRequest]) (*connect.Response[pb.NetworkStartResponse], error) {
	return asks(f.fake, req.Msg.Host, func(h fusion.Host) (*pb.NetworkStartResponse, error) {
		return &pb.NetworkStartResponse{}, h.Networks().Start(ctx, req.Msg.Name)
	})
}

func (f fakeNetworks) Stop(ctx context.Context, req *connect.Request[pb.NetworkStopRequest]) (*connect.Response[pb.NetworkStopResponse], error) {
	return asks(f.fake, req.Msg.Host, func(h fusion.Host) (*pb.NetworkStopResponse, error) {
		return &pb.NetworkStopResponse{}, h.Networks().Stop(ctx, req.Msg.Name)
	})
}

// Leases has one of win11's.
func (f fakeNetworks) Leases(context.Context, *connect.Request[pb.NetworkLeasesRequest]) (*connect.Response[pb.NetworkLeasesResponse], error) {
	return answer(&pb.NetworkLeasesResponse{Leases: []*pb.Lease{{Ip: "10.9.0.5", Mac: "52:54:00:00:00:01", Machine: "win11", Name: "DESKTOP"}}})
}

func (f fakeNetworks) Cards(ctx context.Context, req *connect.Request[pb.CardsRequest]) (*connect.Response[pb.CardsResponse], error) {
	return asks(f.fake, req.Msg.Host, func(h fusion.Host) (*pb.CardsResponse, error) {
		list, err := h.Networks().NICs(ctx, req.Msg.Machine)
		if errors.Is(err, fusion.ErrNotFound) {
			err = nil // other fakes have more machines, which are on no network
		}
		for i := range list {
			list[i].Addresses = []fusion.NICAddress{{IP: "10.9.0.5", Source: "lease"}}
		}
		return &pb.CardsResponse{Nics: convert.All(list, convert.NICToPB)}, err
	})
}

type fakeForwards struct {
	hitherv1connect.UnimplementedForwardServiceHandler
	*fake
}

func (f fakeForwards) List(ctx context.Context, req *connect.Request[pb.ForwardListRequest]) (*connect.Response[pb.ForwardListResponse], error) {
	return asks(f.fake, req.Msg.Host, func(h fusion.Host) (*pb.ForwardListResponse, error) {
		list, err := h.Forwards().List(ctx, req.Msg.Machine)
		return &pb.ForwardListResponse{Forwards: convert.All(list, convert.ForwardToPB)}, err
	})
}

func (f fakeForwards) Add(ctx context.Context, req *connect.Request[pb.ForwardAddRequest]) (*connect.Response[pb.Forward], error) {
	return asks(f.fake, req.Msg.Host, func(h fusion.Host) (*pb.Forward, error) {
		added, err := h.Forwards().Add(ctx, req.Msg.Machine, convert.ForwardFromPB(req.Msg.Forward))
		return convert.ForwardToPB(added), err
	})
}

func (f fakeForwards) Remove(ctx context.Context, req *connect.Request[pb.ForwardRemoveRequest]) (*connect.Response[pb.ForwardRemoveResponse], error) {
	return asks(f.fake, req.Msg.Host, func(h fusion.Host) (*pb.ForwardRemoveResponse, error) {
		return &pb.ForwardRemoveResponse{}, h.Forwards().Remove(ctx, req.Msg.Machine, convert.ForwardFromPB(req.Msg.Forward))
	})
}

type fakeStorage struct {
	hitherv1connect.UnimplementedStorageServiceHandler
	*fake
}

func (f fakeStorage) Pools(ctx context.Context, req *connect.Request[pb.PoolsRequest]) (*connect.Response[pb.PoolsResponse], error) {
	return asks(f.fake, req.Msg.Host, func(h fusion.Host) (*pb.PoolsResponse, error) {
		list, err := h.Storage().Pools(ctx)
		if req.Msg.Host == "nas" {
			list = append(list, fusion.Pool{Name: "usb", Kind: "dir", State: fusion.PoolGone, Path: "/mnt/usb", Note: "its directory is not there", Hint: "plug it in"})
		}
		return &pb.PoolsResponse{Pools: convert.All(list, convert.PoolToPB)}, err
	})
}

func (f fakeStorage) Volumes(ctx context.Context, req *connect.Request[pb.VolumesRequest]) (*connect.Response[pb.VolumesResponse], error) {
	return asks(f.fake, req.Msg.Host, func(h fusion.Host) (*pb.VolumesResponse, error) {
		list, err := h.Storage().Volumes(ctx, req.Msg.Pool)
		return &pb.VolumesResponse{Volumes: convert.All(list, convert.VolumeToPB)}, err
	})
}

func (f fakeStorage) CreateVolume(ctx context.Context, req *connect.Request[pb.CreateVolumeRequest]) (*connect.Response[pb.Volume], error) {
	r := req.Msg
	return asks(f.fake, r.Host, func(h fusion.Host) (*pb.Volume, error) {
		v, err := h.Storage().CreateVolume(ctx, fusion.VolumeSpec{Pool: r.Pool, Name: r.Name, Format: r.Format, CapacityBytes: r.CapacityBytes})
		return convert.VolumeToPB(v), err
	})
}

func (f fakeStorage) GrowVolume(ctx context.Context, req *connect.Request[pb.GrowVolumeRequest]) (*connect.Response[pb.Volume], error) {
	r := req.Msg
	return asks(f.fake, r.Host, func(h fusion.Host) (*pb.Volume, error) {
		v, err := h.Storage().GrowVolume(ctx, r.Pool, r.Name, r.CapacityBytes)
		return convert.VolumeToPB(v), err
	})
}

func (f fakeStorage) RemoveVolume(ctx context.Context, req *connect.Request[pb.RemoveVolumeRequest]) (*connect.Response[pb.RemoveVolumeResponse], error) {
	r := req.Msg
	return asks(f.fake, r.Host, func(h fusion.Host) (*pb.RemoveVolumeResponse, error) {
		return &pb.RemoveVolumeResponse{}, h.Storage().RemoveVolume(ctx, r.Pool, r.Name)
	})
}
