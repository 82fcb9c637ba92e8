package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/fusion"
)

func storageCommand(g *globals) *cobra.Command {
	return group("storage", "Where the disks of virtual machines are",
		storageLs(g), storageVolumes(g),
		group("volume", "Make, grow and remove volumes", volumeAdd(g), volumeGrow(g), volumeRm(g)))
}

func storageLs(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "ls [HOST]", Short: "List the pools of a host, or of all that are online", Args: between(0, 1, "HOST"),
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := listed(g, cmd, args, func(h fusion.Host) ([]fusion.Pool, error) { return h.Storage().Pools(cmd.Context()) }, poolsOf)
			if err != nil {
				return err
			}
			return g.show(cmd, list, func(w io.Writer) error { return printPools(w, list) })
		},
	}
}

func poolsOf(ctx context.Context, c *client.Client, h fusion.HostInfo) ([]fusion.Pool, error) {
	list, err := asked(c, h).Storage().Pools(ctx)
	for i := range list {
		list[i].Host = cmp.Or(list[i].Host, h.Name)
	}
	return list, err
}

func printPools(w io.Writer, list []fusion.Pool) error {
	t := newTable("POOL", "STATE", "KIND", "FREE", "SIZE", "PATH", "NOTE")
	for _, p := range list {
		free, size := "", ""
		if p.TotalBytes > 0 {
			free, size = bytesText(p.FreeBytes), bytesText(p.TotalBytes)
		}
		note := p.Note
		if p.Hint != "" {
			note += ": " + p.Hint
		}
		t.add(fusion.Address{Host: p.Host, Machine: p.Name}.String(), string(p.State), p.Kind, free, size, p.Path, note)
	}
	return t.write(w)
}

func storageVolumes(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "volumes [HOST/]POOL", Short: "List what is in a pool, and who uses it", Args: exactly("POOL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, host, err := g.thing(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			list, err := host.Storage().Volumes(cmd.Context(), address.Machine)
			if err != nil {
				return err
			}
			return g.show(cmd, list, func(w io.Writer) error { return printVolumes(w, list) })
		},
	}
}

func printVolumes(w io.Writer, list []fusion.Volume) error {
	t := newTable("VOLUME", "FORMAT", "CAPACITY", "TAKES", "USED BY", "BUILT ON")
	for _, v := range list {
		t.add(v.Name, v.Format, bytesText(v.CapacityBytes), bytesText(v.AllocationBytes), usedBy(v), v.Base)
	}
	return t.write(w)
}

// usedBy names the machines that use a volume, else the volumes built on it.
func usedBy(v fusion.Volume) string {
	if len(v.Machines) == 0 && len(v.BaseOf) > 0 {
		return fmt.Sprintf("volume %s", strings.Join(v.BaseOf, " "))
	}
	return strings.Join(v.Machines, " ")
}

// volume reads [HOST/]POOL and NAME, and finds the host.
func (g *globals) volume(cmd *cobra.Command, args []string) (pool, name string, storage fusion.Storage, err error) {
	address, host, err := g.thing(cmd.Context(), args[0])
	if err != nil {
		return "", "", nil, err
	}
	return address.Machine, args[1], host.Storage(), nil
}

func volumeAdd(g *globals) *cobra.Command {
	var capacity size
	var format string
	cmd := &cobra.Command{
		Use: "add [HOST/]POOL NAME --size SIZE", Short: "Make an empty volume; it takes room as it is written", Args: exactly("POOL", "NAME"),
		Example: "  hither storage volume add hither data --size 20GiB",
		RunE: func(cmd *cobra.Command, args []string) error {
			pool, name, storage, err := g.volume(cmd, args)
			if err != nil {
				return err
			}
			v, err := storage.CreateVolume(cmd.Context(), fusion.VolumeSpec{Pool: pool, Name: name, Format: format, CapacityBytes: int64(capacity)})
			if err != nil {
				return err
			}
			return g.showVolume(cmd, v)
		},
	}
	cmd.Flags().Var(&capacity, "size", "its capacity")
	cmd.Flags().StringVar(&format, "format", "qcow2", "`FORMAT`: qcow2 or raw")
	return cmd
}

func (g *globals) showVolume(cmd *cobra.Command, v fusion.Volume) error {
	return g.show(cmd, v, func(w io.Writer) error {
		return fields(w, "volume", v.Pool+"/"+v.Name, "format", v.Format, "capacity", bytesText(v.CapacityBytes), "takes", bytesText(v.AllocationBytes), "used by", usedBy(v))
	})
}

func volumeGrow(g *globals) *cobra.Command {
	var capacity size
	cmd := &cobra.Command{
		Use: "grow [HOST/]POOL NAME --size SIZE", Short: "Make a volume larger; a machine that runs on it sees it at once", Args: exactly("POOL", "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			pool, name, storage, err := g.volume(cmd, args)
			if err != nil {
				return err
			}
			v, err := storage.GrowVolume(cmd.Context(), pool, name, int64(capacity))
			if err != nil {
				return err
			}
			return g.showVolume(cmd, v)
		},
	}
	cmd.Flags().Var(&capacity, "size", "its new capacity")
	return cmd
}

func volumeRm(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "rm [HOST/]POOL NAME", Short: "Delete a volume that nobody uses, with what it holds", Args: exactly("POOL", "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			pool, name, storage, err := g.volume(cmd, args)
			if err != nil {
				return err
			}
			return storage.RemoveVolume(cmd.Context(), pool, name)
		},
	}
}
