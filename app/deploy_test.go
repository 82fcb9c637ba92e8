package app

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"hither/fusion"
	"hither/fusion/hosttest"
)

// deploying is a deployment of a machine in memory to the hosts "a" and "b".
func deploying(t *testing.T, spec fusion.DeploySpec) (d *deployment, a, b *hosttest.Memory, file fusion.Exported) {
	t.Helper()
	source := hosttest.NewMemory("id-src", "src")
	a, b = hosttest.NewMemory("id-a", "a"), hosttest.NewMemory("id-b", "b")
	if _, err := source.Machines().Create(t.Context(), fusion.MachineSpec{Name: "web", CPUs: 3, DiskBytes: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	file, err := source.Copies().Export(t.Context(), "web", fusion.Bundle)
	if err != nil {
		t.Fatal(err)
	}
	spec.To = []fusion.HostID{"id-a", "id-b"}
	if spec, err = spec.Check("web"); err != nil {
		t.Fatal(err)
	}
	d = &deployment{op: opDeploy, spec: spec}
	d.to = []*destination{{deployment: d, index: 0, host: a, name: "a"}, {deployment: d, index: 1, host: b, name: "b"}}
	return d, a, b, file
}

// each serves a machine's file.
func each(ctx context.Context, file fusion.Exported) func(*destination) error {
	return func(to *destination) error { return to.serve(ctx, file) }
}

// names gives a host's machines, with "*" for those that run and "=" for a template.
func names(t *testing.T, h fusion.Host) string {
	t.Helper()
	list, err := h.Machines().List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range list[1:] {
		name := m.Name
		if m.Template {
			name += "="
		}
		if m.State == fusion.Running {
			name += "*"
		}
		all = append(all, name)
	}
	return strings.Join(all, " ")
}

func TestDeployToSeveralHosts(t *testing.T) {
	d, a, b, file := deploying(t, fusion.DeploySpec{Count: 2, Start: true})
	var telling sync.Mutex
	var last fusion.Progress
	ctx := fusion.WithReporter(t.Context(), func(p fusion.Progress) {
		telling.Lock()
		defer telling.Unlock()
		last = p
	})
	made, err := d.run(ctx, each(ctx, file))
	if err != nil || len(made) != 4 || made[3].Address != "b/web-4" || made[3].CPUs != 3 {
		t.Errorf("%+v, %v", made, err)
	}
	if a, b := names(t, a), names(t, b); a != "web-1* web-2* web-base=" || b != "web-3* web-4* web-base=" {
		t.Errorf("a has %s, b has %s", a, b)
	}
	if last.Total != 2*file.Size() || last.Step == "" {
		t.Errorf("progress: %+v", last)
	}
	d, a, b, file = deploying(t, fusion.DeploySpec{Prefix: "shop"})
	if _, err := d.run(t.Context(), each(t.Context(), file)); err != nil || names(t, a) != "shop-1" || names(t, b) != "shop-2" {
		t.Errorf("a has %s, b has %s, %v", names(t, a), names(t, b), err)
	}
}

// TestAHostThatFailsHasNothingLeft, and the other keeps what it has.
func TestAHostThatFailsHasNothingLeft(t *testing.T) {
	d, a, b, file := deploying(t, fusion.DeploySpec{Count: 2, Start: true})
	if _, err := b.Machines().Create(t.Context(), fusion.MachineSpec{Name: "web-4"}); err != nil {
		t.Fatal(err)
	}
	_, err := d.run(t.Context(), each(t.Context(), file))
	if !errors.Is(err, fusion.ErrExists) || !strings.Contains(err.Error(), " b") || fusion.Hint(err) == "" {
		t.Errorf("%v (hint: %s)", err, fusion.Hint(err))
	}
	var partial *fusion.PartialError
	if !errors.As(err, &partial) || len(partial.Each) != 1 || partial.Each[0].Path != "id-b" || !errors.Is(partial.Each[0], fusion.ErrExists) {
		t.Errorf("each: %+v", partial)
	}
	if a, b := names(t, a), names(t, b); a != "web-1* web-2* web-base=" || b != "web-4" {
		t.Errorf("a has %s, b has %s", a, b)
	}
}

// canceler is a host on which a caller changes its mind.
type canceler struct {
	fusion.Host
	cancel context.CancelFunc
}

func (c canceler) Copies() fusion.Copies { return cancelerCopies{c.Host.Copies(), c.cancel} }

type cancelerCopies struct {
	fusion.Copies
	cancel context.CancelFunc
}

func (c cancelerCopies) Clone(ctx context.Context, machine string, spec fusion.CloneSpec) (fusion.Machine, error) {
	m, err := c.Copies.Clone(ctx, machine, spec)
	c.cancel()
	return m, err
}

func TestACanceledDeploymentLeavesNothing(t *testing.T) {
	d, a, b, file := deploying(t, fusion.DeploySpec{Count: 2, Start: true})
	ctx, cancel := context.WithCancel(t.Context())
	d.to[1].host = canceler{b, cancel}
	if made, err := d.run(ctx, each(ctx, file)); !errors.Is(err, context.Canceled) || len(made) != 0 {
		t.Errorf("%+v, %v", made, err)
	}
	if a, b := names(t, a), names(t, b); a != "" || b != "" {
		t.Errorf("a has %q, b has %q", a, b)
	}
}

// spreading is a deployment of an image to the hosts "a" and "b", that b has already
// under another name.
func spreading(t *testing.T, spec fusion.DeploySpec) (s *spread, a, b *hosttest.Memory) {
	t.Helper()
	source := hosttest.NewMemory("id-src", "src")
	a, b = hosttest.NewMemory("id-a", "a"), hosttest.NewMemory("id-b", "b")
	disk := strings.Repeat("disk", 1000)
	for host, name := range map[*hosttest.Memory]string{source: "disk.qcow2", b: "mine"} {
		if err := host.Machines().Upload(t.Context(), name, int64(len(disk)), strings.NewReader(disk)); err != nil {
			t.Fatal(err)
		}
	}
	list, err := source.Images().List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	spec.To = []fusion.HostID{"id-a", "id-b"}
	if spec, err = spec.CheckImage("disk.qcow2", fusion.MachineSpec{}); err != nil {
		t.Fatal(err)
	}
	d := &deployment{op: opDeployImage, spec: spec}
	d.to = []*destination{{deployment: d, index: 0, host: a, name: "a"}, {deployment: d, index: 1, host: b, name: "b"}}
	return &spread{deployment: d, image: list[0], pool: source.Images(), of: fusion.MachineSpec{CPUs: 3, MemoryBytes: 64 << 20}}, a, b
}

func TestDeployImageToSeveralHosts(t *testing.T) {
	s, a, b := spreading(t, fusion.DeploySpec{Count: 2, Start: true})
	made, err := s.run(t.Context(), func(to *destination) error { return s.serve(t.Context(), to) })
	if err != nil || len(made) != 4 || made[3].Address != "b/disk-4" || made[3].CPUs != 3 {
		t.Errorf("%+v, %v", made, err)
	}
	if a, b := names(t, a), names(t, b); a != "disk-1* disk-2*" || b != "disk-3* disk-4*" {
		t.Errorf("a has %s, b has %s", a, b)
	}
	if s.sent.Load() != s.image.Bytes {
		t.Errorf("%d bytes were sent of an image of %d that one host lacks", s.sent.Load(), s.image.Bytes)
	}
	for host, want := range map[*hosttest.Memory]string{a: "disk.qcow2", b: "mine"} {
		list, err := host.Images().List(t.Context())
		if err != nil || len(list) != 1 || list[0].Name != want {
			t.Errorf("images: %+v, %v", list, err)
		}
	}
}

// TestAnImageIsNotHalfDeployed to a host: what failed there is gone, and what was
// canceled is gone everywhere.
func TestAnImageIsNotHalfDeployed(t *testing.T) {
	s, a, b := spreading(t, fusion.DeploySpec{Count: 2, Start: true})
	if _, err := b.Machines().Create(t.Context(), fusion.MachineSpec{Name: "disk-4"}); err != nil {
		t.Fatal(err)
	}
	_, err := s.run(t.Context(), func(to *destination) error { return s.serve(t.Context(), to) })
	var partial *fusion.PartialError
	if !errors.As(err, &partial) || len(partial.Each) != 1 || partial.Each[0].Path != "id-b" || partial.Each[0].Op != opDeployImage {
		t.Errorf("%v", err)
	}
	if a, b := names(t, a), names(t, b); a != "disk-1* disk-2*" || b != "disk-4" {
		t.Errorf("a has %s, b has %s", a, b)
	}
	s, a, b = spreading(t, fusion.DeploySpec{Count: 2, Start: true})
	ctx, cancel := context.WithCancel(t.Context())
	made, err := s.run(ctx, func(to *destination) error {
		err := s.serve(ctx, to)
		cancel()
		return err
	})
	if !errors.Is(err, context.Canceled) || len(made) != 0 || names(t, a) != "" || names(t, b) != "" {
		t.Errorf("%+v, %v; a has %s, b has %s", made, err, names(t, a), names(t, b))
	}
}
