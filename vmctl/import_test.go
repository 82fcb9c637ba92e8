package vmctl

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// exportedBytes gives a machine's file.
func exportedBytes(t *testing.T, s *Store, name string, format fusion.ExportFormat) []byte {
	t.Helper()
	e := must(s.Export(t.Context(), name, format))(t)
	r := must(e.Open(t.Context(), 0))(t)
	data := must(io.ReadAll(r))(t)
	ok(t, errors.Join(r.Close(), e.Close()))
	if int64(len(data)) != e.Size() {
		t.Fatalf("%d bytes of %d", len(data), e.Size())
	}
	return data
}

func importBytes(t *testing.T, s *Store, name string, data []byte) (fusion.Machine, error) {
	t.Helper()
	return s.Import(t.Context(), fusion.ImportSpec{Name: name}, int64(len(data)), bytes.NewReader(data))
}

func TestExportAndImport(t *testing.T) {
	s, f := origin(t)
	from := diskPaths(t, s, "m")[0]
	pattern(t, from, 3, 'a')
	const bus = `bus="virtio"`
	for _, format := range []fusion.ExportFormat{fusion.Bundle, fusion.OVA} {
		data := exportedBytes(t, s, "m", format)
		name := "n-" + string(format)
		m := must(importBytes(t, s, name, data))(t)
		if m.MemoryBytes != 64<<20 || m.CPUs != 1 || len(m.Disks) != 1 || !strings.Contains(f.textsOf(m.UUID).next, bus) {
			t.Errorf("%s: %+v\n%s", format, m, f.textsOf(m.UUID).next)
		}
		img(t, "compare", "-f", "qcow2", "-F", "qcow2", from, diskPaths(t, s, name)[0])
		if bytes.Contains(data, []byte(s.config.pool())) {
			t.Errorf("%s tells where its host keeps disks", format)
		}
	}
	if left := pooled(t, s); len(left) != 3 || pending(t, s) != 0 {
		t.Errorf("the pool has %v, %d intents", left, pending(t, s))
	}
}

// TestExportedFileIsReadFromAnywhere compares every suffix that begins in odd places.
func TestExportedFileIsReadFromAnywhere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "disk")
	ok(t, os.WriteFile(path, bytes.Repeat([]byte("disk"), 300), 0o600))
	var l layout
	ok(t, l.file("a", []byte("text"), "", 4, time.Unix(1e9, 0)))
	ok(t, l.file("b", nil, path, 1200, time.Unix(1e9, 0)))
	l.end()
	whole := must(io.ReadAll(l.from(t.Context(), 0)))(t)
	if int64(len(whole)) != l.size {
		t.Fatalf("%d bytes of %d", len(whole), l.size)
	}
	for offset := range l.size + 1 {
		r := l.from(t.Context(), offset)
		if got := must(io.ReadAll(r))(t); !bytes.Equal(got, whole[offset:]) {
			t.Fatalf("from %d: %d bytes", offset, len(got))
		}
		ok(t, r.Close())
	}
	archive := tar.NewReader(bytes.NewReader(whole))
	for _, want := range []string{"a", "b"} {
		if head := must(archive.Next())(t); head.Name != want {
			t.Errorf("%+v", head)
		}
	}
	ok(t, os.Truncate(path, 1000))
	if _, err := io.ReadAll(l.from(t.Context(), 0)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a disk that was cut gives %v", err)
	}
}

// archiveOf makes a tar archive of names and contents.
func archiveOf(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		ok(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: files[i], Size: int64(len(files[i+1])), Mode: 0o644}))
		must(io.WriteString(w, files[i+1]))(t)
	}
	ok(t, w.Close())
	return b.Bytes()
}

// descriptor is an OVF of one disk, as VirtualBox and VMware write it.
const descriptor = `<?xml version="1.0"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="r" xmlns:vmw="v">
 <References><File ovf:href="%s" ovf:id="file1"/></References>
 <DiskSection><Info/><Disk ovf:capacity="20" ovf:diskId="vmdisk1" ovf:fileRef="file1"/></DiskSection>
 <VirtualSystem ovf:id="vm"><VirtualHardwareSection>
  <Item><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>2</rasd:VirtualQuantity></Item>
  <Item><rasd:AllocationUnits>MegaBytes</rasd:AllocationUnits><rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>512</rasd:VirtualQuantity></Item>
  <Item><rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource><rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceType>17</rasd:ResourceType></Item>
  <Item><rasd:InstanceID>4</rasd:InstanceID><rasd:ResourceSubType>PCNet32</rasd:ResourceSubType><rasd:ResourceType>10</rasd:ResourceType></Item>
  <vmw:Config vmw:key="firmware" vmw:value="efi"/>
 </VirtualHardwareSection></VirtualSystem>
</Envelope>`

// TestBusesInAnOVF: what OVF has no hardware for comes back as it was, and is SATA for all others.
func TestBusesInAnOVF(t *testing.T) {
	for scsi, want := range map[string]string{"virtio-scsi": "virtio sata scsi sata", "lsilogic": "virtio sata sata sata"} {
		b := domxml.Blueprint{Memory: 64 << 20, CPUs: 1, Buses: []string{"virtio", "sata", "scsi", "usb"}, SCSI: scsi}
		var disks []exportedDisk
		for _, name := range []string{"a.vmdk", "b.vmdk", "c.vmdk", "d.vmdk"} {
			disks = append(disks, exportedDisk{name: name, size: 1, capacity: 1 << 20})
		}
		text := must(writeOVF("m", b, disks))(t)
		m := must(readOVF(text))(t)
		if got := strings.Join(m.Buses, " "); got != want || strings.Join(m.files, " ") != "a.vmdk b.vmdk c.vmdk d.vmdk" || m.SCSI != "virtio-scsi" {
			t.Errorf("%s: %s, %v, %s", scsi, got, m.files, m.SCSI)
		}
		var x ovfXML
		ok(t, xml.Unmarshal(text, &x))
		for _, item := range x.System.Hardware.Items {
			if item.Type == ovfDisk && item.Parent != "3" || slices.Contains([]int{ovfIDE, ovfSCSI}, item.Type) {
				t.Errorf("another program would see %+v", item)
			}
		}
	}
	theirs := strings.Replace(descriptor, `ovf:diskId=`, `ovf:disk-interface="VirtIO" ovf:diskId=`, 1) // as oVirt writes it
	if m := must(readOVF(fmt.Appendf(nil, theirs, "a.vmdk")))(t); m.Buses[0] != "virtio" {
		t.Errorf("%+v", m)
	}
}

func TestDescriptorsOfOthers(t *testing.T) {
	m := must(readOVF(fmt.Appendf(nil, descriptor, "a.vmdk")))(t)
	if m.CPUs != 2 || m.Memory != 512<<20 || !m.EFI || len(m.files) != 1 || m.files[0] != "a.vmdk" || m.Cards[0] != "e1000e" || m.Buses[0] != "sata" {
		t.Errorf("%+v", m)
	}
	for units, want := range map[string]int64{"byte * 2^30": 512 << 30, "byte*2^20": 512 << 20, "MB": 512 << 20, "": 512 << 20, "byte * 2^99": mostMemory} {
		if got := ovfBytes(512, units); got != want {
			t.Errorf("%q: %d, want %d", units, got, want)
		}
	}
}

// TestFilesThatAreNoMachine: each is refused with a hint, and nothing is left, neither
// in the pool nor beside it.
func TestFilesThatAreNoMachine(t *testing.T) {
	s, f := origin(t)
	f.mu.Lock()
	f.can.uefi = true // which the descriptor asks for
	f.mu.Unlock()
	good := exportedBytes(t, s, "m", fusion.Bundle)
	ova := exportedBytes(t, s, "m", fusion.OVA)
	flipped := bytes.Clone(good)
	flipped[len(flipped)-2000] ^= 1
	dir := t.TempDir()
	thief := filepath.Join(dir, "thief.qcow2")
	img(t, "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "/etc/passwd", thief)
	sparse := filepath.Join(dir, "sparse.vmdk")
	img(t, "create", "-q", "-f", "vmdk", sparse, "8M")
	child := filepath.Join(dir, "child.vmdk")
	img(t, "create", "-q", "-f", "vmdk", "-F", "vmdk", "-b", sparse, child)
	empty := must(os.ReadFile(sparse))(t)
	binary.LittleEndian.PutUint64(empty[12:], 0)
	link := &bytes.Buffer{}
	w := tar.NewWriter(link)
	ok(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: "hither.json", Linkname: "/etc/passwd"}))
	ok(t, w.Close())

	for what, data := range map[string][]byte{
		"nothing":               nil,
		"text":                  []byte("hello"),
		"zeros":                 make([]byte, 4096),
		"gzip":                  []byte("\x1f\x8b0000"),
		"half":                  good[:len(good)/2],
		"a flipped bit":         flipped,
		"half an OVA":           ova[:len(ova)-len(ova)/3],
		"other archive":         archiveOf(t, "readme", "x"),
		"no files":              archiveOf(t, "hither.json", "{}"),
		"up":                    archiveOf(t, "../../up.ovf", "x"),
		"a path":                archiveOf(t, "hither.json", `{"format":"hither-machine","version":1,"files":[{"name":"machine.xml"}]}`, "/tmp/machine.xml", "x"),
		"a link":                link.Bytes(),
		"a newer bundle":        archiveOf(t, "hither.json", `{"format":"hither-machine","version":9,"files":[{"name":"machine.xml"}]}`),
		"no OVF":                archiveOf(t, "a.ovf", "<a/>"),
		"OVF of an outer file":  archiveOf(t, "a.ovf", fmt.Sprintf(descriptor, "/etc/passwd")),
		"OVF of a missing file": archiveOf(t, "a.ovf", fmt.Sprintf(descriptor, "a.vmdk")),
		"OVF whose disk is it":  archiveOf(t, "a.ovf", fmt.Sprintf(descriptor, "a.ovf")),
		"OVF with wrong sums":   archiveOf(t, "a.ovf", fmt.Sprintf(descriptor, "a.vmdk"), "a.mf", "SHA256(a.ovf)= 00\n", "a.vmdk", string(must(os.ReadFile(sparse))(t))),
		"OVF bomb":              archiveOf(t, "a.ovf", `<!DOCTYPE a [<!ENTITY x "yyyy">]><Envelope>&x;</Envelope>`),
		"a backing file":        must(os.ReadFile(thief))(t),
		"a VMDK's parent":       must(os.ReadFile(child))(t),
		"a VMDK of others":      []byte("# Disk DescriptorFile\nRW 1 FLAT \"/etc/passwd\" 0"),
		"a VMDK without size":   empty,
		"a qcow2 head":          qcow2(0, 0),
		"in an OVA":             archiveOf(t, "a.ovf", fmt.Sprintf(descriptor, "a.vmdk"), "a.vmdk", string(must(os.ReadFile(child))(t))),
	} {
		_, err := importBytes(t, s, "x", data)
		if !errors.Is(err, fusion.ErrInvalid) || fusion.Hint(err) == "" {
			t.Errorf("%s: %v (hint: %q)", what, err, fusion.Hint(err))
		}
		if left := pooled(t, s); len(left) != 1 || len(f.all) != 1 || pending(t, s) != 0 {
			t.Fatalf("%s left %v", what, left)
		}
	}
	must(importBytes(t, s, "x", must(os.ReadFile(sparse))(t)))(t) // the name is free, and the disk good
}

func TestImportEndsWithItsContext(t *testing.T) {
	s, _ := origin(t)
	data := exportedBytes(t, s, "m", fusion.Bundle)
	ctx, cancel := context.WithCancel(t.Context())
	r := io.MultiReader(bytes.NewReader(data[:len(data)/2]), readerFunc(func([]byte) (int, error) { cancel(); return 0, nil }))
	if _, err := s.Import(ctx, fusion.ImportSpec{Name: "x"}, int64(len(data)), r); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	broken := errors.New("cable pulled")
	_, err := s.Import(t.Context(), fusion.ImportSpec{Name: "x"}, int64(len(data)), io.MultiReader(bytes.NewReader(data[:len(data)/2]), errReader{broken}))
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if left := pooled(t, s); len(left) != 1 {
		t.Errorf("left %v", left)
	}
}

// TestABrokenImportDoesNotHoldItsName: its sender may try again before it is noticed.
func TestABrokenImportDoesNotHoldItsName(t *testing.T) {
	s, _ := origin(t)
	data := exportedBytes(t, s, "m", fusion.Bundle)
	waits, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	stuck := io.MultiReader(bytes.NewReader(data[:len(data)/2]), readerFunc(func([]byte) (int, error) {
		close(waits)
		<-goOn
		return 0, errors.New("cable pulled")
	}))
	go func() {
		_, err := s.Import(t.Context(), fusion.ImportSpec{Name: "x"}, int64(len(data)), stuck)
		done <- err
	}()
	<-waits
	must(importBytes(t, s, "x", data))(t)
	close(goOn)
	if err := <-done; err == nil {
		t.Error("the broken one was taken")
	}
	late := io.MultiReader(bytes.NewReader(data), readerFunc(func([]byte) (int, error) { return 0, io.EOF }))
	_, err := s.Import(t.Context(), fusion.ImportSpec{Name: "x"}, -1, late)
	refused(t, err, fusion.ErrExists)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestSizesOfAnImport(t *testing.T) {
	s, _ := origin(t)
	data := exportedBytes(t, s, "m", fusion.OVA)
	m := must(s.Import(t.Context(), fusion.ImportSpec{Name: "x", MemoryBytes: 128 << 20, CPUs: 3}, -1, bytes.NewReader(data)))(t)
	if m.MemoryBytes != 128<<20 || m.CPUs != 3 {
		t.Errorf("%+v", m)
	}
	raw := make([]byte, 1<<20)
	m = must(s.Import(t.Context(), fusion.ImportSpec{Name: "raw", Raw: true}, int64(len(raw)), bytes.NewReader(raw)))(t)
	if m.MemoryBytes != defaultMemory || m.CPUs != 1 || m.Disks[0].TotalBytes != 1<<20 {
		t.Errorf("%+v", m)
	}
	for _, spec := range []fusion.ImportSpec{{Name: "y", MemoryBytes: 1}, {Name: "y", CPUs: 1000}, {Name: "../y"}} {
		_, err := s.Import(t.Context(), spec, int64(len(data)), bytes.NewReader(data))
		refused(t, err, fusion.ErrInvalid)
	}
}

func FuzzOVF(f *testing.F) {
	f.Add(fmt.Appendf(nil, descriptor, "a.vmdk"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := readOVF(text)
		if err == nil && (len(m.files) > domxml.MaxDisks || len(m.Cards) > domxml.MaxCards || m.Memory > mostMemory || m.Memory < 0) {
			t.Errorf("%+v", m)
		}
	})
}
