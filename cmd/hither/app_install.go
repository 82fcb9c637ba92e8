package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"hither/app/entry"
	"hither/fusion"
)

func appInstall(g *globals) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "install MACHINE APP…", Short: "Put apps of another computer into this one's menu", Args: atLeast("MACHINE"),
		Long: "Put apps of another computer into the menu of this one. Each gets a desktop entry with\n" +
			"its picture, and opens files of this computer: they are handed over, and written back\n" +
			"when the app saves them.",
		Example: "  hither app install nas/self org.gnome.Maps",
		RunE: func(cmd *cobra.Command, args []string) error {
			return inMenu(g, cmd, args, all, func(a fusion.Address, apps []string) ([]string, error) {
				c, err := g.join(cmd.Context())
				if err != nil {
					return nil, err
				}
				return c.Install(cmd.Context(), a, apps, language())
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "every app of the machine")
	return cmd
}

func appUninstall(g *globals) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "uninstall MACHINE APP…", Short: "Take apps of another computer out of the menu", Args: atLeast("MACHINE"),
		Long: "Take apps of another computer out of this one's menu, with all that belongs to their\n" +
			"entries. The other computer may be away.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return inMenu(g, cmd, args, all, func(a fusion.Address, apps []string) ([]string, error) {
				c, err := g.join(cmd.Context())
				if err != nil {
					return nil, err
				}
				return c.Uninstall(cmd.Context(), a, apps)
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "every app of the machine that is in the menu")
	return cmd
}

// inMenu reads MACHINE APP… or MACHINE --all, calls do and prints the apps it gives.
func inMenu(g *globals, cmd *cobra.Command, args []string, all bool, do func(fusion.Address, []string) ([]string, error)) error {
	address, err := g.address(cmd.Context(), args[0], machineAddress)
	if err != nil {
		return err
	}
	apps := args[1:]
	if all == (len(apps) > 0) {
		return usageHint(command(cmd)+"name apps, or --all", "see: hither app ls "+args[0])
	}
	for _, app := range apps {
		if err := fusion.CheckName(app); err != nil {
			return usage(err)
		}
	}
	done, err := do(address, apps)
	if err != nil {
		return err
	}
	if done == nil {
		done = []string{}
	}
	return g.show(cmd, done, func(w io.Writer) error {
		for _, app := range done {
			if _, err := fmt.Fprintln(w, printable(app)); err != nil {
				return err
			}
		}
		return nil
	})
}

// inMenuText says whether an app is in this computer's menu.
func inMenuText(a fusion.App) string {
	if a.Installed {
		return "yes"
	}
	return ""
}

// windowClass is the class that a screen's windows have here: an app's is the one
// that its entry in the menu names.
func windowClass(host fusion.HostID, s fusion.Screen) string {
	if s.App == "" {
		return "hither"
	}
	return entry.Class(host, s.Machine, s.App)
}
