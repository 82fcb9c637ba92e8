package vmctl

import (
	"encoding/xml"
	"slices"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// asForeign makes a machine of a backup whose definition another host wrote. That is not
// believed: the machine is written anew, as one from a file is (domxml.Blueprint), so it names no
// path, device or network of this host.
func (r *restoring) asForeign() (m fusion.Machine, err error) {
	s := r.s
	release, old, err := s.newcomer(r.ctx, opRestore, r.spec.As)
	if err != nil || old != nil {
		return made(old), err
	}
	defer release()
	b, kept, err := r.blueprint()
	if err != nil {
		return m, err
	}
	kind, err := s.domainType(r.ctx)
	if err != nil {
		return m, err
	}
	p := plan{Plan: domxml.Plan{Spec: fusion.MachineSpec{Name: r.spec.As, MemoryBytes: b.Memory, CPUs: b.CPUs, Start: r.spec.Start},
		UUID: newUUID(), Kind: kind, Pool: s.config.pool(), Key: fusion.Key(r.ctx)}}
	if s.privateUsed() {
		p.Agent = s.config.private().AgentSocket(p.UUID)
	}
	files := map[string]string{}
	for i, target := range kept {
		files[target] = nthDisk(r.spec.As, p.UUID, i)
		p.Disks = append(p.Disks, files[target])
	}
	if err := s.canGive(r.ctx, opRestore, r.spec.As, b.Firmware(), b.TPM, kind); err != nil {
		return m, err
	}
	if p.Spec.Firmware, p.Spec.TPM = b.Firmware(), b.TPM; b.EFI {
		p.Vars = varsName(r.spec.As, p.UUID, b.Firmware())
	}
	text, err := b.Definition(p.Plan)
	if err != nil {
		return m, err
	}
	_, end, err := s.intend(intent{Op: opRestore, Name: r.spec.As, UUID: p.UUID, Files: p.Files(), Start: r.spec.Start})
	if err != nil {
		return m, err
	}
	defer func() { end(!p.half) }()
	if err := r.writeDisks(files); err != nil {
		s.removeFiles(p.UUID, p.Files())
		return m, err
	}
	return s.defineAs(r.ctx, &p, text)
}

// blueprint reads what kind of machine it is, and the targets of its disks that were kept,
// in their order.
func (r *restoring) blueprint() (b domxml.Blueprint, kept []string, err error) {
	var x disksXML
	if err := xml.Unmarshal([]byte(r.from.Definition), &x); err != nil {
		return b, nil, invalid(opRestore, r.spec.As, "its definition cannot be read", "restore another one; hither machine backup ls shows those there are")
	}
	if b, err = domxml.ReadBlueprint(r.from.Definition); err != nil {
		return b, nil, err
	}
	all := b.Buses
	b.Buses = nil
	n := 0
	for _, d := range x.Disks {
		if d.Device != "disk" && d.Device != "" {
			continue
		}
		target := d.Target.Dev
		if slices.ContainsFunc(r.from.Disks, func(kept manifestDisk) bool { return kept.Target == target }) && !slices.Contains(kept, target) {
			kept, b.Buses = append(kept, target), append(b.Buses, all[n])
		}
		n++
	}
	err = fit(&b, fusion.ImportSpec{Name: r.spec.As})
	return b, kept, err
}

// disksXML is what of a definition says which disk is which.
type disksXML struct {
	XMLName xml.Name `xml:"domain"`
	Disks   []struct {
		Device string `xml:"device,attr"`
		Target struct {
			Dev string `xml:"dev,attr"`
		} `xml:"target"`
	} `xml:"devices>disk"`
}
