package vmctl

import (
	"os"
	"path/filepath"
	"testing"

	"hither/fusion"
	testguest "hither/internal/guest"
	"hither/vmctl/imagefile"
)

// TestVolumesThatNoMachineMayHave: another's, what others stand on, what is no disk or
// points at files of its own choosing.
func TestVolumesThatNoMachineMayHave(t *testing.T) {
	f := newFake()
	s, _ := bench(t, f, fusion.MachineSpec{DiskBytes: 1 << 20})
	dir := s.config.pool()
	mine := parts(t, s).Disks[0].File
	for _, name := range []string{"base", "cd.iso"} {
		ok(t, os.WriteFile(filepath.Join(dir, name), make([]byte, 1<<20), 0o600))
	}
	testguest.Overlay(t, filepath.Join(dir, "over"), "base")
	testguest.Overlay(t, filepath.Join(dir, "thief"), "/etc/shadow")
	for volume, cause := range map[string]error{
		"hither/none": fusion.ErrNotFound, "none/x": fusion.ErrNotFound, "hither/../x": fusion.ErrInvalid, "hither": fusion.ErrInvalid, "/etc/passwd": fusion.ErrInvalid,
		"hither/" + mine: fusion.ErrBusy, "hither/base": fusion.ErrBusy, "hither/cd.iso": fusion.ErrInvalid, "hither/over": fusion.ErrInvalid, "hither/thief": fusion.ErrInvalid,
	} {
		_, err := s.Change(t.Context(), "m", fusion.Change{Kind: fusion.AddDisk, Volume: volume})
		refused(t, err, cause)
		if fusion.Hint(err) == "" {
			t.Errorf("%s has no hint: %v", volume, err)
		}
	}
	if disks := parts(t, s).Disks; len(disks) != 1 {
		t.Errorf("it has %+v", disks)
	}
	ok(t, os.WriteFile(filepath.Join(dir, "raw"), make([]byte, 1<<20), 0o600))
	change(t, s, fusion.Change{Kind: fusion.AddDisk, Volume: "hither/raw"}, fusion.Now)
	if disks := parts(t, s).Disks; len(disks) != 2 || disks[1].File != "raw" {
		t.Errorf("it has %+v, wanted a disk of format %s", disks, imagefile.Raw)
	}
	_, err := s.Change(t.Context(), "m", fusion.Change{Kind: fusion.AddDisk, Volume: "hither/raw"})
	refused(t, err, fusion.ErrBusy)
	ok(t, s.Remove(t.Context(), "m"))
	if !there(filepath.Join(dir, "raw")) {
		t.Error("the volume went with the machine")
	}
}
