package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/fusion"
)

// many says which machines a verb is for, when it is not one by its name.
type many struct{ tag, host string }

func (m *many) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&m.tag, "tag", "", "do it to all machines with this `TAG`")
	cmd.Flags().StringVar(&m.host, "host", "", "with --tag: only to those of `HOST`")
}

// args are those of a verb: one machine, or none with --tag.
func (m *many) args(cmd *cobra.Command, args []string) error {
	switch {
	case m.tag == "" && m.host != "":
		return usageHint(command(cmd)+"--host goes with --tag", "usage: "+cmd.UseLine())
	case m.tag == "":
		return exactly("MACHINE")(cmd, args)
	case len(args) > 0:
		return usageHint(command(cmd)+"either a machine or --tag", "usage: "+cmd.UseLine())
	}
	if err := fusion.CheckTag(m.tag); err != nil {
		return usage(err)
	}
	return nil
}

// result is what became of a verb on one machine.
type result struct {
	Address string `json:"address"`
	OK      bool   `json:"ok"`
	// Already is set when there was nothing to do.
	Already bool   `json:"already,omitempty"`
	Error   string `json:"error,omitempty"`
	Hint    string `json:"hint,omitempty"`

	err error
}

// goal is the state a verb leads to: a machine in it has nothing to be done.
var goal = map[fusion.Verb][]fusion.MachineState{
	fusion.Start: {fusion.Running, fusion.Starting}, fusion.Stop: {fusion.Off, fusion.Saved, fusion.Stopping}, fusion.ForceOff: {fusion.Off, fusion.Saved},
	fusion.Pause: {fusion.Paused}, fusion.Resume: {fusion.Running}, fusion.Save: {fusion.Saved, fusion.Off},
}

// maxAtOnce bounds how many machines of one verb are in work at a time.
const maxAtOnce = 8

// do applies a verb to every machine that is meant, and tells of each. It is an error
// when one refused.
func (m *many) do(g *globals, cmd *cobra.Command, verb fusion.Verb) error {
	c, err := g.join(cmd.Context())
	if err != nil {
		return err
	}
	machines, err := m.find(g, cmd, c)
	if err != nil {
		return err
	}
	results := make([]result, len(machines))
	slots := make(chan struct{}, maxAtOnce)
	var wg sync.WaitGroup
	for i, one := range machines {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			results[i] = apply(cmd.Context(), c, one, verb)
		})
	}
	wg.Wait()
	if err := g.show(cmd, results, func(w io.Writer) error { return printResults(w, results) }); err != nil {
		return err
	}
	return refusedBy(results)
}

func (m *many) find(g *globals, cmd *cobra.Command, c *client.Client) ([]fusion.Machine, error) {
	var list []fusion.Machine
	var err error
	if m.host == "" {
		list, err = everyHost(g, cmd, c, machinesOf)
	} else {
		list, err = machinesOf(cmd.Context(), c, fusion.HostInfo{Name: m.host})
	}
	list = slices.DeleteFunc(list, func(one fusion.Machine) bool {
		return one.Kind != fusion.KindVM || !slices.Contains(one.Tags, m.tag)
	})
	if err == nil && len(list) == 0 {
		err = &fusion.Error{Op: "machine", Path: cmp.Or(m.host, "every host"), Cause: fusion.ErrNotFound, Detail: "no machine has the tag " + m.tag,
			Hint: "hither machine label MACHINE --tag " + m.tag + " writes it on one"}
	}
	return list, err
}

func apply(ctx context.Context, c *client.Client, m fusion.Machine, verb fusion.Verb) result {
	r := result{Address: m.Address, OK: true}
	if slices.Contains(goal[verb], m.State) {
		r.Already = true
		return r
	}
	host := c.Host(m.Host)
	if verb == fusion.Save {
		r.err = host.Hardware().Save(ctx, m.Name)
	} else {
		r.err = host.Machines().Do(ctx, m.Name, verb)
	}
	if r.err != nil {
		r.OK, r.Error, r.Hint = false, errorText(r.err), fusion.Hint(r.err)
	}
	return r
}

func printResults(w io.Writer, results []result) error {
	t := newTable("MACHINE", "RESULT", "WHY")
	for _, r := range results {
		switch {
		case !r.OK:
			t.add(r.Address, "refused", r.Error+hintText(r.Hint))
		case r.Already:
			t.add(r.Address, "nothing to do", "")
		default:
			t.add(r.Address, "done", "")
		}
	}
	return t.write(w)
}

func hintText(hint string) string {
	if hint == "" {
		return ""
	}
	return "; " + hint
}

// refusedBy says how many refused; the exit code is the first one's.
func refusedBy(results []result) error {
	var first error
	n := 0
	for _, r := range results {
		if !r.OK {
			n++
			first = cmp.Or(first, r.err)
		}
	}
	if n == 0 {
		return nil
	}
	cause := fusion.Causes[fusion.CauseName(first)]
	return &fusion.Error{Op: "machine", Path: fmt.Sprintf("%d of %d machines", n, len(results)), Cause: cause, Detail: "refused",
		Hint: "the table says why"}
}
