package vmctl

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/iso9660"

	"hither/fusion"
	"hither/vmctl/domxml"
	"hither/vmctl/imagefile"
	"hither/vmctl/imagepool"
	"hither/vmctl/seed"
)

// TestSeedCD reads a seed as a guest does.
func TestSeedCD(t *testing.T) {
	s := store(t, newFake())
	anna := fusion.Seed{User: "anna"}
	p := plan{Plan: domxml.Plan{Spec: fusion.MachineSpec{Name: "web", Seed: &anna}, UUID: newUUID(), Pool: s.config.pool()}}
	p.nameDisks()
	ok(t, s.makeSeed(p))
	if left := inPool(t, s.config); !slices.Equal(left, []string{p.Seed}) || !imagepool.OwnDisk(p.Seed, p.UUID) || !imagepool.IsMade(p.Seed) {
		t.Errorf("the pool has %v", left)
	}
	path := filepath.Join(s.config.pool(), p.Seed)
	if format, _, err := imagefile.Inspect(path); format != fusion.ISO || err != nil {
		t.Errorf("it is %q, %v", format, err)
	}
	f := must(os.Open(path))(t)
	defer f.Close()
	info := must(f.Stat())(t)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v", info.Mode())
	}
	cd := must(iso9660.Read(file.New(f, true), info.Size(), 0, 2048))(t)
	if strings.Trim(cd.Label(), "\x00 ") != seed.Label {
		t.Errorf("its label is %q", cd.Label())
	}
	for name, want := range map[string]string{"user-data": "user: anna\n", "meta-data": "instance-id: " + p.UUID + "\n"} {
		got := must(io.ReadAll(must(cd.OpenFile("/"+name, os.O_RDONLY))(t)))(t)
		if !strings.Contains(string(got), want) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestSeedGoesWithItsMachine: it is in a drive of its own, and nobody else's.
func TestSeedGoesWithItsMachine(t *testing.T) {
	f := newFake()
	s := store(t, f)
	ok(t, s.Upload(t.Context(), "cd.iso", 4, strings.NewReader("disc")))
	m := must(s.Create(t.Context(), fusion.MachineSpec{Name: "web", ISO: "cd.iso", Seed: &fusion.Seed{User: "anna"}}))(t)
	f.mu.Lock()
	d := f.all[m.UUID]
	f.mu.Unlock()
	seed := "web-" + head(m.UUID) + imagepool.SeedSuffix
	if !slices.Equal(d.OwnDisks, []string{seed}) || !slices.Equal(d.Drives, []string{"sda", "sdb"}) || len(d.Inserted) != 2 || filepath.Base(d.Inserted[1]) != seed {
		t.Errorf("%+v", d)
	}
	if pending(t, s) != 0 {
		t.Error("an intent stays")
	}
	ok(t, s.Remove(t.Context(), "web"))
	if left := inPool(t, s.config); !slices.Equal(left, []string{imagepool.NoteName("cd.iso"), "cd.iso"}) {
		t.Errorf("the pool has %v", left)
	}
	f.refuses("define", &driverError{fusion.ErrInvalid, "no"})
	_, err := s.Create(t.Context(), fusion.MachineSpec{Name: "web", Seed: &fusion.Seed{User: "anna"}})
	refused(t, err, fusion.ErrInvalid)
	if left := inPool(t, s.config); len(left) != 2 {
		t.Errorf("a failure left %v", left)
	}
}

// TestSeedNetwork: a card that is told its addresses is told by one of its own.
func TestSeedNetwork(t *testing.T) {
	f := newFake()
	s := store(t, f)
	knowsKVM(s, false)
	ok(t, os.WriteFile(filepath.Join(s.config.pool(), "cd.iso"), make([]byte, 1024), 0o600))
	m := must(s.Create(t.Context(), fusion.MachineSpec{Name: "web", ISO: "cd.iso", Seed: &fusion.Seed{Addresses: []string{"192.0.2.5/24"}}}))(t)
	if text := f.textsOf(m.UUID).next; !strings.Contains(text, `<mac address="52:54:00:`) {
		t.Errorf("its card has an address of libvirt's: %s", text)
	}
}
