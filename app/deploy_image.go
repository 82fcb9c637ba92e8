package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"hither/fusion"
)

const opDeployImage = "image.deploy"

// DeployImage sees that all hosts have the image, and makes machines of it there.
func (c localCopies) DeployImage(ctx context.Context, image string, of fusion.MachineSpec, spec fusion.DeploySpec) ([]fusion.Machine, error) {
	pool := c.Images()
	list, err := pool.List(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(x fusion.Image) bool { return x.Name == image })
	if i < 0 {
		return nil, &fusion.Error{Op: opDeployImage, Path: image, Cause: fusion.ErrNotFound, Detail: "no image here has this name",
			Hint: "hither image ls lists what there is; hither image fetch brings one"}
	}
	if spec, err = spec.CheckImage(image, of); err != nil {
		return nil, err
	}
	d, err := c.n.deployment(ctx, opDeployImage, spec)
	if err != nil {
		return nil, err
	}
	spread := &spread{deployment: d, image: list[i], pool: pool, of: of}
	made, err := d.run(ctx, func(to *destination) error { return spread.serve(ctx, to) })
	c.n.log.Info("deployed", "image", image, "hosts", len(d.to), "machines", len(made), "err", err, "trace", fusion.Trace(ctx))
	return made, err
}

// spread is an image of which machines are made on several hosts.
type spread struct {
	*deployment
	image fusion.Image
	pool  fusion.Images // that has it
	of    fusion.MachineSpec
	size  atomic.Int64 // bytes that this node sends, over all hosts
	ready atomic.Int64 // machines, over all hosts
}

// serve makes the machines of one host.
func (s *spread) serve(ctx context.Context, to *destination) error {
	image, err := s.bring(ctx, to)
	if err != nil {
		return err
	}
	spec := s.of
	if spec.Image, spec.ISO = image, ""; s.image.Format == fusion.ISO {
		spec.Image, spec.ISO = "", image
	}
	spec.Start = s.spec.Start
	for i, name := range s.spec.Names(to.index) {
		spec.Name = name
		m, err := to.host.Machines().Create(quietly(to.keyed(ctx, fmt.Sprint(i))), spec)
		if err != nil {
			return err
		}
		to.keep(m)
		fusion.Report(ctx, fusion.Progress{Step: fmt.Sprintf("%d of %d machines are made", s.ready.Add(1), len(s.to)*s.spec.Count)})
	}
	return nil
}

// bring gives the name that the image has on a host, which has it afterwards.
func (s *spread) bring(ctx context.Context, to *destination) (string, error) {
	if to.local {
		return s.image.Name, nil
	}
	images := to.host.Images()
	list, err := images.List(ctx)
	if err != nil {
		return "", err
	}
	same := func(x fusion.Image) bool { return s.image.Sum != "" && x.Sum == s.image.Sum }
	if i := slices.IndexFunc(list, same); i >= 0 {
		return list[i].Name, nil
	}
	if s.image.Sum != "" && s.image.Source != "" {
		// A fetch goes on where it broke off, and asks the owner's other hosts first.
		fusion.Report(ctx, fusion.Progress{Step: "has the image fetched"})
		got, err := images.Fetch(quietly(to.keyed(ctx, "image")), fusion.FetchSpec{From: s.image.Source, Sum: s.image.Sum, Name: s.image.Name})
		if err == nil || !(errors.Is(err, fusion.ErrPermission) || errors.Is(err, fusion.ErrOffline) || errors.Is(err, fusion.ErrNotFound)) {
			return got.Name, err
		}
	}
	return s.image.Name, s.send(ctx, to)
}

// send streams the image to a host that cannot fetch it.
func (s *spread) send(ctx context.Context, to *destination) error {
	f, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer f.Close()
	s.size.Add(s.image.Bytes)
	body := &sending{f, func(n int) {
		fusion.Report(ctx, fusion.Progress{Step: "sends the image", Done: s.sent.Add(int64(n)), Total: s.size.Load()})
	}}
	return to.host.Machines().Upload(ctx, s.image.Name, s.image.Bytes, body)
}

func (s *spread) open(ctx context.Context) (fusion.ImageData, error) {
	if s.image.Sum == "" {
		return fusion.ImageData{}, &fusion.Error{Op: opDeployImage, Path: s.image.Name, Cause: fusion.ErrUnsupported, Detail: "nobody knows its sum",
			Hint: "put the image into the pool with Hither: upload it, or fetch it"}
	}
	return s.pool.Read(ctx, s.image.Sum, 0)
}

// quietly is for a call to another host: how far that one is, its own job tells.
func quietly(ctx context.Context) context.Context {
	return fusion.WithReporter(ctx, func(fusion.Progress) {})
}
