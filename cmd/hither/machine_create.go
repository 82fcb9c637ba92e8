package main

import (
	"context"
	"errors"
	"strconv"

	"github.com/spf13/cobra"

	"hither/fusion"
)

func machineCreate(g *globals) *cobra.Command {
	var spec fusion.MachineSpec
	var memory, disk size
	var first seedFlags
	var key string
	cmd := &cobra.Command{
		Use: "create [HOST/|any/]NAME", Short: "Create a virtual machine", Args: exactly("NAME"),
		Long: "Create a virtual machine. A PATH is on this computer; its bytes go into the pool of\n" +
			"the machine's host under the file's name. A bare NAME is the pool's image of that\n" +
			"name, else a file of this directory, else the catalogue's (hither image catalog),\n" +
			"which the host fetches first, as it does a URL. A cloud image makes of itself what\n" +
			"--user, --ssh-key, --password-file, --hostname, --package, --apps and --locale say; with\n" +
			"--unattended so does the installer of Debian, Ubuntu Server, Fedora and its kin on\n" +
			"the CD: it asks nothing, takes all of the disk, and the machine is off in the end.\n" +
			"any/NAME is made where there is room for it.",
		Example: "  hither machine create nas/debian --disk 20GiB --iso ~/debian.iso --start\n" +
			"  hither machine create web --image debian-13 --disk 20GiB --ssh-key ~/.ssh/id_ed25519.pub --start\n" +
			"  hither machine create old --iso debian-12.iso --disk 20GiB --unattended --ssh-key ~/.ssh/id_ed25519.pub --start\n" +
			"  hither machine create office --image debian-13 --memory 4GiB --disk 20GiB --apps firefox,gimp --start",
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := machineAddress(args[0])
			if err != nil {
				return err
			}
			if err := positive(cmd, "cpus"); err != nil {
				return err
			}
			spec.Name, spec.MemoryBytes, spec.DiskBytes = address.Machine, int64(memory), int64(disk)
			if spec.Seed, err = first.read(); err != nil {
				return err
			}
			iso, err := parseImage("--iso", spec.ISO)
			if err != nil {
				return err
			}
			disk, err := parseImage("--image", spec.Image)
			if err != nil {
				return err
			}
			address, placement, err := g.place(cmd, address, spec, key)
			if err != nil {
				return err
			}
			return g.create(cmd, address, placement, spec, iso, disk)
		},
	}
	f := cmd.Flags()
	f.Var(&memory, "memory", "memory (default 1GiB)")
	f.IntVar(&spec.CPUs, "cpus", 0, "processors (default 1)")
	f.Var(&disk, "disk", "size of its disk, of an image at least the image's own (default none, or the image's own)")
	f.StringVar(&spec.ISO, "iso", "", "image for the CD drive, a `PATH`, NAME or URL")
	f.StringVar(&spec.Image, "image", "", "image to copy as the disk, a `NAME`, PATH or URL")
	f.StringVar(&spec.Firmware, "firmware", "", "`bios`, uefi or uefi-secure (default bios)")
	f.BoolVar(&spec.TPM, "tpm", false, "give it a TPM 2.0")
	f.StringVar(&spec.Network, "network", "", "`NAME` of the host's network it is on (default user-mode networking)")
	f.StringVar(&key, "key", "", "a `KEY` of your own: with it, the same command once more makes nothing twice")
	f.BoolVar(&spec.Unattended, "unattended", false, "let the installer on --iso install by itself")
	f.BoolVar(&spec.Start, "start", false, "start it at once")
	first.add(cmd)
	return cmd
}

// positive refuses a count that was given and is none: it would be taken for one that
// was not given.
func positive(cmd *cobra.Command, flag string) error {
	f := cmd.Flags().Lookup(flag)
	if n, err := strconv.Atoi(f.Value.String()); err == nil && n > 0 || !f.Changed {
		return nil
	}
	return usageHint(command(cmd)+"--"+flag+" "+f.Value.String()+" is too few", "give 1 or more, or leave it out for the default")
}

// vacant refuses a name that is taken before gigabytes are on their way for it.
func vacant(ctx context.Context, machines fusion.Machines, name string) error {
	_, err := machines.Get(ctx, name)
	switch {
	case errors.Is(err, fusion.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return &fusion.Error{Op: "machine.create", Path: name, Cause: fusion.ErrExists, Hint: "choose another name"}
}

// create brings the images to the host and makes the machine.
func (g *globals) create(cmd *cobra.Command, address fusion.Address, placement *fusion.Placement, spec fusion.MachineSpec, iso, disk image) error {
	host, err := g.machine(cmd.Context(), address)
	if err != nil {
		return err
	}
	if iso.path != "" || disk.path != "" {
		if err := vacant(cmd.Context(), host.Machines(), spec.Name); err != nil {
			return err
		}
	}
	if spec.ISO, err = iso.bring(cmd, host, address); err != nil {
		return err
	}
	if spec.Image, err = disk.bring(cmd, host, address); err != nil {
		return err
	}
	var m fusion.Machine
	err = following(cmd, host, "machine.create", spec.Name, func(ctx context.Context) (err error) {
		m, err = host.Machines().Create(ctx, spec)
		return err
	})
	if err != nil {
		return err
	}
	if placement != nil && g.json {
		return g.show(cmd, placedMachine{m, placement}, nil)
	}
	return g.showMachine(cmd, m, nil)
}
