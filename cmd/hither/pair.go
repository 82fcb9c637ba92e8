package main

import (
	"fmt"
	"io"
	"time"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func pairCommand(g *globals) *cobra.Command {
	var addr string
	cmd := &cobra.Command{
		Use: "pair [CODE]", Short: "Show a code for another computer, or enter the one it shows", Args: between(0, 1, "CODE"),
		Long: "Without CODE it shows a code and waits until the code is used or expired.\n" +
			"With the CODE that another computer shows it pairs with that computer: CODE on the\n" +
			"same network, CODE@HOST:PORT where only that computer or its router is reached.\n" +
			"Each may then do everything on the other; `hither host grant` narrows it.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && addr != "" {
				return usageHint("pair: --addr needs the CODE", "usage: hither pair CODE --addr MULTIADDR")
			}
			c, err := g.join(cmd.Context())
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return g.offer(cmd, c)
			}
			return g.enter(cmd, c, args[0], addr)
		},
	}
	cmd.Flags().StringVar(&addr, "addr", "", "where the other computer is, a `MULTIADDR` that ends in /p2p/ID (default: found on the local network)")
	return cmd
}

// offer shows a code and waits for what becomes of it.
func (g *globals) offer(cmd *cobra.Command, c *client.Client) error {
	stream, err := c.Hosts.Offer(cmd.Context(), connect.NewRequest(&pb.OfferRequest{}))
	if err != nil {
		return client.Error(err, "")
	}
	defer stream.Close()
	var host *pb.Host
	for stream.Receive() {
		res := stream.Msg()
		if res.Code != "" {
			if err := g.showCode(cmd.OutOrStdout(), res); err != nil {
				return err
			}
		}
		if res.Host != nil {
			host = res.Host
		}
	}
	switch err := stream.Err(); {
	case host != nil:
		return g.paired(cmd, host)
	case cmd.Context().Err() != nil:
		return cmd.Context().Err()
	case err != nil:
		return client.Error(err, "")
	}
	return &fusion.Error{Detail: "pair: the code expired before it was used", Hint: "show a new one with: hither pair"}
}

// showCode prints the code at once, on one line of JSON for programs.
func (g *globals) showCode(w io.Writer, res *pb.OfferResponse) error {
	if g.json {
		return line(w, struct {
			Code string `json:"code"`
			Addr string `json:"addr"`
			// Through and Router are absent without a router.
			Through string `json:"through,omitempty"`
			Router  string `json:"router,omitempty"`
		}{res.Code, res.Addr, res.Through, res.Router})
	}
	until := ""
	if res.Expires != nil {
		until = fmt.Sprintf("in %s", span(time.Until(res.Expires.AsTime()).Round(time.Second)))
	}
	if err := fields(w, "code", res.Code, "address", res.Addr, "expires", until); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "On the other computer: hither pair %s\n", printable(res.Code)); err != nil || res.Through == "" {
		return err
	}
	_, err := fmt.Fprintf(w, "If it is on another network, through %s: hither pair %s@%s\n", printable(res.Router), printable(res.Code), printable(res.Through))
	return err
}

// enter pairs with the computer that shows code.
func (g *globals) enter(cmd *cobra.Command, c *client.Client, code, addr string) error {
	res, err := c.Hosts.Join(cmd.Context(), connect.NewRequest(&pb.JoinRequest{Code: code, Addr: addr}))
	if err != nil {
		return client.Error(err, "pair")
	}
	return g.paired(cmd, res.Msg)
}

func (g *globals) paired(cmd *cobra.Command, host *pb.Host) error {
	h := convert.HostFromPB(host)
	if g.json {
		return line(cmd.OutOrStdout(), h)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "Paired with %s. Both computers show its key as %s\n",
		printable(h.Name), printable(h.Fingerprint))
	return err
}
