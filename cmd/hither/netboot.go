package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hither/fusion"
)

func netbootCommand(g *globals) *cobra.Command {
	cmd := group("netboot", "Bare computers that start from the network and are installed",
		netbootOn(g), netbootOff(g), netbootShow(g), netbootInstall(g), netbootForget(g))
	cmd.Long = "Bare computers that start from the network and are installed.\n\n" +
		"While it is on, a computer on that network that starts from the network is listed and\n" +
		"waits; nothing is written to its disk before `hither netboot install` names it. Then\n" +
		"Debian's installer wipes its disk and asks nothing, and the new system pairs itself."
	return cmd
}

// netBoot joins the node and finds the network boot of a host.
func (g *globals) netBoot(cmd *cobra.Command, host string) (fusion.Host, error) {
	c, err := g.join(cmd.Context())
	if err != nil {
		return nil, err
	}
	return c.Host(host), nil
}

// first gives the first argument, or "".
func first(args []string) string { return strings.Join(args[:min(len(args), 1)], "") }

func netbootOn(g *globals) *cobra.Command {
	spec := fusion.NetBootSpec{On: true}
	cmd := &cobra.Command{
		Use: "on [HOST]", Short: "Serve computers that start from the network", Args: between(0, 1, "HOST"),
		Long: "Serve computers that start from the network, on one interface of a host, beside the DHCP\n" +
			"server that is there. It stays on until it is switched off. The node needs the ports of\n" +
			"DHCP and TFTP (67, 69 and 4011), and iPXE (Debian's package ipxe).",
		Example: "  hither netboot on nas --interface eth0",
		RunE:    func(cmd *cobra.Command, args []string) error { return g.switchNetBoot(cmd, first(args), spec) },
	}
	cmd.Flags().StringVar(&spec.Interface, "interface", "", "the network `IF` to serve (default: the only one)")
	return cmd
}

func netbootOff(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "off [HOST]", Short: "Serve none any more; what is being installed cannot go on", Args: between(0, 1, "HOST"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.switchNetBoot(cmd, first(args), fusion.NetBootSpec{})
		},
	}
}

func (g *globals) switchNetBoot(cmd *cobra.Command, host string, spec fusion.NetBootSpec) error {
	h, err := g.netBoot(cmd, host)
	if err != nil {
		return err
	}
	state, err := h.NetBoot().Switch(cmd.Context(), spec)
	if err != nil {
		return err
	}
	return g.show(cmd, state, func(w io.Writer) error { return printNetBoot(w, state) })
}

func netbootShow(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "status [HOST]", Aliases: []string{"ls"}, Short: "Say whether it is on, and list the computers", Args: between(0, 1, "HOST"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := g.netBoot(cmd, first(args))
			if err != nil {
				return err
			}
			state, err := h.NetBoot().Show(cmd.Context(), 0)
			if err != nil {
				return err
			}
			return g.show(cmd, state, func(w io.Writer) error { return printNetBoot(w, state) })
		},
	}
}

func printNetBoot(w io.Writer, s fusion.NetBootState) error {
	says, places := "off", []string{}
	if s.On {
		says = strings.TrimSpace("on " + s.Interface + " " + s.Address)
	}
	for _, i := range s.Interfaces {
		places = append(places, i.Name+" "+i.Address)
	}
	err := fields(w, "network boot", says, "but", s.Note, "hint", s.Hint, "interfaces", strings.Join(places, ", "))
	if err != nil || len(s.Computers) == 0 {
		return err
	}
	t := newTable("MAC", "NAME", "STATE", "SINCE", "SEEN", "FIRMWARE", "NOTE")
	for _, c := range s.Computers {
		t.add(c.MAC, c.Name, bareText(c.State), ago(time.Now(), since(c)), ago(time.Now(), c.Seen), c.Firmware, c.Note)
	}
	return t.write(w)
}

// since is when a computer reached its state.
func since(c fusion.BareComputer) (at time.Time) {
	for _, s := range c.Steps {
		at = s.At
	}
	return at
}

func bareText(s fusion.BareState) string {
	return cmp.Or(map[fusion.BareState]string{fusion.BareSeen: "waits", fusion.BareOrdered: "to be installed", fusion.BareBooting: "loads the installer"}[s], string(s))
}

func netbootInstall(g *globals) *cobra.Command {
	var spec fusion.BareSpec
	var who seedFlags
	var host string
	var grants []string
	var detach bool
	cmd := &cobra.Command{
		Use: "install MAC --name NAME", Short: "Wipe a computer's disk and install it when it starts from the network next", Args: exactly("MAC"),
		Long: "Wipe a computer's disk, install Debian on it when it starts from the network next, and wait\n" +
			"until it has paired itself. Whatever is on the disk is lost. This host may do everything\n" +
			"there then; what that computer may do here is what --grant says, by default nothing.\n" +
			"Ctrl-C takes the word back, as far as nothing was written yet.",
		Example: "  hither netboot install 52:54:00:12:34:56 --name attic --user anna --ssh-key ~/.ssh/id_ed25519.pub",
		RunE: func(cmd *cobra.Command, args []string) error {
			spec.MAC = args[0]
			for _, text := range grants {
				spec.Grants = append(spec.Grants, fusion.Capability(text))
			}
			seed, err := who.read()
			if err != nil {
				return err
			}
			if seed != nil {
				spec.Seed = *seed
			}
			if spec, err = spec.WithDefaults(); err != nil {
				return usage(err)
			}
			if err := g.sureToWipe(cmd, spec); err != nil {
				return err
			}
			h, err := g.netBoot(cmd, host)
			if err != nil {
				return err
			}
			if detach {
				return g.order(cmd, h, spec)
			}
			var c fusion.BareComputer
			err = following(cmd, h, "netboot.install", spec.Name, func(ctx context.Context) (err error) {
				c, err = h.NetBoot().Install(ctx, spec)
				return err
			})
			if err != nil {
				return err
			}
			return g.show(cmd, c, func(w io.Writer) error {
				return fields(w, "name", c.Name, "id", string(c.ID), "state", bareText(c.State))
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&spec.Name, "name", "", "what the computer is called then")
	f.StringVar(&host, "host", "", "the `HOST` that it starts from (default: this computer)")
	f.StringVar(&spec.Image, "image", "", "an `IMAGE` of the catalogue or the pool whose installer needs only a network (default debian-12)")
	f.StringVar(&spec.Disk, "disk", "", "the `DISK` there that is wiped, as in /dev/sda (default: the first)")
	f.DurationVar(&spec.Within, "within", 0, "how long this counts, as in 6h (default 2h)")
	f.StringSliceVar(&grants, "grant", nil, "what that computer may do on the host, as in view,files (default nothing)")
	f.StringVar(&who.seed.User, "user", "", "who logs in there, and whose node it is (default \"user\")")
	f.StringArrayVar(&who.keys, "ssh-key", nil, "a `FILE` with public SSH keys of that user; may be given several times")
	f.StringVar(&who.password, "password-file", "", "a `FILE` whose first line is that user's password")
	f.StringVar(&who.seed.Hostname, "hostname", "", "the computer's name for itself (default: NAME)")
	f.StringVar(&who.seed.Locale, "locale", "", "its `LANGUAGE`, as in de_DE.UTF-8")
	f.StringArrayVar(&who.seed.Packages, "package", nil, "a `PACKAGE` that is installed too; may be given several times")
	f.BoolVar(&detach, "detach", false, "return once it is to be installed; hither netboot ls shows how far it is")
	f.BoolVarP(&g.yes, "yes", "y", false, "do not ask before its disk is wiped")
	return cmd
}

// sureToWipe asks the person; a script has to say --yes.
func (g *globals) sureToWipe(cmd *cobra.Command, spec fusion.BareSpec) error {
	if g.yes {
		return nil
	}
	in, err := person(cmd, "this wipes a disk of "+spec.MAC, "say --yes if what is on it is to be lost")
	if err != nil {
		return err
	}
	return agrees(cmd, in, fmt.Sprintf("Everything on %s of %s is lost. Go on? [y/N]", cmp.Or(spec.Disk, "the first disk"), spec.MAC))
}

// order returns once the computer is to be installed. The job goes on without the call.
func (g *globals) order(cmd *cobra.Command, h fusion.Host, spec fusion.BareSpec) error {
	ended := make(chan error, 1)
	go func() {
		// Its context does not end with the command's, which would cancel the job.
		_, err := h.NetBoot().Install(context.WithoutCancel(cmd.Context()), spec)
		ended <- err
	}()
	state, err := h.NetBoot().Show(cmd.Context(), 0)
	for err == nil {
		at := slices.IndexFunc(state.Computers, func(c fusion.BareComputer) bool {
			return c.MAC == spec.MAC && c.Name == spec.Name && c.State != fusion.BareFailed
		})
		if at >= 0 {
			return g.show(cmd, state, func(w io.Writer) error { return printNetBoot(w, state) })
		}
		next := make(chan struct{})
		go func() {
			defer close(next)
			state, err = h.NetBoot().Show(cmd.Context(), state.Revision)
		}()
		select {
		case <-next:
		case err := <-ended:
			return err
		}
	}
	return err
}

func netbootForget(g *globals) *cobra.Command {
	var host string
	cmd := &cobra.Command{
		Use: "forget MAC", Short: "Take a computer off the list, and end what was to be done with it", Args: exactly("MAC"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := g.netBoot(cmd, host)
			if err != nil {
				return err
			}
			return h.NetBoot().Forget(cmd.Context(), args[0])
		},
	}
	cmd.Flags().StringVar(&host, "host", "", "the `HOST` whose list it is (default: this computer)")
	return cmd
}
