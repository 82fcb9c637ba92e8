package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"hither/fusion"
	"hither/vmctl"
)

const opDeploy = "machine.deploy"

// localCopies are the copies of this computer's machines. The store makes them; this
// node carries them to other computers.
type localCopies struct {
	*vmctl.Store
	n *Node
}

// Deploy exports the machine once and sends the file to all hosts at a time.
func (c localCopies) Deploy(ctx context.Context, machine string, spec fusion.DeploySpec) ([]fusion.Machine, error) {
	if _, err := c.Get(ctx, machine); err != nil {
		return nil, err
	}
	if machine == fusion.Self {
		return nil, &fusion.Error{Op: opDeploy, Path: machine, Cause: fusion.ErrUnsupported, Detail: "it is this computer itself",
			Hint: "virtual machines can be deployed"}
	}
	spec, err := spec.Check(machine)
	if err != nil {
		return nil, err
	}
	d, err := c.n.deployment(ctx, opDeploy, spec)
	if err != nil {
		return nil, err
	}
	file, err := c.Export(ctx, machine, fusion.Bundle)
	if err != nil {
		return nil, err
	}
	made, err := d.run(ctx, func(to *destination) error { return to.serve(ctx, file) })
	err = errors.Join(err, file.Close())
	c.n.log.Info("deployed", "machine", machine, "hosts", len(d.to), "machines", len(made), "err", err, "trace", fusion.Trace(ctx))
	return made, err
}

// deployment is a machine or an image on its way to several hosts.
type deployment struct {
	op   string
	spec fusion.DeploySpec
	key  string
	to   []*destination
	sent atomic.Int64 // bytes, over all hosts
}

// deployment finds the hosts of a spec.
func (n *Node) deployment(ctx context.Context, op string, spec fusion.DeploySpec) (*deployment, error) {
	d := &deployment{op: op, spec: spec, key: fusion.Key(ctx)}
	for i, id := range spec.To {
		host, info, err := n.Resolve(string(id))
		if err != nil {
			return nil, fusion.NotPaired(op, id, "pair the machine's host with each of those that it is to be on")
		}
		d.to = append(d.to, &destination{deployment: d, index: i, host: host, name: info.Name, local: info.Local})
	}
	return d, nil
}

// destination is one of the hosts.
type destination struct {
	*deployment
	index int
	host  fusion.Host
	name  string
	local bool
	made  []fusion.Machine
	base  bool // there is a template of it
}

// run serves all hosts at a time.
func (d *deployment) run(ctx context.Context, serve func(to *destination) error) (made []fusion.Machine, err error) {
	var all sync.WaitGroup
	errs := make([]error, len(d.to))
	for i, to := range d.to {
		all.Go(func() {
			if errs[i] = serve(to); errs[i] != nil {
				errs[i] = errors.Join(errs[i], to.undo(ctx))
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil { // all of it goes
		for _, to := range d.to {
			err = errors.Join(err, to.undo(ctx))
		}
		return nil, errors.Join(ctx.Err(), err)
	}
	for _, to := range d.to {
		made = append(made, to.made...)
	}
	return made, d.failed(errs)
}

// failed names the hosts that failed, and why; the cause is the first one's.
func (d *deployment) failed(errs []error) error {
	all := &fusion.PartialError{}
	for i, to := range d.to {
		if errs[i] == nil {
			continue
		}
		if all.Whole == nil {
			all.Whole = &fusion.Error{Op: d.op, Path: to.name, Cause: errs[i], Hint: fusion.Hint(errs[i])}
		} else {
			all.Whole.Detail += " | " + to.name + ": " + errs[i].Error()
		}
		all.Each = append(all.Each, ofHost(d.op, d.spec.To[i], errs[i]))
	}
	if all.Whole == nil {
		return nil
	}
	return all
}

// ofHost is what failed on one host, in that host's own words.
func ofHost(op string, id fusion.HostID, err error) *fusion.Error {
	out := &fusion.Error{Op: op, Path: string(id), Cause: err, Hint: fusion.Hint(err)}
	var inner *fusion.Error
	if cause := fusion.Causes[fusion.CauseName(err)]; cause != nil && errors.As(err, &inner) {
		out.Cause, out.Detail = cause, inner.Detail
	}
	return out
}

// keyed gives a call of this deployment its own idempotency key.
func (d *destination) keyed(ctx context.Context, call string) context.Context {
	if d.key == "" {
		return ctx
	}
	return fusion.WithKey(ctx, fmt.Sprintf("%s-%d-%s", d.key, d.index, call))
}

// serve brings the file to the host, once, and makes its machines.
func (d *destination) serve(ctx context.Context, file fusion.Exported) error {
	names := d.spec.Names(d.index)
	if len(names) == 1 {
		m, err := d.bring(ctx, file, fusion.ImportSpec{Name: names[0], Start: d.spec.Start})
		if err == nil {
			d.keep(m)
		}
		return err
	}
	base := d.spec.Base()
	if _, err := d.bring(ctx, file, fusion.ImportSpec{Name: base}); err != nil {
		return err
	}
	d.base = true
	if _, err := d.host.Copies().SetTemplate(ctx, base, true); err != nil {
		return err
	}
	for i, name := range names {
		spec := fusion.CloneSpec{Name: name, Mode: fusion.CloneLinked, Start: d.spec.Start}
		m, err := d.host.Copies().Clone(d.keyed(ctx, fmt.Sprint(i)), base, spec)
		if err != nil {
			return err
		}
		d.keep(m)
	}
	return nil
}

// bring sends the file.
func (d *destination) bring(ctx context.Context, file fusion.Exported, spec fusion.ImportSpec) (fusion.Machine, error) {
	r, err := file.Open(ctx, 0)
	if err != nil {
		return fusion.Machine{}, err
	}
	defer r.Close()
	body := &sending{r, func(n int) {
		fusion.Report(ctx, fusion.Progress{Step: "sends the machine", Done: d.sent.Add(int64(n)), Total: file.Size() * int64(len(d.to))})
	}}
	return d.host.Copies().Import(quietly(d.keyed(ctx, "file")), spec, file.Size(), body)
}

// sending tells of each read.
type sending struct {
	r    io.Reader
	sent func(n int)
}

func (s *sending) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.sent(n)
	return n, err
}

func (d *destination) keep(m fusion.Machine) {
	m.Host, m.Address = d.name, d.name+"/"+m.Name
	d.made = append(d.made, m)
}

// undoTime bounds how long taking back may take on one host.
const undoTime = time.Minute

// undo removes what was made on the host.
func (d *destination) undo(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	machines := d.host.Machines()
	for _, m := range d.made {
		if off := machines.Do(ctx, m.Name, fusion.ForceOff); off != nil && !errors.Is(off, fusion.ErrInvalid) {
			err = errors.Join(err, off)
		}
		err = errors.Join(err, machines.Remove(ctx, m.Name))
	}
	if d.base {
		err = errors.Join(err, machines.Remove(ctx, d.spec.Base()))
	}
	d.made, d.base = nil, false
	return err
}
