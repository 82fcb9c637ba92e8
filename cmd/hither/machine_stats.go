package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"hither/fusion"
)

func machineStats(g *globals) *cobra.Command {
	var since time.Duration
	cmd := &cobra.Command{
		Use: "stats MACHINE", Short: "Show a running machine's counters, or what was measured of it lately", Args: exactly("MACHINE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("since") {
				return g.historyOf(cmd, args[0], since)
			}
			address, host, err := g.target(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			s, err := statsOf(cmd.Context(), host.Machines(), address)
			if err != nil {
				return err
			}
			return g.show(cmd, s, func(w io.Writer) error { return printStats(w, s) })
		},
	}
	cmd.Flags().DurationVar(&since, "since", 0, "what was measured in the last `TIME`, such as 5m or 24h")
	return cmd
}

// statsOf picks one machine out of the sample of all.
func statsOf(ctx context.Context, machines fusion.Machines, address fusion.Address) (fusion.Stats, error) {
	all, err := machines.Stats(ctx)
	if err != nil {
		return fusion.Stats{}, err
	}
	for _, s := range all {
		if s.Name == address.Machine {
			return s, nil
		}
	}
	m, err := machines.Get(ctx, address.Machine)
	if err != nil {
		return fusion.Stats{}, err
	}
	return fusion.Stats{}, &fusion.Error{Op: "machine.stats", Path: address.String(), Cause: fusion.ErrInvalid,
		Detail: "the machine is " + string(m.State), Hint: "start it with: hither machine start " + address.String()}
}

func printStats(w io.Writer, s fusion.Stats) error {
	load := ""
	if s.Load > 0 {
		load = fmt.Sprintf("%.2f", s.Load)
	}
	used := time.Duration(s.CPUSeconds * float64(time.Second)).Round(time.Second / 10)
	return fields(w,
		"cpu", fmt.Sprintf("%s on %d CPUs", used, s.CPUs), "load", load,
		"memory", fmt.Sprintf("%s of %s", bytesText(s.MemoryUsedBytes), bytesText(s.MemoryBytes)),
		"disk", fmt.Sprintf("%s read, %s written", bytesText(s.DiskReadBytes), bytesText(s.DiskWriteBytes)),
		"network", fmt.Sprintf("%s in, %s out", bytesText(s.NetInBytes), bytesText(s.NetOutBytes)))
}
