package main

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"hither/fusion"
)

func hostRole(g *globals) *cobra.Command {
	var add, remove []string
	cmd := &cobra.Command{
		Use: "role HOST", Short: "Say what a host is for", Args: exactly("HOST"),
		Long: "Say what a host is for, or without a flag show that. A role is one of " + strings.Join(fusion.Roles, ", ") + ".\n" +
			"Nothing is forbidden by it: a machine that may be anywhere prefers a host for compute.",
		Example: "  hither host role nas --add storage --remove compute",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.join(cmd.Context())
			if err != nil {
				return err
			}
			h, err := findHost(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			if len(add)+len(remove) > 0 {
				if _, err := fusion.ChangeRoles(nil, add, remove); err != nil {
					return usage(err)
				}
				if h.Roles, err = asked(c, h).SetRoles(cmd.Context(), add, remove); err != nil {
					return err
				}
			}
			roles := struct {
				Host  string   `json:"host"`
				Roles []string `json:"roles"`
			}{h.Name, h.Roles}
			return g.show(cmd, roles, func(w io.Writer) error {
				words := strings.Join(h.Roles, " ")
				if words == "" {
					words = "none"
				}
				return fields(w, "host", h.Name, "roles", words)
			})
		},
	}
	cmd.Flags().StringSliceVar(&add, "add", nil, "put a `ROLE` in")
	cmd.Flags().StringSliceVar(&remove, "remove", nil, "take a `ROLE` out")
	return cmd
}
