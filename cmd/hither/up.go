package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"hither/app"
	"hither/app/home"
	"hither/fusion"
)

// stopTimeout bounds how long machines may take to end in `down --machines`.
const stopTimeout = 90 * time.Second

// upCommand runs the node in the foreground until it is asked to end.
func upCommand(flags *globals) *cobra.Command {
	cfg := app.Config{}
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run this computer's node in the foreground",
		Long: "Run this computer's node in the foreground. It prints a line that begins with\n" +
			"\"ready\" once it answers. HITHER_LOG=debug logs every call.\n" +
			"Ending it leaves machines and apps running. Name, addresses and libvirt are\n" +
			"remembered for the next start; auto forgets one again.",
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if cfg.Home, err = home.Find(flags.home); err != nil {
				return err
			}
			if cfg.Log, err = logger(); err != nil {
				return err
			}
			return up(cmd, cfg)
		},
	}
	cmd.Flags().StringVar(&cfg.Name, "name", "", "what other computers call this one (default: the host's name)")
	cmd.Flags().StringVar(&cfg.Listen, "listen", "", "`HOST:PORT` for other computers (default: every address, a port that is kept)")
	cmd.Flags().StringVar(&cfg.Mapping, "port-mapping", "", "off keeps the router of the own network from being asked to open the port (default: on)")
	cmd.Flags().StringVar(&cfg.Web, "web", "", "`HOST:PORT` of the loopback for the page, or off")
	cmd.Flags().StringVar(&cfg.Libvirt, "libvirt", "", "a libvirt `URI`, private, off, or auto for what there is")
	cmd.Flags().StringVar(&cfg.ACME, "acme", "", "the directory `URL` of the CA that certifies sites published here (default: Let's Encrypt)")
	cmd.Flags().StringVar(&cfg.ACMERoots, "acme-roots", "", "a `FILE` of root certificates in PEM that this CA's own HTTPS is checked with")
	return cmd
}

func up(cmd *cobra.Command, cfg app.Config) error {
	ctx := cmd.Context()
	node, err := app.Start(ctx, cfg)
	if err != nil {
		return err
	}
	status := node.Status()
	fmt.Fprintf(cmd.OutOrStdout(), "ready %s %s %s\n", status.Name, status.Id, status.WebUrl)
	var ended error
	if machines := node.Wait(ctx); machines {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		ended = node.StopMachines(stopping)
	}
	return errors.Join(ended, node.Close())
}

// logger writes to standard error, at the level that HITHER_LOG names.
func logger() (*slog.Logger, error) {
	var level slog.Level
	if text := os.Getenv("HITHER_LOG"); text != "" {
		if err := level.UnmarshalText([]byte(text)); err != nil {
			return nil, &fusion.Error{Op: "up", Path: "HITHER_LOG", Cause: fusion.ErrInvalid, Hint: "one of: debug, info, warn, error"}
		}
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})), nil
}
