package vmctl

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"hither/fusion"
	"hither/vmctl/domxml"
	"hither/vmctl/imagepool"
)

const opImport = "machine.import"

// brokenHint is what to do about a file that did not come whole.
const brokenHint = "copy or export it again, and see that it came whole"

// Import makes a machine of a file. Nothing of the file is believed: archive entries
// get names of ours, the definition is written anew from what the file says of the
// hardware (domxml.Blueprint), and a disk that names another file is refused.
func (s *Store) Import(ctx context.Context, spec fusion.ImportSpec, size int64, r io.Reader) (fusion.Machine, error) {
	release, old, err := s.newcomer(ctx, opImport, spec.Name)
	if err != nil || old != nil {
		return made(old), err
	}
	// The name is taken once the file has come: one that broke may not have noticed
	// yet when its person tries again.
	release()
	if err := fit(&domxml.Blueprint{Memory: defaultMemory}, spec); err != nil {
		return fusion.Machine{}, err
	}
	if _, err := exec.LookPath("qemu-img"); err != nil {
		return fusion.Machine{}, noQemuImg(opImport, spec.Name)
	}
	in := &arrival{s: s, ctx: ctx, spec: spec, size: size, id: rand.Text()}
	defer in.discard()
	if err := in.receiveAll(r); err != nil {
		return fusion.Machine{}, in.explain(err)
	}
	release, old, err = s.newcomer(ctx, opImport, spec.Name)
	if err != nil || old != nil {
		return made(old), err
	}
	defer release()
	m, err := in.make()
	if err != nil {
		return fusion.Machine{}, in.explain(err)
	}
	s.config.Log.Info("machine imported", "machine", spec.Name, "uuid", m.UUID, "disks", len(in.disks), "trace", fusion.Trace(ctx))
	return m, nil
}

// arrival is a file on its way to become a machine.
type arrival struct {
	s      *Store
	ctx    context.Context
	spec   fusion.ImportSpec
	size   int64 // of the file, -1 when unknown
	id     string
	source *sourceReader
	temps  []string // paths of what came
	ours   bool     // it is a bundle of Hither's own
	domxml.Blueprint
	disks []arrivedDisk
	// vars and tpmState are its UEFI variables and the state of its TPM, or nil.
	vars, tpmState []byte
}

// arrivedDisk is a disk as it came.
type arrivedDisk struct {
	path, format string
}

// sourceReader reads the file, says how far it is, and remembers why it could not go on.
type sourceReader struct {
	in   *arrival
	r    io.Reader
	read int64
	err  error
}

func (r *sourceReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.read += int64(n)
	if err != nil && err != io.EOF {
		r.err = err
	}
	fusion.Report(r.in.ctx, fusion.Progress{Step: "receives the file", Done: r.read, Total: max(r.in.size, 0)})
	return n, err
}

// receiveAll receives the file and makes sense of it.
func (in *arrival) receiveAll(r io.Reader) error {
	in.source = &sourceReader{in: in, r: &imagepool.ContextReader{Ctx: in.ctx, Reader: r}}
	file := bufio.NewReaderSize(in.source, 1<<16)
	head, err := file.Peek(512)
	if err != nil && err != io.EOF {
		return err
	}
	if isTar(head) {
		err = in.receiveTar(file)
	} else {
		err = in.receiveDisk(file, head)
	}
	if err != nil {
		return err
	}
	return fit(&in.Blueprint, in.spec)
}

// make converts the disks and defines the machine.
func (in *arrival) make() (m fusion.Machine, err error) {
	s := in.s
	kind, err := s.domainType(in.ctx)
	if err != nil {
		return m, err
	}
	p := plan{Plan: domxml.Plan{Spec: fusion.MachineSpec{Name: in.spec.Name, MemoryBytes: in.Memory, CPUs: in.CPUs, Start: in.spec.Start},
		UUID: newUUID(), Kind: kind, Pool: s.config.pool(), Key: fusion.Key(in.ctx)}}
	if s.privateUsed() {
		p.Agent = s.config.private().AgentSocket(p.UUID)
	}
	for i := range in.disks {
		p.Disks = append(p.Disks, nthDisk(in.spec.Name, p.UUID, i))
	}
	if err := s.canGive(in.ctx, opImport, in.spec.Name, in.Firmware(), in.TPM, kind); err != nil {
		return m, err
	}
	if p.Spec.Firmware, p.Spec.TPM = in.Firmware(), in.TPM; in.EFI {
		p.Vars = varsName(in.spec.Name, p.UUID, in.Firmware())
	}
	text, err := in.Definition(p.Plan)
	if err != nil {
		return m, err
	}
	_, end, err := s.intend(intent{Op: opImport, Name: in.spec.Name, UUID: p.UUID, Files: p.Files(), Start: in.spec.Start})
	if err != nil {
		return m, err
	}
	defer func() { end(!p.half) }()
	err = in.convert(p.Disks)
	if err == nil && in.vars != nil {
		err = s.poolError(opImport, in.spec.Name, imagepool.WriteWhole(s.config.pool(), p.Vars, in.vars))
	}
	if err == nil {
		err = s.writeTPM(opImport, in.spec.Name, p.UUID, in.tpmState)
	}
	if err != nil {
		s.removeFiles(p.UUID, p.Files())
		return m, err
	}
	return s.defineAs(in.ctx, &p, text)
}

// convert makes the machine's disks of those that came, which go one by one.
func (in *arrival) convert(files []string) error {
	job := imageJob{op: opImport, name: in.spec.Name, step: "converts the disks"}
	for _, d := range in.disks {
		job.total += in.s.weight(domxml.Disk{Path: d.path})
	}
	for i, d := range in.disks {
		if err := in.check(d); err != nil {
			return err
		}
		job.bytes = in.s.weight(domxml.Disk{Path: d.path})
		if err := in.s.flatten(in.ctx, job, d.path, d.format, files[i]); err != nil {
			return err
		}
		job.done += job.bytes
		if err := os.Remove(d.path); err != nil {
			return err
		}
	}
	return nil
}

// temp makes a file for what comes next.
func (in *arrival) temp() (*os.File, error) {
	path := filepath.Join(in.s.config.pool(), fmt.Sprintf("%simport-%s-%d", imagepool.Partial, in.id, len(in.temps)))
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		in.temps = append(in.temps, path)
	}
	return f, err
}

// discard removes what came. What cannot be removed goes at the next start.
func (in *arrival) discard() {
	if err := removeAll(in.temps); err != nil {
		in.s.config.Log.Warn("some of an imported file stays", "error", err)
	}
}

// explain gives an error its words.
func (in *arrival) explain(err error) error {
	name := in.spec.Name
	var no unusable
	switch {
	case in.ctx.Err() != nil:
		return fail(opImport, name, in.ctx.Err())
	case in.source.err != nil:
		return fail(opImport, name, in.source.err)
	case errors.As(err, &no):
		return invalid(opImport, name, no.text, "give a bundle of hither machine export, an OVA, or one disk as qcow2, VMDK or VHDX")
	}
	return in.s.poolError(opImport, name, err)
}

// fit puts the caller's wishes before what the file says, and bounds both.
func fit(b *domxml.Blueprint, spec fusion.ImportSpec) error {
	if b.Memory == 0 {
		b.Memory = defaultMemory
	}
	if spec.MemoryBytes != 0 {
		b.Memory = spec.MemoryBytes
	}
	if spec.CPUs != 0 {
		b.CPUs = spec.CPUs
	}
	b.CPUs = max(b.CPUs, 1)
	checked, err := checkSpec(fusion.MachineSpec{Name: spec.Name, MemoryBytes: b.Memory, CPUs: b.CPUs})
	b.Memory, b.CPUs = checked.MemoryBytes, checked.CPUs
	if f := (*fusion.Error)(nil); errors.As(err, &f) {
		f.Op = opImport
	}
	return err
}
