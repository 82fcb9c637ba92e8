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
			"device, else the host's own drivers, which lose it while a machine has it. USB devices can\n" +
			"go to machines of other hosts too, which are named HOST/MACHINE. PCI devices of one IOMMU\n" +
			"group go together. NOTE says why one cannot be given.",
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
		used, grouped, note, hint := strings.Join(d.Machines, " "), "", d.Note, d.Hint
		if len(d.Machines) == 0 && len(d.Drivers) > 0 {
			used = "driver " + strings.Join(d.Drivers, " ")
		}
		if d.Group >= 0 {
			grouped = strconv.Itoa(d.Group)
		}
		if note == "" && d.Kind == "usb" && d.FarNote != "" {
			note, hint = "not for machines elsewhere: "+d.FarNote, d.FarHint
		}
		if hint != "" {
			note += ": " + hint
		}
		t.add(d.Host, d.ID, d.Name, used, grouped, note)
	}
	return t.write(w)
}

func deviceCommand(g *globals) *cobra.Command {
	change := func(use, short string, kind fusion.ChangeKind) *cobra.Command {
		var from string
		cmd := &cobra.Command{
			Use: use + " MACHINE DEVICE", Short: short, Args: exactly("MACHINE", "DEVICE"),
			RunE: func(cmd *cobra.Command, args []string) error {
				id, err := g.flaggedHost(cmd.Context(), from)
				if err != nil {
					return err
				}
				return g.change(cmd, args[0], fusion.Change{Kind: kind, Device: args[1], From: id})
			},
		}
		cmd.Flags().StringVar(&from, "from", "", "the host that has the device (default: the machine's own)")
		return cmd
	}
	add := change("add", "Give a machine a device of its host or of another one: USB at once, PCI at its next start", fusion.AttachDevice)
	add.Long = "Give a machine a device of its host: USB at once, PCI at its next start. The host itself\n" +
		"cannot use it while the machine has it. DEVICE is as `hither host devices` writes it.\n\n" +
		"With --from it is a USB device of another host, which goes over the network: the machine\n" +
		"has it whenever it runs and that host is online, until it is taken away. The machine's\n" +
		"host needs admin on the other one."
	add.Example = "  hither machine device add nas/web usb:0951:1666\n  hither machine device add cloud/web usb:046d:c52b --from laptop"
	return group("device", "USB and PCI devices of hosts; `hither host devices` names them",
		add, change("rm", "Take a device of a host away", fusion.DetachDevice))
}
