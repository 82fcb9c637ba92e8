package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"hither/fusion"
)

func machineHardware(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "hw MACHINE", Short: "Show what a virtual machine is made of, now and at its next start", Args: exactly("MACHINE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, host, err := g.target(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			parts, err := host.Hardware().Show(cmd.Context(), address.Machine)
			if err != nil {
				return err
			}
			return g.show(cmd, parts, func(w io.Writer) error { return printParts(w, parts) })
		},
	}
}

// printParts writes the machine's facts, then a table of its devices.
func printParts(w io.Writer, p fusion.Parts) error {
	next := func(now, next string) string {
		if now == next {
			return now
		}
		return now + ", " + next + " from its next start on"
	}
	tpm := "no"
	if p.TPM {
		tpm = "yes"
	}
	err := fields(w, "cpus", next(strconv.Itoa(p.CPUs), strconv.Itoa(p.NextCPUs)),
		"memory", next(bytesText(p.MemoryBytes), bytesText(p.NextMemoryBytes)),
		"boot", strings.Join(p.Boot, ","), "firmware", p.Firmware, "tpm", tpm, "accelerator", p.Accelerator, "display", cmp.Or(strings.Join(p.Displays, ","), "none"))
	if err != nil {
		return err
	}
	t := newTable("PART", "KIND", "WHAT", "SIZE", "WHEN")
	for _, d := range p.Disks {
		size := ""
		if d.TotalBytes > 0 {
			size = bytesText(d.UsedBytes) + " of " + bytesText(d.TotalBytes)
		}
		t.add(d.Name, d.Bus+" disk", d.File+" ("+d.Format+")", size, whenThere(d.Of))
	}
	for _, d := range p.Drives {
		t.add(d.Name, d.Kind, cmp.Or(d.Image, "empty"), "", whenThere(d.Of))
	}
	for _, n := range p.NICs {
		t.add(n.MAC, n.Model+" network card", next(n.Network, cmp.Or(n.NextNetwork, n.Network)), "", whenThere(n.Of))
	}
	for _, d := range p.Devices {
		kind, _, _ := strings.Cut(d.ID, ":")
		t.add(d.ID, strings.ToUpper(kind)+" device", cmp.Or(d.Name, "not plugged in"), deviceFacts(d), whenThere(d.Of))
	}
	return t.write(w)
}

func whenThere(of fusion.Of) string {
	switch of {
	case fusion.Now:
		return "until it stops"
	case fusion.NextStart:
		return "from its next start on"
	}
	return ""
}

// change makes one change and says when it counts.
func (g *globals) change(cmd *cobra.Command, machine string, change fusion.Change) error {
	address, host, err := g.target(cmd.Context(), machine)
	if err != nil {
		return err
	}
	var done fusion.Changed
	err = following(cmd, host, "machine.change", address.Machine, func(ctx context.Context) (err error) {
		done, err = host.Hardware().Change(ctx, address.Machine, change)
		return err
	})
	if err != nil {
		return err
	}
	return g.show(cmd, done, func(w io.Writer) error {
		text := "takes effect at once"
		if done.When == fusion.NextStart {
			text = "takes effect at the next start"
		}
		if done.Part != "" {
			text = done.Part + " " + text
		}
		if done.Note != "" {
			text += ": " + done.Note
		}
		_, err := fmt.Fprintln(w, printable(text))
		return err
	})
}

func machineSet(g *globals) *cobra.Command {
	var memory size
	var cpus int
	var firmware, tpm, accelerator string
	cmd := &cobra.Command{
		Use: "set MACHINE", Short: "Change a virtual machine's memory, processors, firmware, TPM or accelerator", Args: exactly("MACHINE"),
		Long: "Change a virtual machine's memory, processors, firmware, TPM or accelerator. Memory and\n" +
			"processors change at once where libvirt and the guest let them, else at the next start;\n" +
			"firmware and TPM change while the machine is off, the accelerator at the next start.",
		Example: "  hither machine set nas/web --memory 2GiB --cpus 4",
		RunE: func(cmd *cobra.Command, args []string) error {
			f := cmd.Flags()
			var changes []fusion.Change
			if f.Changed("memory") || f.Changed("cpus") {
				if f.Changed("cpus") && cpus < 1 || f.Changed("memory") && memory < 1 {
					return usageHint("machine set: a machine has at least 1 CPU and 16 MiB of memory", "as in --memory 2GiB --cpus 4")
				}
				changes = append(changes, fusion.Change{Kind: fusion.SetResources, MemoryBytes: int64(memory), CPUs: cpus})
			}
			if f.Changed("firmware") {
				changes = append(changes, fusion.Change{Kind: fusion.SetFirmware, Firmware: firmware})
			}
			if f.Changed("tpm") {
				on, err := onOff("--tpm", tpm)
				if err != nil {
					return err
				}
				changes = append(changes, fusion.Change{Kind: fusion.SetTPM, TPM: on})
			}
			if f.Changed("accelerator") {
				changes = append(changes, fusion.Change{Kind: fusion.SetAccelerator, Accelerator: accelerator})
			}
			if len(changes) == 0 {
				return usageHint("machine set: nothing is to change", "as in --memory 2GiB --cpus 4")
			}
			for _, change := range changes {
				if err := g.change(cmd, args[0], change); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().Var(&memory, "memory", "memory")
	cmd.Flags().IntVar(&cpus, "cpus", 0, "processors")
	cmd.Flags().StringVar(&firmware, "firmware", "", "`bios`, uefi or uefi-secure")
	cmd.Flags().StringVar(&tpm, "tpm", "", "a TPM 2.0: `on` or off")
	cmd.Flags().StringVar(&accelerator, "accelerator", "", "what runs it: `kvm` or emulated")
	return cmd
}

// onOff reads a flag's word.
func onOff(flag, word string) (bool, error) {
	if word != "on" && word != "off" {
		return false, usageHint(fmt.Sprintf("%s %q", flag, word), "it is on or off")
	}
	return word == "on", nil
}

// deviceFacts says of which host a device is, and why it is not there.
func deviceFacts(d fusion.DevicePart) string {
	if d.From == "" {
		return ""
	}
	facts := "of " + cmp.Or(d.FromName, string(d.From))
	if d.Note != "" {
		facts += ", not there: " + d.Note
	}
	if d.Hint != "" {
		facts += " (" + d.Hint + ")"
	}
	return facts
}
