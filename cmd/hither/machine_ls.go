package main

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/fusion"
)

func machineLs(g *globals) *cobra.Command {
	var tag, state string
	cmd := &cobra.Command{
		Use: "ls [HOST]", Short: "List the machines of a host, or of all that are online", Args: between(0, 1, "HOST"),
		Long: "List the machines of a host, or of all that are online. One that others made, with a name\n" +
			"that no address can have, is shown under another, with its own name at the end of the\n" +
			"line. Commands take either:\n\n  hither machine start 'nas/Windows 11 (test)'",
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := listed(g, cmd, args, func(h fusion.Host) ([]fusion.Machine, error) { return h.Machines().List(cmd.Context()) }, machinesOf)
			if err != nil {
				return err
			}
			list = slices.DeleteFunc(list, func(m fusion.Machine) bool {
				return tag != "" && !slices.Contains(m.Tags, tag) || state != "" && string(m.State) != state
			})
			for i := range list {
				sound(&list[i])
			}
			return g.show(cmd, list, func(w io.Writer) error { return printMachines(w, list) })
		},
	}
	cmd.Flags().StringVar(&tag, "tag", "", "only those with this `TAG`")
	cmd.Flags().StringVar(&state, "state", "", "only those in this `STATE`: running, off, saved, paused …")
	return cmd
}

func machinesOf(ctx context.Context, c *client.Client, h fusion.HostInfo) ([]fusion.Machine, error) {
	list, err := asked(c, h).Machines().List(ctx)
	for i, m := range list {
		list[i].Host = cmp.Or(m.Host, h.Name)
		list[i].Address = cmp.Or(m.Address, fusion.Address{Host: h.Name, Machine: m.Name}.String())
	}
	return list, err
}

func printMachines(w io.Writer, list []fusion.Machine) error {
	header := []string{"MACHINE", "STATE", "CPUS", "MEMORY", "OS", "STARTED", "TAGS"}
	others := slices.ContainsFunc(list, func(m fusion.Machine) bool { return m.OriginalName != "" })
	if others {
		header = append(header, "OWN NAME")
	}
	t := newTable(header...)
	for _, m := range list {
		state := string(m.State)
		if m.Template {
			state = "template"
		}
		cells := []string{cmp.Or(m.Address, m.Name), state, strconv.Itoa(m.CPUs), bytesText(m.MemoryBytes), m.OS, ago(time.Now(), m.Started), strings.Join(m.Tags, " ")}
		if others {
			cells = append(cells, m.OriginalName)
		}
		t.add(cells...)
	}
	return t.write(w)
}
