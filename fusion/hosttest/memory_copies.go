package hosttest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"hither/fusion"
)

type memoryCopies struct{ m *Memory }

// isBase says whether a clone stands on a machine's disks. The caller holds mu.
func (m *Memory) isBase(name string) bool {
	for _, v := range m.machines {
		if v.base == name {
			return true
		}
	}
	return false
}

func isBase(op, name string) error {
	return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrBusy, Detail: "clones stand on its disks", Hint: "remove the clones first"}
}

// still finds a VM that is off. The caller holds mu.
func (m *Memory) still(op, name string) (*memoryMachine, error) {
	v, err := m.machine(op, name)
	switch {
	case err != nil:
		return nil, err
	case v.Kind == fusion.KindSelf:
		return nil, &fusion.Error{Op: op, Path: name, Cause: fusion.ErrUnsupported, Detail: "it is the computer itself",
			Hint: "name a virtual machine"}
	case v.State != fusion.Off:
		return nil, &fusion.Error{Op: op, Path: name, Cause: fusion.ErrInvalid, Detail: "it is " + string(v.State), Hint: "shut it down first"}
	}
	return v, nil
}

// vacant refuses a name that is none or is taken. The caller holds mu.
func (m *Memory) vacant(op, name string) error {
	if err := fusion.CheckName(name); err != nil {
		return err
	}
	if _, taken := m.machines[name]; taken {
		return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrExists, Hint: "choose another name"}
	}
	return nil
}

// add makes a machine that is off, and starts it if asked. The caller holds mu.
func (m *Memory) add(v *memoryMachine, start bool) fusion.Machine {
	v.Kind, v.State, v.UUID, v.Screen, v.Accelerator = fusion.KindVM, fusion.Off, "memory-"+v.Name, true, "tcg"
	m.machines[v.Name] = v
	m.become(v, fusion.Off)
	if start {
		m.become(v, fusion.Starting)
		m.become(v, fusion.Running)
	}
	return v.copy()
}

func (p memoryCopies) Clone(ctx context.Context, machine string, spec fusion.CloneSpec) (fusion.Machine, error) {
	const op = "machine.clone"
	if err := ctx.Err(); err != nil {
		return fusion.Machine{}, err
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	v, err := p.m.still(op, machine)
	if err == nil {
		err = spec.Check()
	}
	if err == nil {
		err = p.m.vacant(op, spec.Name)
	}
	if err != nil {
		return fusion.Machine{}, err
	}
	c := &memoryMachine{Machine: fusion.Machine{Name: spec.Name, CPUs: v.CPUs, MemoryBytes: v.MemoryBytes, Disks: slices.Clone(v.Disks)}}
	if spec.Mode == fusion.CloneLinked || spec.Mode == fusion.CloneAuto && v.Template {
		c.base = machine
	}
	return p.m.add(c, spec.Start), nil
}

func (p memoryCopies) SetTemplate(ctx context.Context, machine string, on bool) (fusion.Machine, error) {
	const op = "machine.template"
	if err := ctx.Err(); err != nil {
		return fusion.Machine{}, err
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	v, err := p.m.still(op, machine)
	if err == nil && !on && v.Template && p.m.isBase(machine) {
		err = isBase(op, machine)
	}
	if err != nil {
		return fusion.Machine{}, err
	}
	v.Template = on
	p.m.become(v, v.State)
	return v.copy(), nil
}

// memoryFile is what a machine in memory is in a file.
type memoryFile struct {
	Format fusion.ExportFormat
	CPUs   int
	Memory int64
	Disks  []fusion.Disk
}

func (p memoryCopies) Export(ctx context.Context, machine string, format fusion.ExportFormat) (fusion.Exported, error) {
	const op = "machine.export"
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	v, err := p.m.still(op, machine)
	ends := map[fusion.ExportFormat]string{fusion.Bundle: ".tar", fusion.OVA: ".ova"}
	if err == nil && ends[format] == "" {
		err = &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrInvalid, Detail: "there is no such format", Hint: "qcow2 or ova"}
	}
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(memoryFile{format, v.CPUs, v.MemoryBytes, v.Disks})
	if err != nil {
		return nil, err
	}
	return &memoryExport{name: machine + ends[format], data: text}, ctx.Err()
}

type memoryExport struct {
	name string
	data []byte
}

func (e *memoryExport) Name() string { return e.name }
func (e *memoryExport) Size() int64  { return int64(len(e.data)) }
func (e *memoryExport) Close() error { return nil }

func (e *memoryExport) Open(ctx context.Context, offset int64) (io.ReadCloser, error) {
	if offset < 0 || offset > e.Size() {
		return nil, &fusion.Error{Op: "machine.export", Path: e.name, Cause: fusion.ErrInvalid, Hint: "begin within the file"}
	}
	return io.NopCloser(bytes.NewReader(e.data[offset:])), ctx.Err()
}

func (p memoryCopies) Import(ctx context.Context, spec fusion.ImportSpec, size int64, r io.Reader) (fusion.Machine, error) {
	const op = "machine.import"
	vacant := func() error {
		p.m.mu.Lock()
		defer p.m.mu.Unlock()
		return p.m.vacant(op, spec.Name)
	}
	if err := vacant(); err != nil {
		return fusion.Machine{}, err
	}
	refuse := func(detail string) (fusion.Machine, error) {
		return fusion.Machine{}, &fusion.Error{Op: op, Path: spec.Name, Cause: fusion.ErrInvalid, Detail: detail, Hint: "export it again"}
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return fusion.Machine{}, fmt.Errorf("%s %s: %w", op, spec.Name, err)
	}
	if err := ctx.Err(); err != nil {
		return fusion.Machine{}, err
	}
	var f memoryFile
	switch err := json.Unmarshal(data, &f); {
	case size >= 0 && size != int64(len(data)):
		return refuse("it is cut off")
	case err != nil && !spec.Raw:
		return refuse("it is no machine")
	case err != nil:
		f = memoryFile{CPUs: 1, Memory: 1 << 30, Disks: []fusion.Disk{{Name: "vda", TotalBytes: int64(len(data))}}}
	}
	if err := vacant(); err != nil {
		return fusion.Machine{}, err
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	v := &memoryMachine{Machine: fusion.Machine{Name: spec.Name, CPUs: f.CPUs, MemoryBytes: f.Memory, Disks: f.Disks}}
	if spec.CPUs > 0 {
		v.CPUs = spec.CPUs
	}
	if spec.MemoryBytes > 0 {
		v.MemoryBytes = spec.MemoryBytes
	}
	return p.m.add(v, spec.Start), nil
}

// Deploy refuses: there is no other host.
func (p memoryCopies) Deploy(ctx context.Context, machine string, spec fusion.DeploySpec) ([]fusion.Machine, error) {
	const op = "machine.deploy"
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	_, err := p.m.still(op, machine)
	if err == nil {
		spec, err = spec.Check(machine)
	}
	if err != nil {
		return nil, err
	}
	return nil, &fusion.Error{Op: op, Path: string(spec.To[0]), Cause: fusion.ErrNotFound, Hint: "pair the two hosts"}
}

// DeployImage refuses as Deploy does.
func (p memoryCopies) DeployImage(ctx context.Context, image string, of fusion.MachineSpec, spec fusion.DeploySpec) ([]fusion.Machine, error) {
	const op = "image.deploy"
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if _, there := p.m.images[image]; !there {
		return nil, &fusion.Error{Op: op, Path: image, Cause: fusion.ErrNotFound, Hint: "`hither image ls` shows the images"}
	}
	spec, err := spec.CheckImage(image, of)
	if err != nil {
		return nil, err
	}
	return nil, &fusion.Error{Op: op, Path: string(spec.To[0]), Cause: fusion.ErrNotFound, Hint: "pair the two hosts"}
}
