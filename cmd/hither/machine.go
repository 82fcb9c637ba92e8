package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hither/fusion"
)

func machineCommand(g *globals) *cobra.Command {
	return group("machine", "Operating systems: virtual machines, and each computer's own as \"self\"",
		machineCreate(g), machineLs(g), machineShow(g),
		machineVerb(g, fusion.Start, "start", "Start a machine"),
		g.powerOf(machineStop(g)),
		machineVerb(g, fusion.Pause, "pause", "Hold a machine's processors"),
		machineVerb(g, fusion.Resume, "resume", "Let a paused machine go on"),
		g.powerOf(machineVerb(g, fusion.Reboot, "reboot", "Ask a machine to restart")),
		g.powerOf(machineVerb(g, fusion.Sleep, "sleep", "Put a computer (HOST/self) to sleep; hither host wake wakes it")),
		machineVerb(g, fusion.Save, "save", "Keep a running machine's memory on its host's disk and end it; start goes on there"),
		machineVerb(g, fusion.Emulate, "emulate", "Start a machine anew without KVM, which gave up on it"),
		machineVerb(g, fusion.Discard, "discard", "Forget what was saved of a machine, as if it had lost power"),
		machineRm(g), machineStats(g), snapshotCommand(g), machineMigrate(g), machineHardware(g), machineSet(g),
		diskCommand(g), nicCommand(g), deviceCommand(g), cdCommand(g), machineBoot(g), displayCommand(g), machineLabel(g),
		machineRename(g), machineConsole(g), machineGuest(g), machineExec(g), machineRead(g), machineWrite(g),
		forwardCommand(g), machineClone(g), machineTemplate(g), machineExport(g), machineImport(g), machineDeploy(g),
		backupCommand(g))
}

func machineVerb(g *globals, verb fusion.Verb, name, short string) *cobra.Command {
	var all many
	cmd := &cobra.Command{
		Use: name + " MACHINE", Short: short, Args: all.args,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case all.tag != "":
				return all.do(g, cmd, verb)
			case verb == fusion.Save:
				return g.save(cmd, args[0])
			}
			return g.do(cmd, args[0], verb)
		},
	}
	all.flags(cmd)
	return cmd
}

func machineStop(g *globals) *cobra.Command {
	var force bool
	var all many
	cmd := &cobra.Command{
		Use: "stop MACHINE", Short: "Ask a machine to shut down", Args: all.args,
		Long: "Ask a machine to shut down. Its system may take a while, or ignore it; --force pulls\n" +
			"the plug.",
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case all.tag != "" && force:
				return all.do(g, cmd, fusion.ForceOff)
			case all.tag != "":
				return all.do(g, cmd, fusion.Stop)
			case force:
				return g.do(cmd, args[0], fusion.ForceOff)
			}
			if err := g.do(cmd, args[0], fusion.Stop); err != nil || g.json {
				return err
			}
			return g.tellIfRunning(cmd, args[0])
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "pull the plug")
	all.flags(cmd)
	return cmd
}

// tellIfRunning says what else can be done with a machine that was asked to
// shut down and still runs.
func (g *globals) tellIfRunning(cmd *cobra.Command, text string) error {
	address, host, err := g.target(cmd.Context(), text)
	if err != nil || address.Machine == fusion.Self {
		return err
	}
	m, err := host.Machines().Get(cmd.Context(), address.Machine)
	if err != nil || m.State == fusion.Off {
		return nil // it took the request; one that is gone since has nothing to tell
	}
	_, err = fmt.Fprintf(cmd.ErrOrStderr(), "asked %s to shut down; --force pulls the plug if it does not\n", address)
	return err
}

func (g *globals) do(cmd *cobra.Command, text string, verb fusion.Verb) error {
	address, host, err := g.target(cmd.Context(), text)
	if err == nil {
		err = g.sure(cmd, address, host, verb)
	}
	if err != nil {
		return err
	}
	return host.Machines().Do(cmd.Context(), address.Machine, verb)
}

func machineShow(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "show MACHINE", Short: "Show one machine", Args: exactly("MACHINE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, host, err := g.target(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			m, err := host.Machines().Get(cmd.Context(), address.Machine)
			if err != nil {
				return err
			}
			cards, err := cardsOf(cmd.Context(), host, m)
			if err != nil {
				return err
			}
			return g.showMachine(cmd, m, cards)
		},
	}
}

// shownMachine is what show prints: the machine with its network cards.
type shownMachine struct {
	fusion.Machine
	NICs []fusion.NIC `json:"nics,omitempty"`
}

func (g *globals) showMachine(cmd *cobra.Command, m fusion.Machine, cards []fusion.NIC) error {
	sound(&m)
	return g.show(cmd, shownMachine{m, cards}, func(w io.Writer) error {
		pairs := []string{
			"address", m.Address, "own name", m.OriginalName, "kind", string(m.Kind), "state", string(m.State), "os", m.OS,
			"cpus", strconv.Itoa(m.CPUs), "memory", bytesText(m.MemoryBytes), "accelerator", m.Accelerator,
			"uuid", m.UUID, "started", ago(time.Now(), m.Started),
		}
		pairs = append(pairs, "tags", strings.Join(m.Tags, " "), "notes", m.Notes, "autostart", autostartText(m.Labels))
		for _, d := range m.Disks {
			pairs = append(pairs, "disk "+printable(d.Name), fmt.Sprintf("%s of %s used", bytesText(d.UsedBytes), bytesText(d.TotalBytes)))
		}
		pairs = append(pairs, cardFields(cards)...)
		var verbs []string
		for _, v := range m.Verbs {
			verbs = append(verbs, string(v))
		}
		if m.Template {
			pairs = append(pairs, "template", "yes")
		}
		for _, r := range m.Cannot {
			pairs = append(pairs, "cannot "+string(r.Verb), r.Reason)
		}
		return fields(w, append(pairs, "can", strings.Join(verbs, " "), "note", m.Note)...)
	})
}

// sound gives the lists of a machine that has none, so that they are [] in JSON.
func sound(m *fusion.Machine) {
	if m.Verbs == nil {
		m.Verbs = []fusion.Verb{}
	}
	if m.Tags == nil {
		m.Tags = []string{}
	}
}

func autostartText(l fusion.Labels) string {
	switch {
	case !l.Autostart:
		return ""
	case l.Order > 0:
		return fmt.Sprintf("on, place %d", l.Order)
	}
	return "on"
}

func machineRm(g *globals) *cobra.Command {
	return g.asking(&cobra.Command{
		Use: "rm MACHINE", Short: "Remove a machine that is off, with the disks made for it", Args: exactly("MACHINE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, host, err := g.target(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if err := g.loses(cmd, address.String()+" is removed, with its snapshots and the disks made for it."); err != nil {
				return err
			}
			return host.Machines().Remove(cmd.Context(), address.Machine)
		},
	})
}
