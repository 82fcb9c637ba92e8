package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"hither/fusion"
)

func netCommand(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use: "net", Short: "The private network between your computers and their machines",
		Long: "The private network between your computers and their machines. Each computer that\n" +
			"takes part has one address and one name, such as nas.hither, that stay wherever it\n" +
			"is; a machine is MACHINE.hither or MACHINE.HOST.hither and keeps both when it is\n" +
			"moved. It is off until you switch it on, on each computer that is to take part.\n\n" +
			"As root, or with CAP_NET_ADMIN, a network device hither0 carries it for every\n" +
			"program. Otherwise the services of this computer that listen on all addresses are\n" +
			"reached, and programs go out by a proxy of Hither: hither proxy 1080 HOST.\n\n" +
			"Computers of yours let each other in. Others need the capability mesh, on both sides.",
		Example: "  hither net up\n  hither net up nas\n  ping nas.hither\n  ssh web.hither",
	}
	for _, one := range []struct {
		use, short string
		ask        func(fusion.Mesh, context.Context) (fusion.MeshStatus, error)
	}{
		{"up", "Take part in the private network, now and after a restart", fusion.Mesh.Up},
		{"down", "Leave the private network", fusion.Mesh.Down},
		{"status", "Show addresses and names, and how it is with each computer", fusion.Mesh.Status},
	} {
		cmd.AddCommand(&cobra.Command{
			Use: one.use + " [HOST]", Short: one.short, Args: between(0, 1, "HOST"),
			RunE: func(cmd *cobra.Command, args []string) error {
				c, err := g.join(cmd.Context())
				if err != nil {
					return err
				}
				status, err := one.ask(c.Host(strings.Join(args, "")).Mesh(), cmd.Context())
				if err != nil {
					return err
				}
				return g.show(cmd, status, func(w io.Writer) error { return printMesh(w, status) })
			},
		})
	}
	return cmd
}

func printMesh(w io.Writer, s fusion.MeshStatus) error {
	rows := []string{"state", "off", "name", s.Name, "address", s.Address}
	if s.Up {
		rows[1] = "on, in user space"
		if s.Plane == fusion.MeshTUN {
			rows[1] = "on, by the device " + s.Device
		}
		names := "answered at " + s.DNS
		if s.Resolves {
			names += ", where this computer's resolver asks"
		}
		rows = append(rows, "names", names)
	}
	for _, more := range [][2]string{{"note", s.Note}, {"hint", s.Hint}, {"for names", s.NameHint}} {
		if more[1] != "" {
			rows = append(rows, more[0], more[1])
		}
	}
	if err := fields(w, rows...); err != nil || !s.Up {
		return err
	}
	if len(s.Peers) > 0 {
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
		t := newTable("HOST", "NAME", "ADDRESS", "STATE", "IN", "OUT", "LOST", "NOTE")
		for _, p := range s.Peers {
			note := p.Note
			if p.Hint != "" {
				note += " (" + p.Hint + ")"
			}
			t.add(p.Host, p.Name, p.Address, string(p.State), bytesText(p.BytesIn), bytesText(p.BytesOut), fmt.Sprint(p.Dropped), note)
		}
		if err := t.write(w); err != nil {
			return err
		}
	}
	if len(s.Machines) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	t := newTable("MACHINE", "ADDRESS", "ON")
	for _, m := range s.Machines {
		t.add(m.Name, m.Address, m.Host)
	}
	return t.write(w)
}
