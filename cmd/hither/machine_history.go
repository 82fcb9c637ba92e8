package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"hither/fusion"
)

const (
	historyRows   = 12  // for people
	historyPoints = 360 // in JSON
)

// historyOf asks for what was measured of a machine lately, and shows it.
func (g *globals) historyOf(cmd *cobra.Command, text string, since time.Duration) error {
	address, host, err := g.target(cmd.Context(), text)
	if err != nil {
		return err
	}
	now, points := time.Now(), historyRows
	if g.json {
		points = historyPoints
	}
	h, err := host.Meters().History(cmd.Context(), address.Machine, now.Add(-since), now, points)
	if err != nil {
		return err
	}
	if len(h.Points) == 0 && !g.json {
		_, err := fmt.Fprintln(cmd.ErrOrStderr(), "nothing was measured since: a machine is measured while somebody looks at it, or always with: hither host history HOST always")
		return err
	}
	return g.show(cmd, h, func(w io.Writer) error { return printHistory(w, h) })
}

// printHistory writes a row for each step; what was not measured is a dash.
func printHistory(w io.Writer, h fusion.History) error {
	t := newTable("SINCE", "CPU", "MOST", "MEMORY", "READ/S", "WRITTEN/S", "IN/S", "OUT/S")
	for _, p := range h.Points {
		share, most := "–", "–"
		if p.CPU != nil {
			share, most = percentText(p.CPU.Avg), percentText(p.CPU.Max)
		}
		t.add(p.At.Local().Format(time.TimeOnly), share, most, meanText(p.Memory), meanText(p.DiskRead), meanText(p.DiskWrite), meanText(p.NetIn), meanText(p.NetOut))
	}
	return t.write(w)
}

func percentText(share float64) string { return fmt.Sprintf("%.0f %%", share*100) }

func meanText(r *fusion.Range) string {
	if r == nil {
		return "–"
	}
	return bytesText(int64(r.Avg))
}

// hostHistory chooses whether a host measures always.
func hostHistory(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "history HOST always|looked", Short: "Measure a host's machines always, or while somebody looks", Args: exactly("HOST", "always|looked"),
		Long: "Measure a host's machines once a second always, or only while somebody looks at them,\n" +
			"which is how it begins. What was measured is kept for a day.",
		RunE: func(cmd *cobra.Command, args []string) error {
			always := args[1] == "always"
			if !always && args[1] != "looked" {
				return usage(&fusion.Error{Op: "host.history", Path: printable(args[1]), Cause: fusion.ErrInvalid, Hint: "say always, or looked"})
			}
			c, err := g.join(cmd.Context())
			if err != nil {
				return err
			}
			return c.Host(args[0]).Meters().KeepAlways(cmd.Context(), always)
		},
	}
}
