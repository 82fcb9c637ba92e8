package main

import (
	"strings"

	"github.com/spf13/cobra"

	"hither/fusion"
)

func publishCommand(g *globals) *cobra.Command {
	f := tunnelFlags{reverse: true, open: true}
	cmd := &cobra.Command{
		Use: "publish LOCAL HOST:PORT", Short: "Let everybody who reaches another computer reach a service of this one", Args: exactly("LOCAL", "HOST:PORT"),
		Long: "Let everybody who reaches HOST's port reach a service of this computer: PORT of this\n" +
			"computer, ADDRESS:PORT of what it reaches, or /MACHINE:PORT of a machine of it.\n\n" +
			"HOST listens on all its IPv4 addresses, with HOST:ADDRESS:PORT on that one, and must have\n" +
			"granted admin. Nothing is asked of those who come, and nothing is encrypted beyond HOST: the\n" +
			"service does that itself. It is listed by hither forward ls and ended by hither forward rm.",
		Example: "  hither publish 25565 cloud:25565\n  hither publish --udp /game:27015 cloud:27015",
		RunE: func(cmd *cobra.Command, args []string) error {
			there := args[1]
			if host, port, ok := strings.Cut(there, ":"); ok && port != "" && strings.Trim(port, "0123456789") == "" {
				there = host + ":0.0.0.0:" + port
			}
			spec, err := f.spec(args[0], there)
			if err == nil && fusion.Loopback(spec.Listen) {
				err = &fusion.Error{Op: "publish", Path: args[1], Cause: fusion.ErrInvalid, Detail: "nobody else reaches that address", Hint: "to listen for HOST alone: hither forward --reverse LOCAL HOST:PORT"}
			}
			if err != nil {
				return usage(err)
			}
			return g.addTunnel(cmd, spec)
		},
	}
	cmd.Flags().BoolVar(&f.udp, "udp", false, "datagrams instead of connections")
	f.addKept(cmd)
	return cmd
}
