package main

import (
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"hither/fusion"
)

func forwardCommand(g *globals) *cobra.Command {
	return group("forward", "Ports of a host that lead to a virtual machine",
		forwardLs(g), forwardAdd(g), forwardRm(g))
}

func forwardLs(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "ls MACHINE", Short: "List a machine's port forwards", Args: exactly("MACHINE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, host, err := g.target(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			list, err := host.Forwards().List(cmd.Context(), address.Machine)
			if err != nil {
				return err
			}
			return g.show(cmd, list, func(w io.Writer) error { return printForwards(w, list) })
		},
	}
}

func printForwards(w io.Writer, list []fusion.Forward) error {
	t := newTable("LISTENS", "PROTOCOL", "TO PORT", "NOTE")
	for _, f := range list {
		t.add(net.JoinHostPort(f.Listen, strconv.Itoa(f.HostPort)), f.Proto, strconv.Itoa(f.GuestPort), f.Note)
	}
	return t.write(w)
}

func forwardAdd(g *globals) *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use: "add MACHINE HOSTPORT:GUESTPORT[/udp]", Short: "Forward a port of the host to one of a machine", Args: exactly("MACHINE", "HOSTPORT:GUESTPORT"),
		Long: "Forward a port of the host to one of a machine. It stays over restarts of the node and\n" +
			"ends with the machine. It is for the host alone unless --listen names another address;\n" +
			"0.0.0.0 lets everybody in who reaches the host. HOSTPORT 0 takes one that is free.",
		Example: "  hither machine forward add nas/web 8080:80",
		RunE: func(cmd *cobra.Command, args []string) error {
			address, host, err := g.target(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			f, err := parseForward(args[1], true)
			if err != nil {
				return err
			}
			f.Listen = listen
			if f, err = host.Forwards().Add(cmd.Context(), address.Machine, f); err != nil {
				return err
			}
			return g.show(cmd, f, func(w io.Writer) error {
				return fields(w, "listens", net.JoinHostPort(f.Listen, strconv.Itoa(f.HostPort)), "protocol", f.Proto, "to port", strconv.Itoa(f.GuestPort))
			})
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1", "`ADDRESS` of the host to listen on")
	return cmd
}

func forwardRm(g *globals) *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use: "rm MACHINE HOSTPORT[/udp]", Short: "End a port forward", Args: exactly("MACHINE", "HOSTPORT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, host, err := g.target(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			f, err := parseForward(args[1], false)
			if err != nil {
				return err
			}
			f.Listen = listen
			return host.Forwards().Remove(cmd.Context(), address.Machine, f)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1", "`ADDRESS` of the host that it listens on")
	return cmd
}

// parseForward reads HOSTPORT:GUESTPORT[/udp]; without a guest's port it may be left out.
func parseForward(text string, guest bool) (fusion.Forward, error) {
	f := fusion.Forward{Proto: "tcp"}
	ports, proto, has := strings.Cut(text, "/")
	if has {
		f.Proto = proto
	}
	first, second, both := strings.Cut(ports, ":")
	var err error
	if f.HostPort, err = strconv.Atoi(first); err == nil && both {
		f.GuestPort, err = strconv.Atoi(second)
	}
	if err != nil || guest && !both || f.Proto != "tcp" && f.Proto != "udp" {
		want := "a forward is HOSTPORT:GUESTPORT, as in 8080:80 or 5353:53/udp"
		if !guest {
			want = "a forward is told by its port, as in 8080 or 5353/udp"
		}
		return f, usage(&fusion.Error{Op: "forward", Path: text, Cause: fusion.ErrInvalid, Hint: want})
	}
	return f, nil
}
