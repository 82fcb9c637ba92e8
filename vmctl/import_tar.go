package vmctl

import (
	"archive/tar"
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"slices"
	"strings"

	"hither/vmctl/domxml"
)

const (
	// maxEntries bounds the files of an archive, and maxText a descriptor in bytes.
	maxEntries = 64
	maxText    = 1 << 20
	// maxRest bounds what may follow an archive's end, in bytes.
	maxRest = 16 << 20
)

// entry is a file of an archive as it came: a text, a disk at path, or passed over.
type entry struct {
	name string
	text []byte
	path string
	size int64
	sums map[string]string // by the name of the kind of sum, in hexadecimal digits
}

// receiveTar takes an archive: a bundle, or an OVA.
func (in *arrival) receiveTar(r io.Reader) error {
	archive := tar.NewReader(r)
	var entries []entry
	for {
		head, err := archive.Next()
		switch {
		case errors.Is(err, io.EOF):
			return in.understand(r, entries)
		case errors.Is(err, tar.ErrHeader), errors.Is(err, io.ErrUnexpectedEOF):
			return in.cutOff()
		case err != nil:
			return err
		}
		if err := soundEntry(head, entries); err != nil {
			return err
		}
		if len(entries) == 0 {
			in.ours = plainEntry(head.Name) == bundleName
		}
		e, err := in.receiveEntry(archive, head)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return in.cutOff()
		}
		if err != nil {
			return err
		}
		entries = append(entries, e)
	}
}

func (in *arrival) cutOff() error {
	return invalid(opImport, in.spec.Name, "the file is cut off or broken", brokenHint)
}

// soundEntry refuses what neither kind of archive has: directories, links, paths, and
// one name twice.
func soundEntry(head *tar.Header, before []entry) error {
	switch {
	case head.Typeflag != tar.TypeReg:
		return cannotUse("its archive has more than plain files")
	case strings.ContainsAny(strings.TrimPrefix(head.Name, "./"), `/\`) || len(head.Name) > 255:
		return cannotUse("its archive has a file with a path")
	case len(before) == maxEntries:
		return cannotUse("its archive has too many files")
	case slices.ContainsFunc(before, func(e entry) bool { return e.name == plainEntry(head.Name) }):
		return cannotUse("its archive has a file twice")
	case len(before) == 0 && plainEntry(head.Name) != bundleName && !hasEnd(head.Name, ".ovf"):
		return cannotUse("its archive is neither a bundle of Hither nor an OVA")
	}
	return nil
}

func plainEntry(name string) string { return strings.TrimPrefix(name, "./") }

func hasEnd(name, end string) bool { return strings.HasSuffix(strings.ToLower(name), end) }

// isText says whether a file of an archive is a descriptor, which is kept in memory.
func isText(name string) bool {
	return name == bundleName || name == bundleVars || name == bundleTPM || hasEnd(name, ".xml") || hasEnd(name, ".ovf") || hasEnd(name, ".mf") || hasEnd(name, ".cert")
}

// receiveEntry takes the next file; its name is only ever compared.
func (in *arrival) receiveEntry(r io.Reader, head *tar.Header) (e entry, err error) {
	e = entry{name: plainEntry(head.Name), size: head.Size, sums: map[string]string{}}
	sums := in.hashes()
	var to io.Writer
	var text bytes.Buffer
	if isText(e.name) {
		most := int64(maxText)
		if e.name == bundleVars {
			most = mostVars
		}
		if head.Size > most {
			return e, cannotUse("its descriptor is too long")
		}
		to = &text
	} else {
		if err := in.s.pool.Room(opImport, in.spec.Name, head.Size); err != nil {
			return e, err
		}
		f, err := in.temp()
		if err != nil {
			return e, err
		}
		defer f.Close()
		e.path, to = f.Name(), f
	}
	all := []io.Writer{to}
	for _, sum := range sums {
		all = append(all, sum)
	}
	n, err := io.Copy(io.MultiWriter(all...), r)
	if err == nil && n != head.Size {
		err = io.ErrUnexpectedEOF
	}
	e.text = text.Bytes()
	for kind, sum := range sums {
		e.sums[kind] = hex.EncodeToString(sum.Sum(nil))
	}
	return e, err
}

// hashes are those whose sums an archive may have: ours SHA-256, an OVA any of three.
func (in *arrival) hashes() map[string]hash.Hash {
	if in.ours {
		return map[string]hash.Hash{"SHA256": sha256.New()}
	}
	return map[string]hash.Hash{"SHA256": sha256.New(), "SHA1": sha1.New(), "SHA512": sha512.New()}
}

// understand makes sense of what came.
func (in *arrival) understand(r io.Reader, entries []entry) error {
	// What follows the end is read, so that the sender is done.
	if _, err := io.Copy(io.Discard, io.LimitReader(r, maxRest)); err != nil {
		return err
	}
	if len(entries) == 0 {
		return cannotUse("its archive is empty")
	}
	if in.ours {
		return in.bundle(entries)
	}
	return in.ova(entries)
}

func find(entries []entry, name string) *entry {
	i := slices.IndexFunc(entries, func(e entry) bool { return e.name == name })
	if i < 0 {
		return nil
	}
	return &entries[i]
}

func (in *arrival) bundle(entries []entry) error {
	var head bundleHead
	err := json.Unmarshal(entries[0].text, &head)
	switch {
	case err != nil || head.Format != bundleFormat || len(head.Files) == 0 || head.Files[0].Name != bundleDefinition:
		return cannotUse("its archive is neither a bundle of Hither nor an OVA")
	case head.Version > bundleVersion:
		return invalid(opImport, in.spec.Name, "a newer Hither made it", "update Hither on the computer that is to have the machine")
	case len(head.Files) > domxml.MaxDisks+3:
		return cannotUse("it has more disks than a machine may have")
	}
	for i, f := range head.Files {
		e := find(entries, f.Name)
		if e == nil || e.size != f.Size || e.sums["SHA256"] != strings.ToLower(f.SHA256) {
			return in.cutOff()
		}
		if i == 0 {
			if in.Blueprint, err = domxml.ReadBlueprint(string(e.text)); err != nil {
				return cannotUse("its definition cannot be read")
			}
			continue
		}
		if err := in.takeFile(e); err != nil {
			return err
		}
	}
	return nil
}

// takeFile takes one file of a bundle: a disk, or what goes with them.
func (in *arrival) takeFile(e *entry) error {
	switch e.name {
	case bundleVars:
		if !soundVars(e.text) || !in.EFI {
			return cannotUse("its UEFI variables are none")
		}
		in.vars = e.text
	case bundleTPM:
		if in.TPM {
			in.tpmState = e.text
		}
	default:
		return in.diskFrom(e)
	}
	return nil
}

func (in *arrival) ova(entries []entry) error {
	m, err := readOVF(entries[0].text)
	if err != nil {
		return err
	}
	in.Blueprint = m.Blueprint
	for _, e := range entries {
		if hasEnd(e.name, ".mf") && !sumsHold(string(e.text), entries) {
			return in.cutOff()
		}
	}
	for _, name := range m.files {
		e := find(entries, plainEntry(name))
		if e == nil {
			return cannotUse("its archive lacks a disk that its descriptor names")
		}
		if err := in.diskFrom(e); err != nil {
			return err
		}
	}
	return nil
}

// sumsHold checks a manifest: lines as "SHA256(web.ovf)= 0a1b…". What it does not name
// is not checked; a kind of sum that is not known does not hold.
func sumsHold(manifest string, entries []entry) bool {
	for line := range strings.Lines(manifest) {
		kind, rest, ok := strings.Cut(strings.TrimSpace(line), "(")
		name, sum, both := strings.Cut(rest, ")")
		if !ok || !both {
			continue // blank, or a comment
		}
		e := find(entries, plainEntry(strings.TrimSpace(name)))
		want := strings.ToLower(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(sum), "=")))
		if e == nil || e.sums[strings.ToUpper(strings.TrimSpace(kind))] != want {
			return false
		}
	}
	return true
}

// diskFrom takes a file of the archive as the next disk; no file is two disks.
func (in *arrival) diskFrom(e *entry) error {
	if e.path == "" || slices.ContainsFunc(in.disks, func(d arrivedDisk) bool { return d.path == e.path }) {
		return cannotUse("its descriptor names a file as a disk that is none")
	}
	format, err := formatOf(e.path)
	if err != nil {
		return err
	}
	in.disks = append(in.disks, arrivedDisk{e.path, format})
	return nil
}
