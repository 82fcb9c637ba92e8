package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/fusion"
)

func machineLs(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "ls [HOST]", Short: "List the machines of a host, or of all that are online", Args: between(0, 1, "HOST"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.join(cmd.Context())
			if err != nil {
				return err
			}
			var list []fusion.Machine
			if len(args) == 1 {
				list, err = c.Host(args[0]).Machines().List(cmd.Context())
			} else {
				list, err = g.everyMachine(cmd, c)
			}
			if err != nil {
				return err
			}
			for i := range list {
				if list[i].Verbs == nil {
					list[i].Verbs = []fusion.Verb{}
				}
			}
			return g.show(cmd, list, func(w io.Writer) error { return printMachines(w, list) })
		},
	}
}

// everyMachine lists the machines of all online hosts, asked at once. A host
// that does not answer is noted and does not spoil the list.
func (g *globals) everyMachine(cmd *cobra.Command, c *client.Client) ([]fusion.Machine, error) {
	known, err := hosts(cmd.Context(), c)
	if err != nil {
		return nil, err
	}
	lists := make([][]fusion.Machine, len(known))
	errs := make([]error, len(known))
	var wg sync.WaitGroup
	for i, h := range known {
		if h.Online || h.Local {
			wg.Go(func() { lists[i], errs[i] = machinesOf(cmd.Context(), c, h) })
		}
	}
	wg.Wait()
	all := []fusion.Machine{}
	for i, h := range known {
		switch {
		case errs[i] != nil && h.Local:
			return nil, errs[i]
		case errs[i] != nil:
			fmt.Fprintf(cmd.ErrOrStderr(), "note: %s\n", printable(errorText(errs[i])))
		case !h.Online && !h.Local && !g.json:
			fmt.Fprintf(cmd.ErrOrStderr(), "note: %s is offline%s\n", printable(h.Name), lastSeen(h))
		}
		all = append(all, lists[i]...)
	}
	return all, cmd.Context().Err()
}

func lastSeen(h fusion.HostInfo) string {
	if seen := ago(time.Now(), h.LastSeen); seen != "" {
		return ", last seen " + seen
	}
	return ""
}

func machinesOf(ctx context.Context, c *client.Client, h fusion.HostInfo) ([]fusion.Machine, error) {
	name := h.Name
	if h.Local {
		name = ""
	}
	list, err := c.Host(name).Machines().List(ctx)
	for i, m := range list {
		list[i].Host = cmp.Or(m.Host, h.Name)
		list[i].Address = cmp.Or(m.Address, fusion.Address{Host: h.Name, Machine: m.Name}.String())
	}
	return list, err
}

func printMachines(w io.Writer, list []fusion.Machine) error {
	t := newTable("MACHINE", "STATE", "CPUS", "MEMORY", "OS", "STARTED")
	for _, m := range list {
		t.add(cmp.Or(m.Address, m.Name), string(m.State), strconv.Itoa(m.CPUs), bytesText(m.MemoryBytes), m.OS, ago(time.Now(), m.Started))
	}
	return t.write(w)
}
