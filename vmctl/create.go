package vmctl

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"hither/fusion"
	"hither/vmctl/domxml"
	"hither/vmctl/imagepool"
)

const (
	defaultMemory = 1 << 30
	installMemory = 2 << 30 // of a machine that installs itself: each known installer runs with it
	leastMemory   = 16 << 20
	mostMemory    = 16 << 40
	mostCPUs      = 255
	leastDisk     = 1 << 20
	mostDisk      = 64 << 40
)

// checkSpec fills in defaults and refuses what cannot be.
func checkSpec(spec fusion.MachineSpec) (fusion.MachineSpec, error) {
	const op = "machine.create"
	if err := fusion.CheckName(spec.Name); err != nil {
		return spec, invalid(op, fusionClip(spec.Name), "", fusion.Hint(err))
	}
	if spec.Name == fusion.Self {
		return spec, &fusion.Error{Op: op, Path: spec.Name, Cause: fusion.ErrExists,
			Detail: "it is this computer itself", Hint: "choose another name"}
	}
	if spec.MemoryBytes == 0 {
		spec.MemoryBytes = defaultMemory
		if spec.Unattended {
			spec.MemoryBytes = installMemory
		}
	}
	if spec.CPUs == 0 {
		spec.CPUs = 1
	}
	switch {
	case spec.MemoryBytes < leastMemory || spec.MemoryBytes > mostMemory:
		return spec, invalid(op, spec.Name, imagepool.BytesText(spec.MemoryBytes)+" of memory", "give it 16 MiB to 16 TiB, as in --memory 1GiB")
	case spec.CPUs < 1 || spec.CPUs > mostCPUs:
		return spec, invalid(op, spec.Name, fmt.Sprintf("%d CPUs", spec.CPUs), fmt.Sprintf("give it 1 to %d CPUs", mostCPUs))
	case spec.DiskBytes != 0 && (spec.DiskBytes < leastDisk || spec.DiskBytes > mostDisk):
		return spec, invalid(op, spec.Name, "a disk of "+imagepool.BytesText(spec.DiskBytes), "give it 1 MiB to 64 TiB, as in --disk 20GiB")
	case spec.Firmware != "" && !slices.Contains(domxml.Firmwares, spec.Firmware):
		return spec, invalid(op, spec.Name, "a firmware called "+fusionClip(spec.Firmware), "a machine has bios, uefi or uefi-secure")
	}
	if err := checkUnattended(spec); err != nil {
		return spec, err
	}
	spec.DiskBytes = (spec.DiskBytes + 511) &^ 511
	if spec.Seed != nil {
		if len(spec.Seed.Apps) > 0 && spec.Image == "" {
			return spec, invalid(op, spec.Name, "apps are installed by a cloud image", "name one, as in --image debian-13 --apps firefox")
		}
		if err := spec.Seed.Check(); err != nil {
			return spec, fail(op, spec.Name, err)
		}
	}
	return spec, nil
}

// Create makes a machine: a copy of Image grown to DiskBytes as its disk, or an
// empty one, ISO in its CD drive, Seed in another, a VNC display without a port, and
// a network card with a boot ROM. ctx may end it while a disk is made; then, as after
// any failure, nothing is left but an image that was fetched for it.
func (s *Store) Create(ctx context.Context, spec fusion.MachineSpec) (fusion.Machine, error) {
	const op = "machine.create"
	spec, err := checkSpec(spec)
	if err != nil {
		return fusion.Machine{}, err
	}
	if why := s.whyAway(); why != nil {
		return fusion.Machine{}, away(op, spec.Name, why)
	}
	exists := &fusion.Error{Op: op, Path: spec.Name, Cause: fusion.ErrExists, Hint: "choose another name, or remove that machine first"}
	release, ok := s.claims.Take("machine", spec.Name)
	if !ok {
		return fusion.Machine{}, exists
	}
	defer release()
	if r, ok := s.byKey(fusion.Key(ctx)); ok {
		return s.again(r, spec.Name)
	}
	switch _, err := s.find(ctx, op, spec.Name); {
	case err == nil:
		return fusion.Machine{}, exists
	case !errors.Is(err, fusion.ErrNotFound):
		return fusion.Machine{}, err
	}
	m, err := s.make(ctx, spec)
	if err != nil {
		return fusion.Machine{}, fail(op, spec.Name, err)
	}
	s.config.Log.Info("machine created", "machine", spec.Name, "uuid", m.UUID, "accelerator", m.Accelerator, "trace", fusion.Trace(ctx))
	return m, nil
}

// byKey finds the machine that an earlier call with an idempotency key made.
func (s *Store) byKey(key string) (record, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.records {
		if key != "" && r.Key == key {
			return *r, true
		}
	}
	return record{}, false
}

// again answers a call that was made before. A key is for one machine.
func (s *Store) again(r record, name string) (fusion.Machine, error) {
	if r.shown != name {
		return fusion.Machine{}, invalid("machine.create", name, "its idempotency key made "+r.shown, "use a new key for each machine")
	}
	return r.machine(s.kvm.Note()), nil
}

// make does the work of Create and undoes it when it fails.
func (s *Store) make(ctx context.Context, spec fusion.MachineSpec) (m fusion.Machine, err error) {
	release, err := s.bringImages(ctx, &spec)
	if err != nil {
		return m, err
	}
	defer release()
	iso := ""
	if spec.ISO != "" {
		iso = filepath.Join(s.config.pool(), spec.ISO)
	}
	kind, err := s.domainType(ctx)
	if err == nil {
		err = s.canGive(ctx, "machine.create", spec.Name, spec.Firmware, spec.TPM, kind)
	}
	if err != nil {
		return m, err
	}
	card, err := s.checkNetwork(ctx, spec.Network, spec.Start)
	if err != nil {
		return m, err
	}
	if spec.Seed != nil && len(spec.Seed.Addresses) > 0 && card.Address() == "" {
		card.SetAddress(newMAC()) // its addresses are told by it
	}
	plan := plan{Plan: domxml.Plan{Spec: spec, Card: card, UUID: newUUID(), Kind: kind, Pool: s.config.pool(), ISO: iso, Key: fusion.Key(ctx)}}
	if s.privateUsed() {
		plan.Agent = s.config.private().AgentSocket(plan.UUID)
	}
	if err := plan.prepare(); err != nil {
		return m, err
	}
	plan.nameDisks()
	_, end, err := s.intend(intent{Op: "machine.create", Name: spec.Name, UUID: plan.UUID, Files: plan.Files(), Start: spec.Start})
	if err != nil {
		return m, err
	}
	defer func() { end(!plan.half) }()
	if plan.install != nil {
		defer plan.install.Remove() // its QEMU has read it
	}
	if err := s.makeDisks(ctx, plan); err != nil {
		s.removeDisks(plan.Files())
		return m, err
	}
	return s.define(ctx, &plan)
}

// nameDisks names the files of the disk and the seed that the machine is to have.
func (p *plan) nameDisks() {
	if p.Spec.Image != "" || p.Spec.DiskBytes > 0 {
		p.Disks = append(p.Disks, nthDisk(p.Spec.Name, p.UUID, 0))
	}
	if domxml.IsUEFI(p.Spec.Firmware) {
		p.Vars = varsName(p.Spec.Name, p.UUID, p.Spec.Firmware)
	}
	if p.Spec.Seed != nil && (p.install == nil || p.install.CDLabel != "") {
		p.Seed = fmt.Sprintf("%.40s-%s", p.Spec.Name, head(p.UUID)) + imagepool.SeedSuffix
	}
}

// nthDisk names the n-th disk of a machine.
func nthDisk(name, uuid string, n int) string {
	return fmt.Sprintf("%.40s-%s-%d.qcow2", name, head(uuid), n)
}

func (s *Store) makeDisks(ctx context.Context, p plan) (err error) {
	switch {
	case p.Spec.Image != "":
		fusion.Report(ctx, fusion.Progress{Step: "copies the image"})
		err = s.copyDisk(ctx, p.Spec.Name, p.Disks[0], p.Spec.Image, p.Spec.DiskBytes)
	case p.Spec.DiskBytes > 0:
		err = s.newDisk(ctx, p.Spec.Name, p.Disks[0], p.Spec.DiskBytes)
	}
	if err == nil && p.install != nil {
		err = s.makeInstaller(p)
	}
	if err == nil && p.Seed != "" {
		err = s.poolError("machine.create", p.Spec.Name, s.makeSeed(p))
	}
	return err
}

// removeDisks deletes disks that Create made. What cannot be deleted is logged:
// the machine is gone all the same.
func (s *Store) removeDisks(files []string) {
	for _, file := range files {
		if err := os.Remove(filepath.Join(s.config.pool(), file)); err != nil && !errors.Is(err, os.ErrNotExist) {
			s.config.Log.Warn("a disk stays", "disk", file, "error", err)
		}
	}
}

// newUUID makes a random UUID (RFC 9562, version 4).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
