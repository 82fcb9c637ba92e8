package vmctl

import (
	"context"
	"encoding/xml"
	"slices"

	"hither/fusion"
)

const opLabel = "machine.label"

// labelXML is what is written on a machine, in its definition's metadata: virsh shows it,
// and it goes where the machine goes.
type labelXML struct {
	Tags      []string  `xml:"urn:hither:label:1 tag"`
	Note      string    `xml:"urn:hither:label:1 note"`
	Autostart *orderXML `xml:"urn:hither:label:1 autostart"`
}

type orderXML struct {
	Order int `xml:"order,attr,omitempty"`
}

const labelURI = "urn:hither:label:1"

// labels reads what may have been written by anybody: what Hither would refuse is left out.
func (x labelXML) labels() fusion.Labels {
	tags := slices.DeleteFunc(slices.Clone(x.Tags), func(tag string) bool { return fusion.CheckTag(tag) != nil })
	change := fusion.LabelChange{Add: tags, Notes: &x.Note}
	if x.Autostart != nil {
		on := true
		change.Autostart, change.Order = &on, &x.Autostart.Order
	}
	if change.Check("") != nil {
		change = fusion.LabelChange{Add: tags}
	}
	l, err := change.Apply("", fusion.Labels{})
	if err != nil {
		return fusion.Labels{}
	}
	return l
}

// labelElement writes labels as libvirt takes them: it gives the names their namespace.
func labelElement(l fusion.Labels) (string, error) {
	x := struct {
		XMLName   xml.Name  `xml:"label"`
		Tags      []string  `xml:"tag"`
		Note      string    `xml:"note,omitempty"`
		Autostart *orderXML `xml:"autostart"`
	}{Tags: l.Tags, Note: l.Notes}
	if l.Autostart {
		x.Autostart = &orderXML{Order: l.Order}
	}
	if len(l.Tags) == 0 && l.Notes == "" && !l.Autostart {
		return "", nil
	}
	text, err := xml.Marshal(x)
	return string(text), err
}

func sameLabels(a, b fusion.Labels) bool {
	return slices.Equal(a.Tags, b.Tags) && a.Notes == b.Notes && a.Autostart == b.Autostart && a.Order == b.Order
}

// Label changes what is written on a machine. Where it is about starting by itself, the
// hypervisor's own word on that is taken back: two that start one machine would race.
func (s *Store) Label(ctx context.Context, machine string, change fusion.LabelChange) (fusion.Machine, error) {
	if machine == fusion.Self {
		return fusion.Machine{}, isComputer(opLabel)
	}
	if err := change.Check(machine); err != nil {
		return fusion.Machine{}, err
	}
	r, release, err := s.alone(ctx, opLabel, machine)
	if err != nil {
		return fusion.Machine{}, err
	}
	run, giveUp := held(release)
	defer giveUp()
	element, err := relabelled(machine, r, change)
	if err != nil {
		return fusion.Machine{}, err
	}
	err = s.do(ctx, run(func(d driver) error {
		defer s.touch(r.uuid)
		if err := d.setMetadata(r.uuid, "label", labelURI, element); err != nil {
			return err
		}
		if change.Autostart != nil && r.autostart {
			return d.setAutostart(r.uuid, false)
		}
		return nil
	}))
	if err != nil {
		return fusion.Machine{}, fail(opLabel, machine, err)
	}
	s.config.Log.Info("machine labelled", "machine", machine, "trace", fusion.Trace(ctx))
	r, err = s.fresh(ctx, opLabel, machine, r.uuid)
	return r.machine(s.kvm.note()), err
}

func relabelled(machine string, r record, change fusion.LabelChange) (string, error) {
	labels, err := change.Apply(machine, r.labels)
	if err != nil {
		return "", err
	}
	return labelElement(labels)
}

// Rename gives a machine that is off another name. Its disks keep theirs, which have the
// machine's UUID in them.
func (s *Store) Rename(ctx context.Context, machine, name string) error {
	const op = "machine.rename"
	if machine == fusion.Self {
		return isComputer(op)
	}
	if err := fusion.CheckName(name); err != nil {
		return invalid(op, machine, "it cannot be called "+fusionClip(name), fusion.Hint(err))
	}
	exists := &fusion.Error{Op: op, Path: name, Cause: fusion.ErrExists, Hint: "choose another name"}
	if name == fusion.Self {
		return exists
	}
	r, release, err := s.alone(ctx, op, machine)
	if err != nil {
		return err
	}
	run, giveUp := held(release)
	defer giveUp()
	switch {
	case name == machine:
		return nil
	case r.state == fusion.Saved:
		return invalid(op, machine, "it is saved, under its name", "start it first, or discard what is saved")
	case r.active:
		return invalid(op, machine, "it is "+string(r.state), "stop it first")
	case s.known(name) != "":
		return exists
	}
	if err := s.unmark(ctx, r.domain); err != nil { // libvirt renames none with checkpoints
		return fail(op, machine, err)
	}
	done, ok := s.claim("machine", name)
	if !ok {
		return exists
	}
	err = s.do(ctx, run(func(d driver) error {
		defer done()
		defer s.touch(r.uuid)
		return d.rename(r.uuid, name)
	}))
	if err != nil {
		return fail(op, machine, err)
	}
	s.config.Log.Info("machine renamed", "machine", machine, "name", name, "trace", fusion.Trace(ctx))
	_, err = s.fresh(ctx, op, name, r.uuid)
	return err
}
