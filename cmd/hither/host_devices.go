package main

import (
	"cmp"
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/fusion"
)

func hostDevices(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "devices [HOST]", Short: "List the USB and PCI devices that virtual machines can be given", Args: between(0, 1, "HOST"),
		Long: "List the USB and PCI devices of a host, or of all that are online, that its virtual machines\n" +
			"can be given with: hither machine device add. USED BY names the machines that have a\n" +
			"device, else the host's own drivers, which lose it while a machine has it. PCI devices\n" +
			"of one IOMMU group go together. NOTE says why one cannot be given.",
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := listed(g, cmd, args, func(h fusion.Host) ([]fusion.Device, error) { return h.Devices().List(cmd.Context()) }, devicesOf)
			if err != nil {
				return err
			}
			return g.show(cmd, list, func(w io.Writer) error { return printDevices(w, list) })
		},
	}
}

func devicesOf(ctx context.Context, c *client.Client, h fusion.HostInfo) ([]fusion.Device, error) {
	list, err := asked(c, h).Devices().List(ctx)
	for i := range list {
		list[i].Host = cmp.Or(list[i].Host, h.Name)
	}
	return list, err
}

func printDevices(w io.Writer, list []fusion.Device) error {
	t := newTable("HOST", "DEVICE", "NAME", "USED BY", "GROUP", "NOTE")
	for _, d := range list {
		used, grouped, note := strings.Join(d.Machines, " "), "", d.Note
		if len(d.Machines) == 0 && len(d.Drivers) > 0 {
			used = "driver " + strings.Join(d.Drivers, " ")
		}
		if d.Group >= 0 {
			grouped = strconv.Itoa(d.Group)
		}
		if d.Hint != "" {
			note += ": " + d.Hint
		}
		t.add(d.Host, d.ID, d.Name, used, grouped, note)
	}
	return t.write(w)
}

func deviceCommand(g *globals) *cobra.Command {
	change := func(use, short string, kind fusion.ChangeKind) *cobra.Command {
		return &cobra.Command{
			Use: use + " MACHINE DEVICE", Short: short, Args: exactly("MACHINE", "DEVICE"),
			RunE: func(cmd *cobra.Command, args []string) error {
				return g.change(cmd, args[0], fusion.Change{Kind: kind, Device: args[1]})
			},
		}
	}
	add := change("add", "Give a machine a device of its host: USB at once, PCI at its next start", fusion.AttachDevice)
	add.Long = "Give a machine a device of its host: USB at once, PCI at its next start. The host itself\n" +
		"cannot use it while the machine has it. DEVICE is as `hither host devices` writes it."
	add.Example = "  hither machine device add nas/web usb:0951:1666"
	return group("device", "USB and PCI devices of the host; `hither host devices` names them",
		add, change("rm", "Take a device of the host away", fusion.DetachDevice))
}
