package main

import (
	"github.com/spf13/cobra"

	"hither/fusion"
)

func proxyCommand(g *globals) *cobra.Command {
	var f tunnelFlags
	var user, password string
	cmd := &cobra.Command{
		Use: "proxy LOCAL HOST", Short: "A SOCKS 5 and HTTP proxy here that goes out at another computer", Args: exactly("LOCAL", "HOST"),
		Long: "A SOCKS 5 and HTTP proxy on one port of this computer, whose connections leave from\n" +
			"HOST: programs reach what HOST reaches, and names are looked up there. HOST must have\n" +
			"granted tunnel. It is listed by hither forward ls and ended by hither forward rm.\n\n" +
			"LOCAL is PORT or ADDRESS:PORT of this computer, or unix:PATH. With --user and\n" +
			"--password-file programs are asked for them.",
		Example: "  hither proxy 1080 nas\n  curl -x socks5h://127.0.0.1:1080 http://printer.lan/",
		RunE: func(cmd *cobra.Command, args []string) error {
			listen, err := listenHere(args[0])
			if err != nil {
				return usage(err)
			}
			spec := fusion.TunnelSpec{Kind: fusion.ProxyTunnel, Proto: "tcp", Listen: listen, Host: args[1], Open: f.open, Once: f.once, Limit: int64(f.limit), User: user}
			if password != "" {
				if spec.Password, err = passwordOf(password); err != nil {
					return usage(err)
				}
			}
			if err := spec.Check(); err != nil {
				return usage(err)
			}
			return g.addTunnel(cmd, spec)
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&user, "user", "", "ask programs for this `NAME` and a password")
	cmd.Flags().StringVar(&password, "password-file", "", "a `FILE` whose first line is that password")
	return cmd
}
