package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/app/convert"
	"hither/app/home"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// nodeStatus is the JSON of `hither status`.
type nodeStatus struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Home        string            `json:"home"`
	APISocket   string            `json:"apiSocket"`
	WebURL      string            `json:"webUrl"`
	LibvirtURI  string            `json:"libvirtUri"`
	Version     string            `json:"version"`
	Fingerprint string            `json:"fingerprint"`
	Addrs       []string          `json:"addrs"`
	Peers       []fusion.HostInfo `json:"peers"`
}

func statusCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Say how the node is, and which hosts it knows", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.running()
			if err != nil {
				return err
			}
			res, err := c.Nodes.Status(cmd.Context(), connect.NewRequest(&pb.StatusRequest{}))
			if err != nil {
				return client.Error(err, "")
			}
			m := res.Msg
			s := nodeStatus{
				ID: m.Id, Name: m.Name, Home: m.Home, APISocket: m.ApiSocket, WebURL: m.WebUrl,
				LibvirtURI: m.LibvirtUri, Version: m.Version, Fingerprint: m.Fingerprint,
				Addrs: append([]string{}, m.Addrs...), Peers: convert.All(m.Peers, convert.HostFromPB),
			}
			return g.show(cmd, s, s.print)
		},
	}
}

func (s nodeStatus) print(w io.Writer) error {
	err := fields(w, "name", s.Name, "id", s.ID, "fingerprint", s.Fingerprint, "home", s.Home,
		"page", s.WebURL, "libvirt", s.LibvirtURI, "version", s.Version)
	if err != nil || len(s.Peers) == 0 {
		return err
	}
	fmt.Fprintln(w)
	return printHosts(w, s.Peers)
}

func downCommand(g *globals) *cobra.Command {
	var machines bool
	cmd := &cobra.Command{
		Use: "down", Short: "Stop the node; its machines go on running", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := home.Find(g.home)
			if err != nil {
				return err
			}
			_, err = client.Unix(h.Socket()).Nodes.Down(cmd.Context(), connect.NewRequest(&pb.DownRequest{Machines: machines}))
			if err != nil {
				return client.Error(err, "")
			}
			return waitGone(cmd.Context(), h)
		},
	}
	cmd.Flags().BoolVar(&machines, "machines", false, "stop the machines too")
	return cmd
}

// downTimeout bounds how long a node may take to stop, with its machines.
const downTimeout = 2 * time.Minute

// waitGone waits until the node has ended: it answers no more long before.
func waitGone(ctx context.Context, h home.Home) error {
	ctx, cancel := context.WithTimeoutCause(ctx, downTimeout, &fusion.Error{Op: "node", Cause: fusion.ErrBusy,
		Detail: "it still stops", Hint: "look at it again with: hither status"})
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if running, err := h.Locked(); err != nil || !running {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func webCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "web", Short: "Print the page's address with a token that works once", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.join(cmd.Context())
			if err != nil {
				return err
			}
			res, err := c.Nodes.WebToken(cmd.Context(), connect.NewRequest(&pb.WebTokenRequest{}))
			if err != nil {
				return client.Error(err, "")
			}
			answer := struct {
				URL string `json:"url"`
			}{res.Msg.Url}
			return g.show(cmd, answer, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, answer.URL)
				return err
			})
		},
	}
}
