package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hither/fusion"
)

func machineExport(g *globals) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "export MACHINE FILE", Short: "Write a machine that is off into a file of this computer", Args: exactly("MACHINE", "FILE"),
		Long: "Write a machine that is off into a file of this computer: with its disks, without what\n" +
			"belongs to its host. As qcow2 it is a bundle for hither machine import; as ova other\n" +
			"programs (VirtualBox, VMware, …) read it too. A name that ends in .ova is one.",
		Example: "  hither machine export nas/web web.ova",
		RunE: func(cmd *cobra.Command, args []string) error {
			if format == "" {
				format = string(fusion.Bundle)
				if strings.EqualFold(filepath.Ext(args[1]), ".ova") {
					format = string(fusion.OVA)
				}
			}
			if err := free(args[1]); err != nil {
				return err
			}
			address, host, err := g.target(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return export(cmd, host, address.Machine, fusion.ExportFormat(format), args[1])
		},
	}
	cmd.Flags().StringVar(&format, "format", "", "`qcow2` or ova (default by the file's name)")
	return cmd
}

// export writes a machine beside FILE and gives it that name once it is whole.
func export(cmd *cobra.Command, host fusion.Host, machine string, format fusion.ExportFormat, file string) (err error) {
	var e fusion.Exported
	err = following(cmd, host, "machine.export", machine, func(ctx context.Context) (err error) {
		e, err = host.Copies().Export(ctx, machine, format)
		return err
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".part-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after it has its name there is nothing to remove
	meter := newMeter(cmd.ErrOrStderr(), filepath.Base(file), e.Size(), nil)
	err = fetch(cmd.Context(), e, f, meter)
	meter.done()
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := free(file); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// free refuses the name of a file that is there.
func free(file string) error {
	if _, err := os.Lstat(file); err == nil {
		return &fusion.Error{Op: "machine.export", Path: file, Cause: fusion.ErrExists, Hint: "name another file, or remove this one first"}
	}
	return nil
}

// What broke is fetched again from where it broke off, after a pause.
const (
	fetchTries = 5
	fetchPause = time.Second
)

// fetch reads an exported machine to its end.
func fetch(ctx context.Context, e fusion.Exported, w io.Writer, meter *meter) error {
	var done int64
	for tries := 0; ; tries++ {
		n, err := fetchFrom(ctx, e, w, meter, done)
		if done += n; n > 0 {
			tries = 0
		}
		final := ctx.Err() != nil || tries == fetchTries || errors.Is(err, fusion.ErrNotFound) || errors.As(err, new(*os.PathError))
		if err == nil || final {
			return err
		}
		select {
		case <-time.After(fetchPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// fetchFrom reads from an offset to the end, and gives how far it came.
func fetchFrom(ctx context.Context, e fusion.Exported, w io.Writer, meter *meter, offset int64) (int64, error) {
	r, err := e.Open(ctx, offset)
	if err != nil {
		return 0, err
	}
	meter.r = r
	n, err := io.Copy(w, meter)
	if err == nil && offset+n != e.Size() {
		err = io.ErrUnexpectedEOF
	}
	return n, errors.Join(err, r.Close())
}

func machineImport(g *globals) *cobra.Command {
	var spec fusion.ImportSpec
	var memory size
	cmd := &cobra.Command{
		Use: "import FILE [HOST/]NAME", Short: "Make a machine of a file of this computer", Args: exactly("FILE", "NAME"),
		Long: "Make a machine of a file of this computer: what hither machine export wrote, an OVA of\n" +
			"another program, or one disk as qcow2, VMDK, VHDX or, with --raw, raw.",
		Example: "  hither machine import appliance.ova nas/web --start",
		RunE: func(cmd *cobra.Command, args []string) error {
			address, host, err := g.thing(cmd.Context(), args[1])
			if err != nil {
				return err
			}
			spec.Name, spec.MemoryBytes = address.Machine, int64(memory)
			return g.importFile(cmd, host, spec, args[0])
		},
	}
	f := cmd.Flags()
	f.BoolVar(&spec.Raw, "raw", false, "the file is a raw disk; nothing in it says so")
	f.Var(&memory, "memory", "memory (default as the file says, else 1GiB)")
	f.IntVar(&spec.CPUs, "cpus", 0, "processors (default as the file says, else 1)")
	f.BoolVar(&spec.Start, "start", false, "start it at once")
	return cmd
}

func (g *globals) importFile(cmd *cobra.Command, host fusion.Host, spec fusion.ImportSpec, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return &fusion.Error{Op: "machine.import", Path: path, Cause: fusion.ErrInvalid, Detail: "it is not a file", Hint: "give a file"}
	}
	var m fusion.Machine
	err = following(cmd, host, "machine.import", spec.Name, func(ctx context.Context) (err error) {
		m, err = host.Copies().Import(ctx, spec, info.Size(), file)
		return err
	})
	if err != nil {
		return err
	}
	return g.showMachine(cmd, m, nil)
}
