package vmctl

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"

	"hither/fusion"
	"hither/vmctl/domxml"
	"hither/vmctl/netxml"
)

// Show says what a machine is made of.
func (s *Store) Show(ctx context.Context, machine string) (fusion.Parts, error) {
	const op = "machine.hardware"
	if machine == fusion.Self {
		return fusion.Parts{}, isComputer(op)
	}
	uuid, err := s.find(ctx, op, machine)
	if err != nil {
		return fusion.Parts{}, err
	}
	r, err := s.fresh(ctx, op, machine, uuid)
	if err != nil {
		return fusion.Parts{}, err
	}
	now, next, err := s.made(ctx, op, machine, uuid)
	if err != nil {
		return fusion.Parts{}, err
	}
	p := domxml.Parts(cmp.Or(now, next), next)
	s.sizes(&p, r)
	most, err := s.limitsOf(ctx, next)
	if err != nil {
		return fusion.Parts{}, fail(op, machine, err)
	}
	p.HostMemoryBytes, p.MostCPUs = most.memoryBytes, cmp.Or(most.cpus, mostCPUs)
	if p.Networks, err = s.networksHere(ctx); err != nil {
		return fusion.Parts{}, fail(op, machine, err)
	}
	p.Images = s.imagesHere()
	if err := s.nameDevices(ctx, p.Devices); err != nil {
		s.config.Log.Warn("devices have no names", "machine", machine, "error", err)
	}
	p.Devices = append(p.Devices, s.redirections.parts(r.uuid, r.active)...)
	return p, nil
}

// sizes fills in what the disks' files say.
func (s *Store) sizes(p *fusion.Parts, r record) {
	made := r.madeDisks()
	for i := range p.Disks {
		disk := &p.Disks[i]
		disk.Made = slices.Contains(made, disk.File)
		at := slices.IndexFunc(r.Disks, func(d domxml.Disk) bool { return d.Target == disk.Name })
		known := domxml.Disk{Path: filepath.Join(s.config.pool(), disk.File)}
		if at >= 0 {
			known = r.Disks[at]
		} else if !disk.Made {
			continue
		}
		size := measure(known)
		disk.TotalBytes, disk.UsedBytes = size.TotalBytes, size.UsedBytes
	}
}

// networksHere names the networks that a card can be on; one with a name that Hither does
// not take is left out.
func (s *Store) networksHere(ctx context.Context) ([]string, error) {
	all, err := call(ctx, s, func(d driver) ([]netxml.Network, error) { return d.networks() }, nil)
	var list []string
	for _, n := range all {
		if n.Active && fusion.CheckName(n.Name) == nil && n.Name != fusion.UserNetwork {
			list = append(list, n.Name)
		}
	}
	slices.Sort(list)
	return append([]string{fusion.UserNetwork}, list...), err
}

// imagesHere names the images of the pool: its files but the disks made for machines.
func (s *Store) imagesHere() []string {
	s.mu.Lock()
	var disks []string
	for _, r := range s.records {
		disks = append(disks, r.madeDisks()...)
	}
	s.mu.Unlock()
	entries, err := os.ReadDir(s.config.pool())
	if err != nil {
		s.config.Log.Warn("the image pool cannot be read", "error", err)
	}
	images := []string{}
	for _, entry := range entries {
		if entry.Type().IsRegular() && fusion.CheckName(entry.Name()) == nil && !slices.Contains(disks, entry.Name()) {
			images = append(images, entry.Name())
		}
	}
	return images
}
