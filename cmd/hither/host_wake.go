package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/fusion"
)

func hostWake(g *globals) *cobra.Command {
	var wait bool
	var patience time.Duration
	cmd := &cobra.Command{
		Use: "wake HOST", Short: "Wake a host that sleeps, over its network", Args: exactly("HOST"),
		Long: "Wake a host that sleeps or is switched off, over its network: every paired computer\n" +
			"that is awake there, this one too, sends its network cards the magic packet of\n" +
			"Wake-on-LAN. Nobody answers one, so only --wait tells whether it woke.",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.join(cmd.Context())
			if err != nil {
				return err
			}
			h, err := findHost(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			if wait && h.Online {
				_, err := fmt.Fprintf(cmd.ErrOrStderr(), "%s is awake\n", printable(h.Name))
				return err
			}
			woken, err := c.Wake(cmd.Context(), string(h.ID))
			if err != nil {
				return err
			}
			if err := g.show(cmd, woken, func(w io.Writer) error { return printWoken(w, h.Name, woken) }); err != nil || !wait {
				return err
			}
			return waitOnline(cmd, c, h, patience)
		},
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until it is online")
	cmd.Flags().DurationVar(&patience, "for", 3*time.Minute, "how long to wait for it")
	return cmd
}

func printWoken(w io.Writer, host string, woken fusion.Woken) error {
	_, err := fmt.Fprintf(w, "The magic packet for %s was sent by %s\n", printable(host), printable(strings.Join(woken.By, ", ")))
	if err == nil && woken.Note != "" {
		_, err = fmt.Fprintf(w, "note: %s\n", printable(woken.Note))
	}
	return err
}

// waitOnline returns when a host is online.
func waitOnline(cmd *cobra.Command, c *client.Client, host fusion.HostInfo, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), patience)
	defer cancel()
	began := time.Now()
	for e, err := range c.WatchAll(ctx) {
		if cmd.Context().Err() != nil {
			return cmd.Context().Err()
		}
		if ctx.Err() != nil {
			return &fusion.Error{Op: "host.wake", Path: host.Name, Cause: fusion.ErrOffline, Detail: "it is not back after " + span(patience),
				Hint: "see that Wake-on-LAN is on in its firmware and for its network card: ethtool CARD"}
		}
		if err != nil {
			return err
		}
		if e.Host != nil && e.Host.ID == host.ID && e.Host.Online {
			_, err := fmt.Fprintf(cmd.ErrOrStderr(), "%s is back after %s\n", printable(host.Name), span(time.Since(began)))
			return err
		}
	}
	return ctx.Err()
}
