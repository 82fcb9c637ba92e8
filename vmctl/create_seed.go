package vmctl

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"hither/fusion"
	"hither/vmctl/domxml"
	"hither/vmctl/imagepool"
	"hither/vmctl/seed"
)

// makeSeed writes a machine's seed into the pool, whole or not at all. What it is made
// of lies in a directory that the next Open would sweep.
func (s *Store) makeSeed(p plan) error {
	files, label, err := p.seedContent()
	if err != nil {
		return err
	}
	return seed.WriteCD(filepath.Join(p.Pool, p.Seed), imagepool.Partial+"*", label, files)
}

// prepare finds the installer of a machine that installs by itself.
func (p *plan) prepare() error {
	if !p.Spec.Unattended {
		return nil
	}
	found, err := seed.FindInstaller("machine.create", p.Spec.Name, p.ISO)
	if err != nil {
		return err
	}
	if p.Spec.MemoryBytes < found.Memory {
		return invalid("machine.create", p.Spec.Name, fmt.Sprintf("with %s of memory the installer of %s does not run by itself",
			imagepool.BytesText(p.Spec.MemoryBytes), found.Name), "give it "+imagepool.BytesText(found.Memory)+" or more; it may have less once it is installed")
	}
	p.install = &found
	p.hash, err = seed.Hash(p.Spec.Seed.Password)
	return err
}

// seedContent gives the files of the machine's seed and the CD's label: for cloud-init, or
// for an installer that looks for such a CD.
func (p plan) seedContent() (files map[string][]byte, label string, err error) {
	if p.install != nil {
		files, err = p.install.Script(p.Spec.Name, p.UUID, p.hash, *p.Spec.Seed)
		return files, p.install.CDLabel, err
	}
	files, err = seed.Files(p.Spec.Name, p.UUID, p.Card.Address(), *p.Spec.Seed)
	return files, seed.Label, err
}

// makeInstaller unpacks what the first start needs.
func (s *Store) makeInstaller(p plan) error {
	script, err := p.install.Script(p.Spec.Name, p.UUID, p.hash, *p.Spec.Seed)
	if err != nil {
		return err
	}
	return s.poolError("machine.create", p.Spec.Name, p.install.Unpack(p.ISO, p.Pool, imagepool.Partial+"install-*", script))
}

// startInstaller starts a machine that is defined with its installer's kernel, this once:
// its next start is one from its disk.
func (s *Store) startInstaller(ctx context.Context, p *plan, text string) error {
	root, err := domxml.Parse(text)
	if err != nil {
		return err
	}
	os := root.Need("os")
	os.Drop("boot")
	for name, value := range map[string]string{"kernel": p.install.KernelPath, "initrd": p.install.InitrdPath, "cmdline": strings.TrimSpace(p.install.CommandLine() + " " + s.config.installArgs)} {
		os.Need(name).Data = value
	}
	// A restart would install it again.
	root.Need("on_reboot").Data = "destroy"
	return s.do(ctx, func(d driver) error { return d.startAs(root.String()) })
}

// checkUnattended refuses what cannot install by itself.
func checkUnattended(spec fusion.MachineSpec) error {
	const op = "machine.create"
	switch {
	case !spec.Unattended:
		return nil
	case spec.ISO == "" || spec.Image != "" || spec.DiskBytes == 0:
		return invalid(op, spec.Name, "to install by itself it needs an installer's CD and an empty disk", "as in --iso debian.iso --disk 20GiB --unattended")
	case spec.Seed == nil || len(spec.Seed.SSHKeys) == 0 && spec.Seed.Password == "":
		return invalid(op, spec.Name, "nobody could log in to what is installed", "give a key or a password, as in --ssh-key ~/.ssh/id_ed25519.pub")
	case len(spec.Seed.Addresses) > 0:
		return invalid(op, spec.Name, "an installer asks DHCP for its address", "give it its address once it is installed")
	case !spec.Start:
		return invalid(op, spec.Name, "it installs by itself when it starts for the first time", "let it start at once: --start")
	}
	return nil
}
