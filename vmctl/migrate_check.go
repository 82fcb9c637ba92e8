package vmctl

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"

	"hither/fusion"
	"hither/vmctl/computer"
	"hither/vmctl/domxml"
	"hither/vmctl/imagepool"
	"hither/vmctl/netxml"
)

// Before a machine moves, the destination looks at what it needs: a move that cannot end
// well is refused in words before the first byte, and not by a QEMU in the middle.

// moveDriver is what that needs of a hypervisor. why is in the hypervisor's words, and ""
// when nothing is in the way.
type moveDriver interface {
	// canRun says why a machine of a kind ("kvm"), architecture and machine type cannot
	// run here.
	canRun(kind, arch, machine string) (why string, err error)
	// hasCPU says why the processor of such a machine, as a cpu element, cannot be had.
	hasCPU(kind, arch, machine, cpu string) (why string, err error)
	// hostCPU is this computer's own processor as a cpu element.
	hostCPU() (string, error)
}

// MachineNeeds is what a machine needs of the host that it runs on.
type MachineNeeds struct {
	// Kind, Arch and Machine are "kvm" or "qemu", "x86_64" and "pc-q35-9.2", as in
	// libvirt's definitions.
	Kind, Arch, Machine string
	// CPU is the cpu element of a machine that runs, "" when it does not matter.
	CPU string
	// Networks and Bridges are what its cards are on.
	Networks, Bridges []string
}

// mostNeeds bounds each text of MachineNeeds in bytes, and mostCards its lists.
const (
	mostNeeds = 16 << 10
	mostCards = 64
)

func (n MachineNeeds) sound() bool {
	for _, text := range slices.Concat([]string{n.Kind, n.Arch, n.Machine, n.CPU}, n.Networks, n.Bridges) {
		if len(text) > mostNeeds {
			return false
		}
	}
	return len(n.Networks) <= mostCards && len(n.Bridges) <= mostCards
}

// cpuElement finds a definition's cpu element, as libvirt writes it.
var cpuElement = regexp.MustCompile(`(?s)<cpu(?: [^>]*[^/>])?(?:/>|>.*?</cpu>)`)

// needs reads what a machine needs. off leaves out what matters while it runs only.
func (s *Store) needs(ctx context.Context, r record, off bool) (MachineNeeds, error) {
	text, err := call(ctx, s, func(d driver) (string, error) { return d.definition(r.uuid, !off) }, nil)
	if err != nil {
		return MachineNeeds{}, err
	}
	root, err := domxml.Parse(text)
	if err != nil {
		return MachineNeeds{}, err
	}
	kind, cpu := root.One("os", "type"), root.One("cpu")
	n := MachineNeeds{Kind: root.Attr("type"), Arch: kind.Attr("arch"), Machine: kind.Attr("machine")}
	for _, nic := range r.NICs {
		switch {
		case nic.Kind == "network" && !slices.Contains(n.Networks, nic.Network):
			n.Networks = append(n.Networks, nic.Network)
		case nic.Kind == "bridge" && nic.Bridge != "" && !slices.Contains(n.Bridges, nic.Bridge):
			n.Bridges = append(n.Bridges, nic.Bridge)
		}
	}
	switch {
	case off:
	case cpu.Attr("mode") == "host-passthrough" || cpu.Attr("mode") == "maximum" && n.Kind == "kvm":
		n.CPU, err = call(ctx, s, func(d driver) (string, error) { return d.hostCPU() }, nil)
	case n.Kind != "qemu" || cpu.Attr("check") != "none": // what emulation lacks it does without
		n.CPU = cpuElement.FindString(text)
	}
	return n, err
}

// CheckMigrate says whether a machine can move to another host, and changes nothing.
func (s *Store) CheckMigrate(ctx context.Context, machine string, to fusion.HostID) (fusion.MigrateCheck, error) {
	if machine == fusion.Self {
		return fusion.MigrateCheck{}, selfStays(machine)
	}
	uuid, err := s.find(ctx, opMigrate, machine)
	if err != nil {
		return fusion.MigrateCheck{}, err
	}
	r, err := s.fresh(ctx, opMigrate, machine, uuid)
	if err != nil {
		return fusion.MigrateCheck{}, err
	}
	offer, err := s.offer(ctx, r, fusion.MigrateOptions{})
	if err != nil {
		return obstacle(err)
	}
	check := fusion.MigrateCheck{Bytes: offer.bytes(), Obstacles: []fusion.Obstacle{}}
	peer, err := s.peer(to)
	if err != nil {
		return obstacle(err)
	}
	found, err := peer.Examine(ctx, offer)
	if err != nil {
		return check, fail(opMigrate, machine, err)
	}
	check.Obstacles = append(check.Obstacles, found...)
	return check, nil
}

// obstacle makes one of a refusal that has words; others stay errors.
func obstacle(err error) (fusion.MigrateCheck, error) {
	var f *fusion.Error
	if !errors.As(err, &f) || f.Detail == "" || errors.Is(err, fusion.ErrOffline) {
		return fusion.MigrateCheck{}, err
	}
	return fusion.MigrateCheck{Obstacles: []fusion.Obstacle{{Detail: f.Detail, Hint: f.Hint}}}, nil
}

func selfStays(machine string) error {
	return &fusion.Error{Op: opMigrate, Path: machine, Cause: fusion.ErrUnsupported, Detail: "it is this computer itself",
		Hint: "virtual machines can move to another host"}
}

// bytes is what a move copies, as far as is known before.
func (o MigrationOffer) bytes() (sum int64) {
	for _, d := range o.Disks {
		sum += d.Stored
	}
	if !o.Off {
		sum += o.MemoryBytes
	}
	return sum
}

// ExamineMigration says what is in the way of a machine that another host offers.
func (s *Store) ExamineMigration(ctx context.Context, o MigrationOffer) ([]fusion.Obstacle, error) {
	if err := checkOffer(o); err != nil {
		return nil, err
	}
	if why := s.whyAway(); why != nil {
		return nil, away(opMigrate, o.Name, why)
	}
	release, ok := s.claims.Take("machine", o.Name)
	if !ok {
		return []fusion.Obstacle{nameTaken}, nil
	}
	release() // it only looks: what comes meanwhile, as that very move, is not kept from it
	found, err := s.examine(ctx, o)
	return found, fail(opMigrate, o.Name, err)
}

var nameTaken = fusion.Obstacle{Detail: "a machine of its name is there already", Hint: "rename one of the two, or remove the other host's"}

// offHint is how a machine moves that cannot while it runs.
const offHint = "move it while it is off: hither machine migrate --off shuts it down, moves it and starts it there"

// examine looks at everything; what has the machine's name is the caller's claim.
func (s *Store) examine(ctx context.Context, o MigrationOffer) (found []fusion.Obstacle, err error) {
	for _, look := range []func(context.Context, MigrationOffer) ([]fusion.Obstacle, error){s.examineName, s.examineRoom, s.examineKind, s.examineNetworks} {
		more, err := look(ctx, o)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found, nil
}

func (s *Store) examineName(ctx context.Context, o MigrationOffer) ([]fusion.Obstacle, error) {
	_, err := s.find(ctx, opMigrate, o.Name)
	if errors.Is(err, fusion.ErrNotFound) {
		_, err = call(ctx, s, func(d driver) (domain, error) { return d.domain(o.UUID) }, nil)
	}
	switch {
	case err == nil:
		return []fusion.Obstacle{nameTaken}, nil
	case !errors.Is(err, fusion.ErrNotFound):
		return nil, err
	}
	return nil, nil
}

// examineRoom compares with what is free now: disks are sparse, and memory fills up.
func (s *Store) examineRoom(_ context.Context, o MigrationOffer) (found []fusion.Obstacle, err error) {
	free, err := computer.FreeBytes(s.config.pool())
	if err != nil {
		return nil, err
	}
	var stored int64
	for _, d := range o.Disks {
		stored += d.Stored
	}
	if stored+imagepool.Reserve > free {
		found = append(found, fusion.Obstacle{Detail: fmt.Sprintf("its disks need %s, and %s is free there", imagepool.BytesText(stored+imagepool.Reserve), imagepool.BytesText(free)), Hint: imagepool.SpaceHint})
	}
	now := computer.Stats()
	if memory := max(now.MemoryBytes-now.MemoryUsedBytes, 0); (!o.Off || o.Start) && now.MemoryBytes > 0 && o.MemoryBytes > memory {
		found = append(found, fusion.Obstacle{Detail: fmt.Sprintf("it needs %s of memory, and %s is free there", imagepool.BytesText(o.MemoryBytes), imagepool.BytesText(memory)),
			Hint: "stop something there, or stop the machine and move it while it is off"})
	}
	return found, nil
}

// examineKind asks the hypervisor about the machine's type and its processor.
func (s *Store) examineKind(ctx context.Context, o MigrationOffer) ([]fusion.Obstacle, error) {
	n := o.Needs
	if n.Arch == "" {
		return nil, nil // an older host does not say
	}
	why, err := call(ctx, s, func(d driver) (string, error) { return d.canRun(n.Kind, n.Arch, n.Machine) }, nil)
	if err != nil || why != "" {
		return obstacles("its kind of machine cannot run there: %s", why, "move it to a host with the same QEMU and with KVM, or make a machine there from a copy of its disk", false), err
	}
	most, err := call(ctx, s, func(d driver) (limits, error) { return d.limits(n.Kind, n.Arch, n.Machine) }, nil)
	if err != nil {
		return nil, err
	}
	if most.cpus > 0 && o.CPUs > most.cpus {
		return []fusion.Obstacle{{Detail: fmt.Sprintf("it has %d CPUs, and a machine there has at most %d", o.CPUs, most.cpus), Hint: "give it less: hither machine set --cpus"}}, nil
	}
	if o.Off || n.CPU == "" {
		return nil, nil
	}
	why, err = call(ctx, s, func(d driver) (string, error) { return d.hasCPU(n.Kind, n.Arch, n.Machine, n.CPU) }, nil)
	return obstacles("the processor there lacks something of its: %s", why, offHint, true), err
}

// obstacles is one with the hypervisor's words, or none.
func obstacles(format, why, hint string, live bool) []fusion.Obstacle {
	if why == "" {
		return nil
	}
	return []fusion.Obstacle{{Detail: fmt.Sprintf(format, why), Hint: hint, Live: live}}
}

func (s *Store) examineNetworks(ctx context.Context, o MigrationOffer) (found []fusion.Obstacle, err error) {
	var there []netxml.Network
	if len(o.Needs.Networks) > 0 {
		if there, err = s.allNetworks(ctx); err != nil && !errors.Is(err, fusion.ErrUnsupported) {
			return nil, err
		}
	}
	for _, name := range o.Needs.Networks {
		at := slices.IndexFunc(there, func(n netxml.Network) bool { return n.Name == name })
		switch {
		case at < 0:
			found = append(found, fusion.Obstacle{Detail: "there is no network " + fusionClip(name) + " there", Hint: "make one of that name there, or take its card away"})
		case !there[at].Active && (!o.Off || o.Start):
			found = append(found, fusion.Obstacle{Detail: "its network " + fusionClip(name) + " does not run there", Hint: "start it there with hither network start"})
		}
	}
	for _, name := range o.Needs.Bridges {
		if _, err := net.InterfaceByName(name); err != nil {
			found = append(found, fusion.Obstacle{Detail: "there is no bridge " + fusionClip(name) + " there", Hint: "make one of that name there, or take its card away"})
		}
	}
	return found, nil
}

// refuseMove gives the first obstacle as an error.
func refuseMove(machine string, found []fusion.Obstacle) error {
	if len(found) == 0 {
		return nil
	}
	cause := fusion.ErrInvalid
	if found[0] == nameTaken {
		cause = fusion.ErrExists
	}
	return &fusion.Error{Op: opMigrate, Path: machine, Cause: cause, Detail: found[0].Detail, Hint: found[0].Hint}
}
