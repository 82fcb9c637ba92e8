package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hither/fusion"
)

// tunnelFlags are those of what makes a tunnel.
type tunnelFlags struct {
	udp, open, once, reverse bool
	limit                    speed
}

// speed is a size as a flag, of bytes a second: "10MiB", "10M/s".
type speed size

func (s *speed) String() string        { return (*size)(s).String() }
func (s *speed) Type() string          { return "SIZE" }
func (s *speed) Set(text string) error { return (*size)(s).Set(strings.TrimSuffix(text, "/s")) }

func (f *tunnelFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.open, "open", false, "listen on an address that other computers reach: everybody who does can use the tunnel")
	f.addKept(cmd)
}

// addKept adds those of every tunnel.
func (f *tunnelFlags) addKept(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.once, "once", false, "end it with the node, and do not keep it over a restart")
	cmd.Flags().Var(&f.limit, "limit", "let at most `SIZE` a second pass each way, such as 10M")
}

func tunnelCommand(g *globals) *cobra.Command {
	var f tunnelFlags
	cmd := &cobra.Command{
		Use: "forward LOCAL HOST:PORT", Short: "Lead a port of this computer to one at, in or behind another computer", Args: exactly("LOCAL", "HOST:PORT"),
		Long: "Lead a port of this computer to one at, in or behind another computer, through Hither.\n\n" +
			"LOCAL is PORT or ADDRESS:PORT of this computer, or unix:PATH. A bare PORT is for this\n" +
			"computer alone; 0 takes one that is free. HOST:PORT is a port of HOST itself,\n" +
			"HOST/MACHINE:PORT one of a machine of it, and HOST:ADDRESS:PORT one of what HOST\n" +
			"reaches, an address or a name that HOST looks up. HOST must have granted tunnel.\n\n" +
			"With --reverse HOST:PORT is listened on, and leads to LOCAL here; HOST:ADDRESS:PORT\n" +
			"listens on that address of HOST, which needs --open, and admin there.\n\n" +
			"A tunnel is kept over restarts, and works again whenever HOST is back.",
		Example: "  hither forward 8080 nas:80\n  hither forward 5432 nas:db.lan:5432\n  hither forward 2222 nas/web:22\n" +
			"  hither forward --udp 5353 nas:53\n  hither forward --reverse 3000 cloud:8080",
		RunE: func(cmd *cobra.Command, args []string) error {
			spec, err := f.spec(args[0], args[1])
			if err != nil {
				return usage(err)
			}
			return g.addTunnel(cmd, spec)
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&f.udp, "udp", false, "datagrams instead of connections")
	cmd.Flags().BoolVar(&f.reverse, "reverse", false, "listen at HOST, and lead here")
	cmd.AddCommand(tunnelLs(g), tunnelLimit(g), tunnelRm(g))
	return cmd
}

// spec reads what is to lead where.
func (f *tunnelFlags) spec(local, there string) (spec fusion.TunnelSpec, err error) {
	spec = fusion.TunnelSpec{Kind: fusion.ForwardTunnel, Proto: "tcp", Open: f.open, Once: f.once, Limit: int64(f.limit)}
	if f.udp {
		spec.Proto = "udp"
	}
	if f.reverse {
		spec.Kind = fusion.ReverseTunnel
		if spec.Host, spec.Listen, err = listenThere(there); err == nil {
			spec.Target, err = targetHere(local)
		}
	} else if spec.Host, spec.Target, err = fusion.ParseTarget(there); err == nil {
		spec.Listen, err = listenHere(local)
	}
	if err == nil && spec.Host == "" {
		err = &fusion.Error{Op: "tunnel", Path: there, Cause: fusion.ErrInvalid, Detail: "it names no computer", Hint: "name one: hither host ls lists them"}
	}
	if err == nil {
		err = spec.Check()
	}
	return spec, err
}

// listenHere reads LOCAL; the path of a socket may be relative.
func listenHere(text string) (string, error) {
	if path, unix := strings.CutPrefix(text, "unix:"); unix && path != "" {
		abs, err := filepath.Abs(path)
		if err != nil {
			return "", err
		}
		text = "unix:" + abs
	}
	return fusion.ParseListen(text)
}

// listenThere reads where a host listens for a reverse tunnel: HOST:PORT or HOST:ADDRESS:PORT.
func listenThere(text string) (host, listen string, err error) {
	host, address, ok := strings.Cut(text, ":")
	if !ok || strings.HasPrefix(address, "unix:") || host != "" && fusion.CheckName(host) != nil {
		return "", "", &fusion.Error{Op: "tunnel", Path: text, Cause: fusion.ErrInvalid, Detail: "a computer does not listen there",
			Hint: "with --reverse name HOST:PORT, or HOST:ADDRESS:PORT"}
	}
	listen, err = fusion.ParseListen(address)
	return host, listen, err
}

// targetHere reads LOCAL as where a reverse tunnel leads: PORT, ADDRESS:PORT or /MACHINE:PORT.
func targetHere(text string) (fusion.Target, error) {
	if !strings.HasPrefix(text, "/") {
		text = ":" + text
	}
	_, t, err := fusion.ParseTarget(text)
	if t.Address == "127.0.0.1" || t.Address == "::1" {
		t.Address = ""
	}
	return t, err
}

// addTunnel makes a tunnel and shows it.
func (g *globals) addTunnel(cmd *cobra.Command, spec fusion.TunnelSpec) error {
	c, err := g.join(cmd.Context())
	if err != nil {
		return err
	}
	added, err := c.Host("").Tunnels().Add(cmd.Context(), spec)
	if err != nil {
		return err
	}
	return g.show(cmd, added, func(w io.Writer) error {
		from, to := tunnelEnds(added)
		state := string(added.State)
		if added.Note != "" {
			state += ": " + added.Note
		}
		return fields(w, "tunnel", added.ID, "listens", from, "leads to", to, "state", state)
	})
}

// tunnelEnds gives where a tunnel listens and where it leads, as people write it.
func tunnelEnds(t fusion.Tunnel) (from, to string) {
	switch {
	case t.Site != (fusion.Site{}):
		return t.Host + " " + t.Site.URL(t.Listen), "here" + t.Target.String()
	case t.Kind == fusion.ReverseTunnel:
		return t.Host + ":" + t.Listen, "here" + t.Target.String()
	case t.Kind == fusion.ProxyTunnel:
		return t.Listen, t.Host + " (proxy)"
	}
	return t.Listen, t.Host + t.Target.String()
}

func tunnelLs(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "ls [HOST]", Short: "List the tunnels of this computer, or those that HOST keeps", Args: between(0, 1, "HOST"),
		RunE: func(cmd *cobra.Command, args []string) error {
			tunnels, err := g.tunnels(cmd.Context(), args)
			if err != nil {
				return err
			}
			list, err := tunnels.List(cmd.Context())
			if err != nil {
				return err
			}
			return g.show(cmd, list, func(w io.Writer) error { return printTunnels(w, list) })
		},
	}
}

// tunnels gives those of the host that is named, or of this computer.
func (g *globals) tunnels(ctx context.Context, args []string) (fusion.Tunnels, error) {
	c, err := g.join(ctx)
	if err != nil {
		return nil, err
	}
	return c.Host(strings.Join(args, "")).Tunnels(), nil
}

func printTunnels(w io.Writer, list []fusion.Tunnel) error {
	t := newTable("TUNNEL", "LISTENS", "LEADS TO", "PROTOCOL", "STATE", "CONNECTIONS", "IN", "OUT", "LIMIT", "NOTE")
	for _, tunnel := range list {
		from, to := tunnelEnds(tunnel)
		note := tunnel.Note
		if note == "" && !tunnel.CertificateUntil.IsZero() {
			note = "certificate until " + tunnel.CertificateUntil.Local().Format(time.DateOnly)
		}
		if tunnel.Hint != "" {
			note += " (" + tunnel.Hint + ")"
		}
		t.add(tunnel.ID, from, to, tunnel.Proto, string(tunnel.State), fmt.Sprintf("%d of %d", tunnel.Connections, tunnel.Total),
			passed(tunnel.BytesIn, tunnel.RateIn), passed(tunnel.BytesOut, tunnel.RateOut), limitText(tunnel.Limit), note)
	}
	return t.write(w)
}

// passed gives a sum of bytes and, while some pass, how fast.
func passed(bytes int64, rate float64) string {
	if rate < 1 {
		return bytesText(bytes)
	}
	return bytesText(bytes) + ", " + bytesText(int64(rate)) + "/s"
}

// limitText gives a limit of bytes a second, each way.
func limitText(limit int64) string {
	if limit == 0 {
		return ""
	}
	return bytesText(limit) + "/s"
}

func tunnelLimit(g *globals) *cobra.Command {
	var host string
	cmd := &cobra.Command{
		Use: "limit TUNNEL SIZE|off", Short: "Let at most SIZE a second pass a tunnel each way", Args: exactly("TUNNEL", "SIZE|off"),
		Long: "Let at most SIZE a second pass a tunnel each way, also on the connections that it has,\n" +
			"or off for as much as there is. It is kept over restarts.",
		Example: "  hither forward limit 8080 10MiB/s\n  hither forward limit 8080 off",
		RunE: func(cmd *cobra.Command, args []string) error {
			var limit speed
			if args[1] != "off" {
				if err := limit.Set(args[1]); err != nil {
					return usage(err)
				}
			}
			tunnels, err := g.tunnels(cmd.Context(), []string{host})
			if err != nil {
				return err
			}
			changed, err := tunnels.Limit(cmd.Context(), args[0], int64(limit))
			if err != nil {
				return err
			}
			return g.show(cmd, changed, func(w io.Writer) error { return printTunnels(w, []fusion.Tunnel{changed}) })
		},
	}
	cmd.Flags().StringVar(&host, "host", "", "the `HOST` that keeps it, when it is not this computer")
	return cmd
}

func tunnelRm(g *globals) *cobra.Command {
	var host string
	cmd := &cobra.Command{
		Use: "rm TUNNEL", Short: "End a tunnel", Args: exactly("TUNNEL"),
		Long: "End a tunnel, told by its ID or by what it listens on, and the connections through it.",
		RunE: func(cmd *cobra.Command, args []string) error {
			tunnels, err := g.tunnels(cmd.Context(), []string{host})
			if err != nil {
				return err
			}
			return tunnels.Remove(cmd.Context(), args[0])
		},
	}
	cmd.Flags().StringVar(&host, "host", "", "the `HOST` that keeps it, when it is not this computer")
	return cmd
}
