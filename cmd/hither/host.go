package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func hostCommand(g *globals) *cobra.Command {
	return group("host", "Computers that this one is paired with",
		hostLs(g), hostShow(g), hostAdd(g), hostLeave(g), hostForget(g), hostGrant(g), hostKick(g), hostWake(g), hostRole(g), hostHistory(g), hostDevices(g))
}

// hosts lists the hosts that the node knows, this computer first.
func hosts(ctx context.Context, c *client.Client) ([]fusion.HostInfo, error) {
	res, err := c.Hosts.List(ctx, connect.NewRequest(&pb.HostListRequest{}))
	if err != nil {
		return nil, client.Error(err, "")
	}
	return convert.All(res.Msg.Hosts, convert.HostFromPB), nil
}

// findHost finds a host by name or ID; "" is this computer.
func findHost(ctx context.Context, c *client.Client, name string) (fusion.HostInfo, error) {
	list, err := hosts(ctx, c)
	if err != nil {
		return fusion.HostInfo{}, err
	}
	for _, h := range list {
		if h.Name == name || string(h.ID) == name || name == "" && h.Local {
			return h, nil
		}
	}
	return fusion.HostInfo{}, &fusion.Error{Op: "host", Path: name, Cause: fusion.ErrNotFound,
		Hint: "see which there are with: hither host ls"}
}

func hostLs(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "ls", Short: "List this computer and the paired ones", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.join(cmd.Context())
			if err != nil {
				return err
			}
			list, err := hosts(cmd.Context(), c)
			if err != nil {
				return err
			}
			return g.show(cmd, list, func(w io.Writer) error { return printHosts(w, list) })
		},
	}
}

func printHosts(w io.Writer, list []fusion.HostInfo) error {
	t := newTable("HOST", "STATE", "PATH", "ROLES", "OS", "MAY DO HERE", "KEY")
	for _, h := range list {
		path, grants := h.Path, strings.Join(h.Grants, " ")
		switch {
		case h.Local:
			path, grants = "this computer", ""
		case h.Via != "":
			path += " through " + h.Via
		}
		t.add(h.Name, hostState(h), path, strings.Join(h.Roles, " "), h.OS, grants, h.Fingerprint)
	}
	return t.write(w)
}

func hostState(h fusion.HostInfo) string {
	if h.Online {
		return "online"
	}
	return cmp.Or(map[fusion.Away]string{fusion.Asleep: "asleep", fusion.PoweredOff: "switched off", fusion.Restarting: "restarting"}[h.Away], "offline")
}

func cardText(c fusion.Card) string {
	listens := map[string]string{"on": "wakes by the network", "off": "does not listen while it sleeps"}[c.Wake]
	return strings.TrimSpace(c.MAC + " " + strings.Join(c.Nets, " ") + " " + listens)
}

func hostShow(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "show HOST", Short: "Show one host", Args: exactly("HOST"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.join(cmd.Context())
			if err != nil {
				return err
			}
			h, err := findHost(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			return g.show(cmd, h, func(w io.Writer) error {
				pairs := []string{"name", h.Name, "id", string(h.ID), "state", hostState(h), "path", pathText(h),
					"address", h.Addr, "why not direct", h.WhyNot, "owner", belongs(h),
					"os", h.OS, "version", h.Version, "roles", strings.Join(h.Roles, " "),
					"key", h.Fingerprint, "may do here", strings.Join(h.Grants, " "), "last seen", ago(time.Now(), h.LastSeen), "may do there", strings.Join(h.May, " ")}
				for _, card := range h.Cards {
					pairs = append(pairs, "card "+card.Name, cardText(card))
				}
				return fields(w, pairs...)
			})
		},
	}
}

// belongs says whose a host is, of which only the owner's are in a list.
func belongs(h fusion.HostInfo) string {
	if h.Own || h.Local {
		return "you: all your computers know it"
	}
	return "a guest of this computer alone"
}

// pathText is the path of a host in full: "relay through vps, tcp, 12.3 ms".
func pathText(h fusion.HostInfo) string {
	text := h.Path
	if h.Via != "" {
		text += " through " + h.Via
	}
	if h.Transport != "" {
		text += ", " + h.Transport
	}
	if h.RTTMicros > 0 {
		text += fmt.Sprintf(", %.1f ms", float64(h.RTTMicros)/1000)
	}
	return text
}

func hostForget(g *globals) *cobra.Command {
	var login loginFlags
	cmd := &cobra.Command{
		Use: "forget HOST", Short: "End the pairing with a host", Args: exactly("HOST"),
		Example: "  hither host forget nas --uninstall ssh://anna@nas.example",
		RunE: func(cmd *cobra.Command, args []string) error {
			if login.server != "" {
				return g.leave(cmd, login, args[0])
			}
			c, err := g.join(cmd.Context())
			if err != nil {
				return err
			}
			_, err = c.Hosts.Forget(cmd.Context(), connect.NewRequest(&pb.HostForgetRequest{Host: args[0]}))
			return client.Error(err, args[0])
		},
	}
	cmd.Flags().StringVar(&login.server, "uninstall", "", "also take Hither off that host, which `ssh://USER@SERVER` reaches")
	login.add(cmd)
	cmd.Flags().BoolVarP(&g.yes, "yes", "y", false, "with --uninstall: do not ask first")
	return cmd
}
