package main

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hither/fusion"
)

// anyHost in an address lets the node choose a host: any/NAME.
const anyHost = "any"

// placedMachine is a machine that was made where the node chose.
type placedMachine struct {
	fusion.Machine
	Placement *fusion.Placement `json:"placement,omitempty"`
}

// place chooses the host of any/NAME and says why. The key of the command stands
// for the choice, so that a command that is repeated with --key goes to the same
// host and finds the machine there.
func (g *globals) place(cmd *cobra.Command, address fusion.Address, spec fusion.MachineSpec, key string) (fusion.Address, *fusion.Placement, error) {
	if key == "" {
		key = rand.Text()
	}
	if err := fusion.CheckName(key); err != nil {
		return address, nil, usageHint(command(cmd)+"--key is no key", "a key has 1 to 64 letters, digits and . _ - ~")
	}
	cmd.SetContext(fusion.WithKey(cmd.Context(), key))
	if address.Host != anyHost {
		return address, nil, nil
	}
	c, err := g.join(cmd.Context())
	if err != nil {
		return address, nil, err
	}
	p, err := c.Place(cmd.Context(), spec)
	if err != nil {
		return address, nil, err
	}
	if p.Host == "" {
		return address, nil, &fusion.Error{Op: "machine.create", Path: address.String(), Cause: fusion.ErrBusy, Detail: "no host can take it: " + reasons(p),
			Hint: "give it less, free something, or name a host"}
	}
	if !g.json {
		fmt.Fprintf(cmd.ErrOrStderr(), "placed on %s\n", printable(placedText(p)))
	}
	address.Host = p.Host
	return address, &p, nil
}

func placedText(p fusion.Placement) string {
	if p.Again {
		return p.Host + ", as before"
	}
	return reasons(p)
}

// reasons says of each candidate why it is or is not chosen: "nas: 12.0 GiB free,
// KVM; laptop: only 1.0 GiB free".
func reasons(p fusion.Placement) string {
	var parts []string
	for _, c := range p.Candidates {
		parts = append(parts, c.Host+": "+reason(c))
	}
	return strings.Join(parts, "; ")
}

func reason(c fusion.Candidate) string {
	r := c.Resources
	if r == nil {
		r = &fusion.Resources{}
	}
	switch c.Why {
	case "":
		text := bytesText(r.FreeBytes) + " free, emulation"
		if r.Accelerator == "kvm" {
			text = bytesText(r.FreeBytes) + " free, KVM"
		}
		if c.HasImage {
			text += ", has the image"
		}
		if len(c.Roles) > 0 {
			text += ", for " + strings.Join(c.Roles, " and ")
		}
		return text
	case fusion.UnfitMemory:
		return "only " + bytesText(r.FreeBytes) + " free"
	case fusion.UnfitDisk:
		return "only " + bytesText(r.PoolBytes) + " of disk free"
	case fusion.UnfitCPUs:
		return fmt.Sprintf("only %d CPUs", r.CPUs)
	}
	return cmp.Or(map[fusion.Unfit]string{
		fusion.UnfitFirmware: "without that firmware", fusion.UnfitTPM: "without a TPM to give",
		fusion.UnfitOffline: "offline", fusion.UnfitGrant: "this computer may not create machines there",
		fusion.UnfitOld: "its release does not say what is free", fusion.UnfitMachines: "no machine can run there",
	}[c.Why], "it does not answer")
}
