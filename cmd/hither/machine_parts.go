package main

import (
	"strings"

	"github.com/spf13/cobra"

	"hither/fusion"
)

func diskCommand(g *globals) *cobra.Command {
	var bytes, grown size
	var keep bool
	var volume string
	add := &cobra.Command{
		Use: "add MACHINE --size SIZE|--volume POOL/NAME", Short: "Give a machine a new disk, or a volume; one that runs gets it at once", Args: exactly("MACHINE"),
		Long: "Give a machine a new disk, which is made for it and goes with it, or a volume that no\n" +
			"machine has, which stays when the disk or the machine is removed. What disk rm --keep\n" +
			"kept is a volume of the pool hither.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if bytes == 0 && volume == "" {
				return usageHint("machine disk add: --size or --volume is missing", "as in --size 20GiB, or --volume hither/data")
			}
			return g.change(cmd, args[0], fusion.Change{Kind: fusion.AddDisk, Bytes: int64(bytes), Volume: volume})
		},
	}
	add.Flags().Var(&bytes, "size", "its size, as in 20GiB")
	add.Flags().StringVar(&volume, "volume", "", "a `POOL/NAME` of hither storage volumes")
	grow := &cobra.Command{
		Use: "grow MACHINE DISK --size SIZE", Short: "Make a disk larger; its guest then grows what is on it", Args: exactly("MACHINE", "DISK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if grown == 0 {
				return usageHint("machine disk grow: --size is missing", "as in --size 40GiB")
			}
			return g.change(cmd, args[0], fusion.Change{Kind: fusion.GrowDisk, Disk: args[1], Bytes: int64(grown)})
		},
	}
	grow.Flags().Var(&grown, "size", "its new size, as in 40GiB")
	rm := g.asking(&cobra.Command{
		Use: "rm MACHINE DISK", Short: "Take a disk away, with what is on it if it was made for the machine", Args: exactly("MACHINE", "DISK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !keep {
				if err := g.loses(cmd, "What is on "+args[1]+" of "+args[0]+" is lost; --keep keeps its file."); err != nil {
					return err
				}
			}
			return g.change(cmd, args[0], fusion.Change{Kind: fusion.RemoveDisk, Disk: args[1], Keep: keep})
		},
	})
	rm.Flags().BoolVar(&keep, "keep", false, "keep its file in the pool, as an image")
	return group("disk", "Disks of a virtual machine; `hither machine hw` names them", add, grow, rm)
}

func nicCommand(g *globals) *cobra.Command {
	var network, other, mac string
	add := &cobra.Command{
		Use: "add MACHINE", Short: "Give a machine a network card", Args: exactly("MACHINE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.change(cmd, args[0], fusion.Change{Kind: fusion.AddNIC, Network: network, MAC: mac})
		},
	}
	add.Flags().StringVar(&network, "network", fusion.UserNetwork, "a `NETWORK` of the machine's host, or user: out, and nothing in")
	add.Flags().StringVar(&mac, "mac", "", "its `ADDRESS`, as in 52:54:00:12:34:56 (default: one is chosen)")
	set := &cobra.Command{
		Use: "set MACHINE MAC", Short: "Put a network card onto another network, or give it another address", Args: exactly("MACHINE", "MAC"),
		Long: "Put a network card onto another network, at once where libvirt can, else at the next start;\n" +
			"a running system keeps its old address until it asks for a new one. The card's own address\n" +
			"changes while the machine is off.",
		Example: "  hither machine nic set nas/web 52:54:00:12:34:56 --network lab",
		RunE: func(cmd *cobra.Command, args []string) error {
			if other == "" && mac == "" {
				return usageHint("machine nic set: nothing is to change", "as in --network lab, or --mac 52:54:00:12:34:56")
			}
			return g.change(cmd, args[0], fusion.Change{Kind: fusion.SetNIC, NIC: args[1], Network: other, MAC: mac})
		},
	}
	set.Flags().StringVar(&other, "network", "", "a `NETWORK` of the machine's host, or user: out, and nothing in")
	set.Flags().StringVar(&mac, "mac", "", "its `ADDRESS`, as in 52:54:00:12:34:56")
	rm := &cobra.Command{
		Use: "rm MACHINE MAC", Short: "Take a network card away", Args: exactly("MACHINE", "MAC"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.change(cmd, args[0], fusion.Change{Kind: fusion.RemoveNIC, NIC: args[1]})
		},
	}
	return group("nic", "Network cards of a virtual machine; `hither machine hw` names them", add, set, rm)
}

func cdCommand(g *globals) *cobra.Command {
	var drive string
	insert := &cobra.Command{
		Use: "insert MACHINE ISO", Short: "Put an image into a machine's CD drive", Args: exactly("MACHINE", "ISO"),
		Long: "Put an image into a machine's CD drive. ISO is a PATH on this computer, whose bytes go into\n" +
			"the pool of the machine's host, or the NAME of an image there.",
		RunE: func(cmd *cobra.Command, args []string) error {
			address, host, err := g.target(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			iso, err := parseImage("ISO", args[1])
			if err != nil {
				return err
			}
			name, err := iso.bring(cmd, host, address)
			if err != nil {
				return err
			}
			return g.change(cmd, args[0], fusion.Change{Kind: fusion.InsertCD, Image: name, Drive: drive})
		},
	}
	eject := &cobra.Command{
		Use: "eject MACHINE", Short: "Take out what is in a machine's CD drive", Args: exactly("MACHINE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.change(cmd, args[0], fusion.Change{Kind: fusion.EjectCD, Drive: drive})
		},
	}
	for _, cmd := range []*cobra.Command{insert, eject} {
		cmd.Flags().StringVar(&drive, "drive", "", "the `DRIVE` (default: the first)")
	}
	return group("cd", "The CD drive of a virtual machine", insert, eject)
}

func machineBoot(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "boot MACHINE ORDER", Short: "Say where a machine looks for its system: some of disk,cd,net", Args: exactly("MACHINE", "ORDER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.change(cmd, args[0], fusion.Change{Kind: fusion.SetBoot, Boot: strings.Split(args[1], ",")})
		},
	}
}

func displayCommand(g *globals) *cobra.Command {
	return group("display", "The display of a virtual machine", &cobra.Command{
		Use: "add MACHINE", Short: "Give a machine a display that Hither can show, from its next start on", Args: exactly("MACHINE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.change(cmd, args[0], fusion.Change{Kind: fusion.AddDisplay})
		},
	})
}
