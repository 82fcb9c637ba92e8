package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"hither/fusion"
	pb "hither/proto/hither/v1"
	"hither/proto/hither/v1/hitherv1connect"
)

type fakeImages struct {
	hitherv1connect.UnimplementedImageServiceHandler
	*fake
}

// List gives the images of nas.
func (f fakeImages) List(_ context.Context, req *connect.Request[pb.ImageListRequest]) (*connect.Response[pb.ImageListResponse], error) {
	name, err := f.host(req.Msg.Host)
	if err != nil {
		return nil, err
	}
	res := &pb.ImageListResponse{}
	if name != "nas" {
		return answer(res)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(f.images)) {
		res.Images = append(res.Images, f.image(name))
	}
	return answer(res)
}

// image describes an image of nas; mu is held.
func (f fakeImages) image(name string) *pb.Image {
	i := &pb.Image{Host: "nas", Name: name, Format: "iso", Bytes: 3 << 20, Sum: "sha256:" + strings.Repeat("ab", 32),
		Added: timestamppb.New(time.Now().Add(-2*time.Hour - time.Minute))}
	if name == "there.iso" {
		i.UsedBy = []string{"win11"}
	}
	return i
}

func (f fakeImages) Catalogue(_ context.Context, req *connect.Request[pb.ImageCatalogueRequest]) (*connect.Response[pb.ImageCatalogueResponse], error) {
	if _, err := f.host(req.Msg.Host); err != nil {
		return nil, err
	}
	return answer(&pb.ImageCatalogueResponse{Images: []*pb.CatalogueImage{
		{Name: "debian-13", Title: "Debian 13 (trixie)", Format: "qcow2", Arch: "x86_64", Url: "https://example.org/d.qcow2", SumsUrl: "https://example.org/SUMS", User: "debian", Runs: true},
		{Name: "plan9", Title: "Plan 9", Format: "iso", Arch: "x86_64", Url: "https://example.org/p.iso", Runs: true},
	}})
}

// Fetch takes what is asked for; the sum tells what that was.
func (f fakeImages) Fetch(_ context.Context, req *connect.Request[pb.ImageFetchRequest]) (*connect.Response[pb.Image], error) {
	host, err := f.host(req.Msg.Host)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.images[req.Msg.Name] = "fetched"
	i := f.image(req.Msg.Name)
	i.Host, i.Sum, i.Source = host, req.Msg.Sum, req.Msg.From
	return answer(i)
}

func (f fakeImages) Remove(_ context.Context, req *connect.Request[pb.ImageRemoveRequest]) (*connect.Response[pb.ImageRemoveResponse], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, there := f.images[req.Msg.Name]; !there {
		return refuse[pb.ImageRemoveResponse](fusion.ErrNotFound, req.Msg.Name, "hither image ls")
	}
	if used := f.image(req.Msg.Name).UsedBy; len(used) > 0 {
		return refuse[pb.ImageRemoveResponse](fusion.ErrBusy, req.Msg.Name, "remove the machine first")
	}
	delete(f.images, req.Msg.Name)
	return answer(&pb.ImageRemoveResponse{})
}

// seedText is what a machine was asked to make of itself.
func seedText(s *pb.Seed) string {
	if s == nil {
		return ""
	}
	text := ""
	if len(s.Apps) > 0 {
		text = fmt.Sprintf(" apps %v", s.Apps)
	}
	return text + fmt.Sprintf(" user %s keys %d password %s hostname %s packages %v", s.User, len(s.SshKeys), s.Password, s.Hostname, s.Packages)
}
