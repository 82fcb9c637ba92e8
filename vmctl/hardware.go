package vmctl

import (
	"context"
	"errors"
	"fmt"

	"hither/fusion"
	"hither/vmctl/domxml"
	"hither/vmctl/imagepool"
)

const opChange = "machine.change"

// changing is a machine that is being changed: claimed, and as it is now.
type changing struct {
	*Store
	r         record
	name      string
	now, next *domxml.Element // what runs, nil when it is off, and the definition of the next start
	change    fusion.Change
}

// Change makes one change. The definition of the next start comes first, then what runs:
// if that does not take it, the change counts from the next start on.
func (s *Store) Change(ctx context.Context, machine string, change fusion.Change) (fusion.Changed, error) {
	if machine == fusion.Self {
		return fusion.Changed{}, isComputer(opChange)
	}
	if err := change.Check(machine); err != nil {
		return fusion.Changed{}, err
	}
	c, release, err := s.toChange(ctx, machine, change)
	if err != nil {
		return fusion.Changed{}, err
	}
	defer release()
	done, err := c.kinds()[change.Kind](ctx)
	s.touch(c.r.uuid)
	if _, unread := s.refresh(ctx, c.r.uuid); unread != nil { // whoever asks next is to find the change; touch reads it later
		s.config.Log.Debug("a machine that was changed is not read", "machine", machine, "error", unread)
	}
	if err != nil {
		return fusion.Changed{}, fail(opChange, machine, err)
	}
	s.config.Log.Info("machine changed", "machine", machine, "change", change.Kind, "when", done.When, "trace", fusion.Trace(ctx))
	return done, nil
}

func (c *changing) kinds() map[fusion.ChangeKind]func(context.Context) (fusion.Changed, error) {
	return map[fusion.ChangeKind]func(context.Context) (fusion.Changed, error){
		fusion.SetResources: c.setResources,
		fusion.AddDisk:      c.addDisk, fusion.GrowDisk: c.growDisk, fusion.RemoveDisk: c.removeDisk,
		fusion.AddNIC: c.addNIC, fusion.SetNIC: c.setNIC, fusion.RemoveNIC: c.removeNIC,
		fusion.InsertCD: c.insertCD, fusion.EjectCD: c.ejectCD,
		fusion.SetBoot: c.setBoot, fusion.SetFirmware: c.setFirmware, fusion.SetTPM: c.setTPM, fusion.AddDisplay: c.addDisplay,
		fusion.AttachDevice: c.attachDevice, fusion.DetachDevice: c.detachDevice,
		fusion.SetAccelerator: c.setAccelerator,
	}
}

// toChange claims a machine and reads what it is made of.
func (s *Store) toChange(ctx context.Context, machine string, change fusion.Change) (*changing, func(), error) {
	r, release, err := s.alone(ctx, opChange, machine)
	if err != nil {
		return nil, nil, err
	}
	c := &changing{Store: s, r: r, name: machine, change: change}
	switch {
	case r.detail == onTheWay:
		err = inWork(opChange, machine)
	case r.state == fusion.Saved:
		err = isSaved(opChange, machine)
	default:
		c.now, c.next, err = s.made(ctx, opChange, machine, r.uuid)
	}
	if err != nil {
		release()
		return nil, nil, err
	}
	return c, release, nil
}

// made reads both definitions of a machine; now is nil when it does not run.
func (s *Store) made(ctx context.Context, op, machine, uuid string) (now, next *domxml.Element, err error) {
	type both struct{ now, next string }
	texts, err := call(ctx, s, func(d driver) (b both, err error) {
		b.now, b.next, err = d.definitions(uuid)
		return b, err
	}, nil)
	if errors.Is(err, fusion.ErrNotFound) {
		return nil, nil, fusion.NoMachine(op, machine)
	}
	if err == nil {
		next, err = domxml.Parse(texts.next)
	}
	if err == nil && texts.now != "" {
		now, err = domxml.Parse(texts.now)
	}
	return now, next, fail(op, machine, err)
}

// withinCall is a context that the caller's end does not end: what was begun at the
// hypervisor is brought to its end.
func withinCall(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
}

// settled says when a change counts whose live half ended with err.
func (c *changing) settled(part string, live error) fusion.Changed {
	if live == nil {
		return fusion.Changed{When: fusion.Now, Part: part}
	}
	c.config.Log.Info("a change waits for the next start", "machine", c.name, "change", c.change.Kind, "error", live)
	note := "the running machine does not take it: " + live.Error()
	if d := (*driverError)(nil); errors.As(live, &d) {
		note = "the running machine does not take it: " + d.text
	}
	if errors.Is(live, errHeld) {
		note = heldNote
	}
	return fusion.Changed{When: fusion.NextStart, Part: part, Note: note}
}

// both does something to the next start, and then to what runs.
func (c *changing) both(ctx context.Context, part string, do func(d driver, live bool) error) (fusion.Changed, error) {
	if err := c.do(ctx, func(d driver) error { return do(d, false) }); err != nil {
		return fusion.Changed{}, err
	}
	if c.now == nil {
		return fusion.Changed{When: fusion.Now, Part: part}, nil
	}
	return c.settled(part, c.do(ctx, func(d driver) error { return do(d, true) })), nil
}

func (c *changing) bad(detail, hint string) error { return invalid(opChange, c.name, detail, hint) }

func (c *changing) lacks(detail, hint string) error {
	return &fusion.Error{Op: opChange, Path: c.name, Cause: fusion.ErrUnsupported, Detail: detail, Hint: hint}
}

func (c *changing) missing(detail string) error {
	return &fusion.Error{Op: opChange, Path: c.name, Cause: fusion.ErrNotFound, Detail: detail, Hint: "hither machine hw shows what it has"}
}

func isComputer(op string) error {
	return &fusion.Error{Op: op, Path: fusion.Self, Cause: fusion.ErrUnsupported,
		Detail: "it is this computer itself", Hint: "only virtual machines can be changed this way"}
}

// limits asks what this host can give the machine.
func (s *Store) limitsOf(ctx context.Context, definition *domxml.Element) (limits, error) {
	kind := definition.One("os", "type")
	return call(ctx, s, func(d driver) (limits, error) {
		return d.limits(definition.Attr("type"), kind.Attr("arch"), kind.Attr("machine"))
	}, nil)
}

// setResources changes memory and CPUs.
func (c *changing) setResources(ctx context.Context) (fusion.Changed, error) {
	most, err := c.limitsOf(ctx, c.next)
	if err != nil {
		return fusion.Changed{}, err
	}
	want := c.change
	switch {
	case want.MemoryBytes > most.memoryBytes && most.memoryBytes > 0:
		return fusion.Changed{}, c.bad(imagepool.BytesText(want.MemoryBytes)+" of memory, and this host has "+imagepool.BytesText(most.memoryBytes),
			"give it less than the host has")
	case want.CPUs > most.cpus && most.cpus > 0:
		return fusion.Changed{}, c.bad(fmt.Sprintf("%d CPUs, and a machine of its kind has %d at most", want.CPUs, most.cpus), "give it fewer")
	}
	ctx, cancel := withinCall(ctx)
	defer cancel()
	done := fusion.Changed{When: fusion.Now}
	for _, step := range []struct {
		wanted bool
		do     func(context.Context) (fusion.Changed, error)
	}{{want.MemoryBytes > 0, c.setMemory}, {want.CPUs > 0, c.setCPUs}} {
		if !step.wanted {
			continue
		}
		part, err := step.do(ctx)
		if err != nil {
			return part, err
		}
		if part.When == fusion.NextStart {
			done = part
		}
	}
	return done, nil
}

// setMemory changes the memory of the next start, and what runs by the balloon in its
// guest: that can give back and take again, up to what the machine began with.
func (c *changing) setMemory(ctx context.Context) (fusion.Changed, error) {
	bytes := c.change.MemoryBytes &^ (1<<20 - 1) // the balloon has pages
	if err := c.do(ctx, func(d driver) error { return d.setMemory(c.r.uuid, bytes, false) }); err != nil {
		return fusion.Changed{}, err
	}
	if c.now == nil {
		return fusion.Changed{When: fusion.Now}, nil
	}
	if bytes > domxml.MemoryOf(c.now.One("memory")) {
		return fusion.Changed{When: fusion.NextStart, Note: "a running machine has at most the memory that it began with"}, nil
	}
	if err := c.do(ctx, func(d driver) error { return d.setMemory(c.r.uuid, bytes, true) }); err != nil {
		return c.settled("", err), nil
	}
	took, err := c.await(ctx, func(now *domxml.Element) bool {
		return now == nil || domxml.MemoryOf(now.One("currentMemory")) == bytes
	})
	if err != nil || took {
		return fusion.Changed{When: fusion.Now}, err
	}
	return fusion.Changed{When: fusion.NextStart, Note: "the guest was asked and has not followed yet; from its next start on it counts in any case"}, nil
}
