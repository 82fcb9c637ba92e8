package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"hither/fusion"
)

func appCommand(g *globals) *cobra.Command {
	return group("app", "Programs of machines, each in a window of its own", appLs(g), appRun(g), appStop(g),
		appInstall(g), appUninstall(g))
}

func appLs(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "ls MACHINE", Short: "List the apps of a machine", Args: exactly("MACHINE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, host, err := g.target(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			list, err := host.Apps().List(cmd.Context(), address.Machine, language())
			if err != nil {
				return err
			}
			return g.show(cmd, list, func(w io.Writer) error {
				t := newTable("APP", "NAME", "IN MENU", "WHAT IT IS")
				for _, a := range list {
					t.add(a.ID, a.Name, inMenuText(a), a.Comment)
				}
				return t.write(w)
			})
		},
	}
}

func appRun(g *globals) *cobra.Command {
	var detach, viewOnly, menu bool
	var keys keyboardFlag
	cmd := &cobra.Command{
		Use: "run MACHINE APP [FILE…]", Short: "Launch an app and show its windows here", Args: atLeast("MACHINE", "APP"),
		Long: "Launch an app and show each of its windows here. Closing the last one ends the app; when\n" +
			"the app ends, its windows close.\n\n" + viewKeys,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if menu {
				defer func() { notifyError(args[1], err) }()
			}
			address, err := g.address(cmd.Context(), args[0], machineAddress)
			if err != nil {
				return err
			}
			if err := fusion.CheckName(args[1]); err != nil {
				return usage(err)
			}
			address.App = args[1]
			c, err := g.join(cmd.Context())
			if err != nil {
				return err
			}
			v := &viewer{c: c, address: address, options: fusion.ViewOptions{ViewOnly: viewOnly}, keys: keys, pasted: g.pasted(),
				out: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}
			files, err := v.run(cmd, args[2:])
			if err != nil {
				return err
			}
			if !detach {
				files.follow(menu)
				return errors.Join(v.show(cmd.Context()), files.settle())
			}
			files.leave()
			return g.show(cmd, v.screen, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, printable(screenAddress(address.Host, v.screen)))
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&detach, "detach", false, "print the screen's address and open no window")
	cmd.Flags().BoolVar(&menu, "notify", false, "say errors on the desktop, as for a menu")
	cmd.Flags().BoolVar(&viewOnly, "view-only", false, "send no keys and no mouse")
	keys.add(cmd)
	return cmd
}

func appStop(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "stop HOST/MACHINE/INSTANCE", Short: "End an app that runs", Args: exactly("HOST/MACHINE/INSTANCE"),
		Long: "Ask an app that runs to end; one that does not is killed after some seconds. Its\n" +
			"address is what `hither screen ls` shows and `hither app run --detach` prints.",
		Example: "  hither app stop nas/self/xterm-1",
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := g.address(cmd.Context(), args[0], partAddress)
			if err == nil && address.App == "" {
				err = usage(&fusion.Error{Op: "address", Path: args[0], Cause: fusion.ErrInvalid,
					Hint: "an app that runs is HOST/MACHINE/INSTANCE; see: hither screen ls MACHINE"})
			}
			if err != nil {
				return err
			}
			host, err := g.machine(cmd.Context(), address)
			if err != nil {
				return err
			}
			return host.Apps().End(cmd.Context(), address.Machine+"/"+address.App)
		},
	}
}
