package main

import (
	"cmp"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"hither/fusion"
)

func screenCommand(g *globals) *cobra.Command {
	return group("screen", "What machines show", screenLs(g), screenShot(g), viewCommand(g), recordCommand(g))
}

func screenLs(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "ls MACHINE", Short: "List a machine's screen, its monitors and the apps that run on it", Args: exactly("MACHINE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, host, err := g.target(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			list, err := host.Screens().List(cmd.Context(), address.Machine)
			if err != nil {
				return err
			}
			return g.show(cmd, list, func(w io.Writer) error {
				t := newTable("SCREEN", "KIND", "SIZE", "TITLE")
				for _, s := range list {
					t.add(screenAddress(address.Host, s), string(s.Kind), screenSize(s), s.Title)
				}
				return t.write(w)
			})
		},
	}
}

// screenSize is empty for a screen that was not opened yet.
func screenSize(s fusion.Screen) string {
	if s.Width == 0 || s.Height == 0 {
		return ""
	}
	return fmt.Sprintf("%d×%d", s.Width, s.Height)
}

// screenAddress is what `hither view` takes.
func screenAddress(host string, s fusion.Screen) string {
	if host == "" {
		return cmp.Or(s.Address, s.Name)
	}
	return cmp.Or(s.Address, host+"/"+s.Name)
}

func screenShot(g *globals) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "shot MACHINE -o FILE.png", Short: "Save what a machine's screen shows now as PNG", Args: exactly("MACHINE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := g.address(cmd.Context(), args[0], machineAddress)
			if err != nil {
				return err
			}
			if out == "" {
				return usageHint("screen shot: -o is missing", "usage: hither screen shot MACHINE -o FILE.png (- is standard output)")
			}
			host, err := g.machine(cmd.Context(), address)
			if err != nil {
				return err
			}
			png, err := host.Machines().Screenshot(cmd.Context(), address.Machine)
			if err != nil {
				return err
			}
			if out == "-" {
				_, err = cmd.OutOrStdout().Write(png)
				return err
			}
			return os.WriteFile(out, png, 0o644)
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "the `FILE` to write")
	return cmd
}
