package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hither/fusion"
)

func snapshotCommand(g *globals) *cobra.Command {
	return group("snapshot", "Keep a virtual machine as it is, and go back to that",
		snapshotLs(g), snapshotTake(g),
		snapshotVerb(g, "revert", "Take a machine back to a snapshot; what it was since is lost unless a snapshot has it",
			"%[1]s goes back to %[2]s: what it was since is lost unless a snapshot has it.", fusion.Machines.RevertSnapshot),
		snapshotVerb(g, "rm", "Remove a snapshot; the machine and the snapshots taken after it stay",
			"The snapshot %[2]s of %[1]s is removed.", fusion.Machines.RemoveSnapshot))
}

func snapshotLs(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "ls MACHINE", Short: "List a machine's snapshots as a tree", Args: exactly("MACHINE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, host, err := g.target(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			list, err := host.Machines().Snapshots(cmd.Context(), address.Machine)
			if err != nil {
				return err
			}
			return g.show(cmd, list, func(w io.Writer) error { return printSnapshots(w, list) })
		},
	}
}

// printSnapshots indents each snapshot below its parent; the one that the
// machine goes on from has a star.
func printSnapshots(w io.Writer, list []fusion.Snapshot) error {
	t := newTable("SNAPSHOT", "STATE", "MEMORY", "TAKEN", "NOTE")
	depth := fusion.SnapshotDepth(list)
	for i, s := range list {
		name := strings.Repeat("  ", depth[i]) + s.Name
		if s.Current {
			name += " *"
		}
		memory := "no"
		if s.Memory {
			memory = "yes"
		}
		t.add(name, string(s.State), memory, ago(time.Now(), s.Created), s.Note)
	}
	return t.write(w)
}

func snapshotTake(g *globals) *cobra.Command {
	var spec fusion.SnapshotSpec
	cmd := &cobra.Command{
		Use: "take MACHINE NAME", Short: "Keep a machine's disks, and its memory if it runs", Args: exactly("MACHINE", "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, host, err := g.target(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			spec.Name = args[1]
			var s fusion.Snapshot
			err = following(cmd, host, "machine.snapshot.take", address.Machine, func(ctx context.Context) (err error) {
				s, err = host.Machines().TakeSnapshot(ctx, address.Machine, spec)
				return err
			})
			if err != nil || !g.json {
				return err
			}
			return g.show(cmd, s, nil)
		},
	}
	cmd.Flags().StringVar(&spec.Note, "note", "", "a `TEXT` that says what it is for")
	cmd.Flags().BoolVar(&spec.NoMemory, "no-memory", false, "leave the memory out")
	return cmd
}

// snapshotVerb asks question of the machine and the snapshot first.
func snapshotVerb(g *globals, name, short, question string, do func(m fusion.Machines, ctx context.Context, machine, snapshot string) error) *cobra.Command {
	return g.asking(&cobra.Command{
		Use: name + " MACHINE NAME", Short: short, Args: exactly("MACHINE", "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, host, err := g.target(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if err := g.loses(cmd, fmt.Sprintf(question, address, args[1])); err != nil {
				return err
			}
			return do(host.Machines(), cmd.Context(), address.Machine, args[1])
		},
	})
}
