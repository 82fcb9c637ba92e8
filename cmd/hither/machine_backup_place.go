package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/fusion"
)

// places are the flags that say where backups are and where a machine is made of one.
type places struct {
	from string // the host that keeps them
	on   string // the host that makes a machine
}

func (p *places) flag(cmd *cobra.Command, usage string) {
	cmd.Flags().StringVar(&p.from, "from", "", usage)
}

// placed finds the host that is asked for a machine's backups, and which are meant. Without
// --from and --on that is the machine's host; with them it need not be there any more.
func (g *globals) placed(ctx context.Context, text string, p places) (fusion.Host, fusion.Backups, string, error) {
	read := machineAddress
	if p == (places{}) { // else its host need not be there to be asked
		read = func(text string) (fusion.Address, error) { return g.address(ctx, text, machineAddress) }
	}
	address, err := read(text)
	if err != nil {
		return nil, nil, "", err
	}
	c, err := g.join(ctx)
	if err != nil {
		return nil, nil, "", err
	}
	if p == (places{}) {
		host := c.Host(address.Host)
		return host, host.Backups(), address.Machine, nil
	}
	place, on := fusion.BackupPlace{}, cmp.Or(p.on, p.from)
	if place.Of, err = ownerID(ctx, c, address.Host); err != nil {
		return nil, nil, "", err
	}
	if p.from != "" && p.from != on {
		if place.At, err = hostID(ctx, c, p.from); err != nil {
			return nil, nil, "", err
		}
	}
	host := c.Host(on)
	return host, host.Backups().At(place), address.Machine, nil
}

// ownerID gives the ID of a machine's host, which need not be paired any more: then it is
// named by its ID.
func ownerID(ctx context.Context, c *client.Client, name string) (fusion.HostID, error) {
	if name == "" {
		known, err := hosts(ctx, c)
		for _, h := range known {
			if h.Local {
				return h.ID, err
			}
		}
		return "", err
	}
	id, err := hostID(ctx, c, name)
	if errors.Is(err, fusion.ErrNotFound) && len(name) > len("12D3KooW") && name[:8] == "12D3KooW" {
		return fusion.HostID(name), nil
	}
	return id, err
}

// located finds where the backup of an ID lies, as the machine's host lists it: on that host
// before others.
func located(ctx context.Context, b fusion.Backups, machine, id string) (fusion.Backups, error) {
	list, err := b.List(ctx, machine)
	if err != nil {
		return nil, err
	}
	at := fusion.HostID("")
	for _, one := range list.Backups {
		if one.ID == id && one.Keeper == "" {
			return b, nil
		}
		if one.ID == id {
			at = one.Keeper
		}
	}
	if at == "" {
		return b, nil
	}
	return b.At(fusion.BackupPlace{At: at}), nil
}

// onBackup does something with one backup, wherever it lies, and shows what came of it.
func (g *globals) onBackup(cmd *cobra.Command, text, id, op string, p places, do func(context.Context, fusion.Backups, string) (any, func(io.Writer) error, error)) error {
	host, backups, machine, err := g.placed(cmd.Context(), text, p)
	if err == nil && p == (places{}) {
		backups, err = located(cmd.Context(), backups, machine, id)
	}
	if err != nil {
		return err
	}
	var value any
	var human func(io.Writer) error
	err = following(cmd, host, op, machine, func(ctx context.Context) (err error) {
		value, human, err = do(ctx, backups, machine)
		return err
	})
	if err != nil || human == nil {
		return err
	}
	return g.show(cmd, value, human)
}

func backupKept(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "kept [HOST]", Short: "List what a computer keeps for machines of other computers", Args: cobra.MaximumNArgs(1),
		Long: "List the backups that this computer, or HOST, keeps for machines of other computers.\n" +
			"When such a computer is gone, its machines are brought back from here:\n" +
			"hither machine backup restore OTHER/MACHINE BACKUP --on HOST --as NAME.",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.join(cmd.Context())
			if err != nil {
				return err
			}
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			list, err := c.Host(name).Backups().Kept(cmd.Context(), "", "")
			if err != nil {
				return err
			}
			return g.show(cmd, list, func(w io.Writer) error { return printKept(w, list) })
		},
	}
}

func printKept(w io.Writer, list []fusion.KeptMachine) error {
	t := newTable("MACHINE", "BACKUP", "TAKEN", "KIND", "HOLDS", "ALL TAKE")
	for _, m := range list {
		for _, b := range m.Backups {
			kind := string(b.Kind)
			if b.Broken != "" {
				kind = "broken: " + b.Broken
			}
			t.add(m.Host+"/"+m.Machine, b.ID, localTime(b.Created), kind, bytesText(b.DataBytes), bytesText(m.StoredBytes))
		}
	}
	return t.write(w)
}

func printKeepers(w io.Writer, l fusion.BackupList) error {
	for _, k := range l.Keepers {
		if k.Error == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "%s cannot be asked, so its backups are as they were last known: %s\n", printable(k.Name), printable(k.Error)); err != nil {
			return err
		}
	}
	return nil
}
