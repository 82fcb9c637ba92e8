package vmctl

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hither/fusion"
	"hither/vmctl/domxml"
	"hither/vmctl/imagefile"
	"hither/vmctl/imagepool"
)

const opExport = "machine.export"

// Export makes copies of the disks as they stand in the file, and gives the file. The
// machine is free again then.
func (s *Store) Export(ctx context.Context, machine string, format fusion.ExportFormat) (fusion.Exported, error) {
	if format != fusion.Bundle && format != fusion.OVA {
		return nil, invalid(opExport, machine, "there is no such format", "it can be qcow2 (Hither's own bundle) or ova")
	}
	r, release, err := s.still(ctx, opExport, machine)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := clonable(opExport, r); err != nil {
		return nil, err
	}
	text, err := call(ctx, s, func(d driver) (string, error) { return d.persistent(r.uuid) }, nil)
	if err != nil {
		return nil, fail(opExport, machine, err)
	}
	out := &machineFile{name: machine + ".tar"}
	if format == fusion.OVA {
		out.name = machine + ".ova"
	}
	if err := s.export(ctx, r, text, format, out); err != nil {
		return nil, fail(opExport, machine, errors.Join(err, out.Close()))
	}
	s.config.Log.Info("machine exported", "machine", machine, "format", format, "bytes", out.Size(), "trace", fusion.Trace(ctx))
	return out, nil
}

// exportedDisk is a disk as it stands in the file.
type exportedDisk struct {
	name, path, sum string
	size, capacity  int64 // of the file and of the disk, in bytes
}

func (s *Store) export(ctx context.Context, r record, text string, format fusion.ExportFormat, out *machineFile) error {
	disks, err := s.exportDisks(ctx, r, format, out)
	if err != nil {
		return err
	}
	root, err := domxml.Parse(text)
	if err != nil {
		return err
	}
	domxml.Portable(root, r.shown)
	if format == fusion.OVA {
		return layOVA(&out.layout, r, root.String(), disks)
	}
	vars, err := readVars(r.Vars)
	if err != nil {
		return err
	}
	var tpm []byte
	if r.TPM {
		if tpm, err = s.readTPM(opExport, r.shown, r.uuid); err != nil {
			return err
		}
	}
	return layBundle(&out.layout, r.shown, root.String(), disks, []bundleExtra{{bundleVars, vars}, {bundleTPM, tpm}})
}

// bundleExtra is what a machine has beside its disks; nil is none.
type bundleExtra struct {
	name string
	text []byte
}

// exportDisks converts the disks and sums them up.
func (s *Store) exportDisks(ctx context.Context, r record, format fusion.ExportFormat, out *machineFile) (disks []exportedDisk, err error) {
	job := imageJob{op: opExport, name: r.shown, step: "copies the disks"}
	for _, d := range r.Disks {
		job.total += s.weight(d)
	}
	if err := s.pool.Room(opExport, r.shown, job.total); err != nil {
		return nil, err
	}
	id := rand.Text()
	for i, d := range r.Disks {
		disk := exportedDisk{name: fmt.Sprintf("disk-%d.qcow2", i), path: filepath.Join(s.config.pool(), fmt.Sprintf("%sexport-%s-%d", imagepool.Partial, id, i))}
		args := []string{"-c", "-O", imagefile.Qcow2, "-o", "compression_type=zstd"}
		if format == fusion.OVA {
			disk.name = fmt.Sprintf("%s-disk%d.vmdk", r.shown, i+1)
			args = []string{"-O", "vmdk", "-o", "subformat=streamOptimized"}
		}
		out.temps = append(out.temps, disk.path)
		job.bytes = s.weight(d)
		args = append(append([]string{"convert", "-p", "-f", d.Format}, args...), d.Path, disk.path)
		if err := s.qemuImg(ctx, job, args...); err != nil {
			return nil, err
		}
		job.done += job.bytes
		if disk.capacity, err = capacity(d); err != nil {
			return nil, err
		}
		disks = append(disks, disk)
	}
	return disks, sumUp(ctx, disks)
}

// capacity is the size of a disk for its guest, in bytes.
func capacity(d domxml.Disk) (int64, error) {
	if size, ok := imagefile.VirtualSize(d.Path); ok && d.Format == imagefile.Qcow2 {
		return size, nil
	}
	info, err := os.Stat(d.Path)
	if err != nil {
		return 0, err
	}
	return (info.Size() + 511) &^ 511, nil
}

// sumUp takes the size and SHA-256 of each file.
func sumUp(ctx context.Context, disks []exportedDisk) error {
	progress := fusion.Progress{Step: "takes the sums"}
	for i := range disks {
		info, err := os.Stat(disks[i].path)
		if err != nil {
			return err
		}
		disks[i].size = info.Size()
		progress.Total += info.Size()
	}
	for i := range disks {
		f, err := os.Open(disks[i].path)
		if err != nil {
			return err
		}
		sum := sha256.New()
		_, err = io.Copy(sum, &imagepool.CountedReader{Reader: &imagepool.ContextReader{Ctx: ctx, Reader: f}, Told: func(n int64) {
			progress.Done += n
			fusion.Report(ctx, progress)
		}})
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		disks[i].sum = hex.EncodeToString(sum.Sum(nil))
	}
	return nil
}

// bundleHead is the first file of a bundle, hither.json: what it is, and what follows.
type bundleHead struct {
	Format  string       `json:"format"` // bundleFormat
	Version int          `json:"version"`
	Name    string       `json:"name"` // of the machine
	Files   []bundleFile `json:"files"`
}

// bundleFile is one file of a bundle. The first is the definition, then come the disks
// in its order, each a qcow2 by itself; bundleVars and bundleTPM are its UEFI variables
// and the state of its TPM.
type bundleFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

const (
	bundleName       = "hither.json"
	bundleFormat     = "hither-machine"
	bundleVersion    = 2 // 1 has disks only
	bundleDefinition = "machine.xml"
	bundleVars       = "uefi-vars.fd"
	bundleTPM        = "tpm2.state"
)

func layBundle(l *layout, name, definition string, disks []exportedDisk, extras []bundleExtra) error {
	head := bundleHead{Format: bundleFormat, Version: 1, Name: name,
		Files: []bundleFile{{bundleDefinition, int64(len(definition)), digest([]byte(definition))}}}
	for _, d := range disks {
		head.Files = append(head.Files, bundleFile{d.name, d.size, d.sum})
	}
	extras = slices.DeleteFunc(extras, func(e bundleExtra) bool { return e.text == nil })
	for _, e := range extras {
		head.Version = bundleVersion
		head.Files = append(head.Files, bundleFile{e.name, int64(len(e.text)), digest(e.text)})
	}
	text, err := json.MarshalIndent(head, "", "  ")
	if err != nil {
		return err
	}
	now := time.Now()
	err = errors.Join(l.file(bundleName, text, "", int64(len(text)), now), l.file(bundleDefinition, []byte(definition), "", int64(len(definition)), now))
	for _, d := range disks {
		err = errors.Join(err, l.file(d.name, nil, d.path, d.size, now))
	}
	for _, e := range extras {
		err = errors.Join(err, l.file(e.name, e.text, "", int64(len(e.text)), now))
	}
	l.end()
	return err
}

// layOVA puts the descriptor first and its sums second, as DSP0243 has it.
func layOVA(l *layout, r record, definition string, disks []exportedDisk) error {
	b, err := domxml.ReadBlueprint(definition)
	if err != nil {
		return err
	}
	descriptor, err := writeOVF(r.shown, b, disks)
	if err != nil {
		return err
	}
	var sums strings.Builder
	fmt.Fprintf(&sums, "SHA256(%s.ovf)= %s\n", r.shown, digest(descriptor))
	for _, d := range disks {
		fmt.Fprintf(&sums, "SHA256(%s)= %s\n", d.name, d.sum)
	}
	now := time.Now()
	err = errors.Join(l.file(r.shown+".ovf", descriptor, "", int64(len(descriptor)), now),
		l.file(r.shown+".mf", []byte(sums.String()), "", int64(sums.Len()), now))
	for _, d := range disks {
		err = errors.Join(err, l.file(d.name, nil, d.path, d.size, now))
	}
	l.end()
	return err
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// removeAll removes files, those that are there.
func removeAll(paths []string) (err error) {
	for _, path := range paths {
		if e := os.Remove(path); !errors.Is(e, os.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}
