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
	d = &deployment{spec: spec}
	d.to = []*destination{{deployment: d, index: 0, host: a, name: "a"}, {deployment: d, index: 1, host: b, name: "b"}}
	return d, a, b, file
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
	made, err := d.run(ctx, file)
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
	if _, err := d.run(t.Context(), file); err != nil || names(t, a) != "shop-1" || names(t, b) != "shop-2" {
		t.Errorf("a has %s, b has %s, %v", names(t, a), names(t, b), err)
	}
}

// TestAHostThatFailsHasNothingLeft, and the other keeps what it has.
func TestAHostThatFailsHasNothingLeft(t *testing.T) {
	d, a, b, file := deploying(t, fusion.DeploySpec{Count: 2, Start: true})
	if _, err := b.Machines().Create(t.Context(), fusion.MachineSpec{Name: "web-4"}); err != nil {
		t.Fatal(err)
	}
	_, err := d.run(t.Context(), file)
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
	if made, err := d.run(ctx, file); !errors.Is(err, context.Canceled) || len(made) != 0 {
		t.Errorf("%+v, %v", made, err)
	}
	if a, b := names(t, a), names(t, b); a != "" || b != "" {
		t.Errorf("a has %q, b has %q", a, b)
	}
}
