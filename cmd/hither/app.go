package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/fusion"
)

func appCommand(g *globals) *cobra.Command {
	return group("app", "Programs of machines, each in a window of its own", appLs(g), appRun(g), appStop(g))
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
				t := newTable("APP", "NAME", "WHAT IT IS")
				for _, a := range list {
					t.add(a.ID, a.Name, a.Comment)
				}
				return t.write(w)
			})
		},
	}
}

func appRun(g *globals) *cobra.Command {
	var detach, viewOnly bool
	cmd := &cobra.Command{
		Use: "run MACHINE APP [FILE…]", Short: "Launch an app and show its windows here", Args: atLeast("MACHINE", "APP"),
		Long: "Launch an app and show each of its windows here. Closing the last one ends the app; when\n" +
			"the app ends, its windows close.\n\n" + viewKeys,
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := machineAddress(args[0])
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
			files, err := appFiles(cmd.Context(), c, address, args[2:])
			if err != nil {
				return err
			}
			v := &viewer{c: c, address: address, options: fusion.ViewOptions{ViewOnly: viewOnly}}
			if err := v.launch(cmd.Context(), files); err != nil {
				return err
			}
			if !detach {
				return v.show(cmd.Context())
			}
			return g.show(cmd, v.screen, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, printable(screenAddress(address.Host, v.screen)))
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&detach, "detach", false, "print the screen's address and open no window")
	cmd.Flags().BoolVar(&viewOnly, "view-only", false, "send no keys and no mouse")
	return cmd
}

func appStop(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "stop HOST/MACHINE/INSTANCE", Short: "End an app that runs", Args: exactly("HOST/MACHINE/INSTANCE"),
		Long: "Ask an app that runs to end; one that does not is killed after some seconds. Its\n" +
			"address is what `hither screen ls` shows and `hither app run --detach` prints.",
		Example: "  hither app stop nas/self/xterm-1",
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := fusion.ParseAddress(args[0])
			if err == nil && address.App == "" {
				err = &fusion.Error{Op: "address", Path: args[0], Cause: fusion.ErrInvalid,
					Hint: "an app that runs is HOST/MACHINE/INSTANCE; see: hither screen ls MACHINE"}
			}
			if err != nil {
				return usage(err)
			}
			host, err := g.machine(cmd.Context(), address)
			if err != nil {
				return err
			}
			return host.Apps().End(cmd.Context(), address.Machine+"/"+address.App)
		},
	}
}

// appFiles makes the files absolute. They are files of this computer, so only
// an app of this computer can open them.
func appFiles(ctx context.Context, c *client.Client, app fusion.Address, files []string) ([]string, error) {
	if len(files) == 0 {
		return nil, nil
	}
	host, err := findHost(ctx, c, app.Host)
	if err != nil {
		return nil, err
	}
	if !host.Local || app.Machine != fusion.Self {
		return nil, &fusion.Error{Op: "app.run", Path: app.String(), Cause: fusion.ErrUnsupported,
			Detail: "an app of another machine cannot open files of this computer yet",
			Hint:   "put the file into a shared folder and open it in the app"}
	}
	var out []string
	for _, file := range files {
		if strings.Contains(file, "://") {
			out = append(out, file)
			continue
		}
		abs, err := filepath.Abs(file)
		if err != nil {
			return nil, err
		}
		out = append(out, abs)
	}
	return out, nil
}
