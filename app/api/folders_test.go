package api

import (
	"errors"
	"testing"

	"hither/fusion"
)

// TestAComputerSeesOnlyFoldersSharedWithIt: neither a list, nor a name, nor the
// watch stream tells another computer of folders that are not its business.
func TestAComputerSeesOnlyFoldersSharedWithIt(t *testing.T) {
	s := newScene(t)
	folders := s.node.host.Folders()
	for _, name := range []string{"shared", "private"} {
		if _, err := folders.Add(t.Context(), name, "/home/owner/"+name); err != nil {
			t.Fatal(err)
		}
	}
	if err := folders.Share(t.Context(), "shared", "id-nas"); err != nil {
		t.Fatal(err)
	}
	host := hostOf(s.peer("id-nas"), "cloud")
	for _, tc := range []struct {
		grants        []fusion.Grant
		listed, heard []string
		path          string
	}{
		{fusion.Whole(fusion.AdminCap), []string{"private", "shared"}, []string{"private", "shared"}, "/home/owner/shared"},
		{fusion.Whole(fusion.FilesCap, fusion.ViewCap), []string{"shared"}, []string{"shared"}, ""},
		{fusion.Whole(fusion.ViewCap), nil, nil, ""},
	} {
		s.node.grantAll("id-nas", tc.grants)
		list, err := host.Folders().List(t.Context())
		if err != nil && !errors.Is(err, fusion.ErrPermission) {
			t.Fatal(err)
		}
		for _, f := range list {
			if f.Name == "shared" && f.Path != tc.path {
				t.Errorf("with %v: the path is %q, want %q", tc.grants, f.Path, tc.path)
			}
		}
		if !sameNames(list, tc.listed) {
			t.Errorf("with %v: listed %v, want %v", tc.grants, list, tc.listed)
		}
		if heard := foldersNow(t, host); !sameNames(heard, tc.heard) {
			t.Errorf("with %v: heard of %v, want %v", tc.grants, heard, tc.heard)
		}
		_, err = host.Folders().Get(t.Context(), "private")
		if admin := fusion.Allows(tc.grants, fusion.AdminCap); (err == nil) != admin {
			t.Errorf("with %v: the private folder: %v", tc.grants, err)
		}
	}
}

// foldersNow gives the folders that a watch begins with; Seq has no gap.
func foldersNow(t *testing.T, host fusion.Host) []fusion.Folder {
	t.Helper()
	var out []fusion.Folder
	var seq uint64
	for e, err := range host.Watch(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if seq++; e.Seq != seq {
			t.Fatalf("event %d has Seq %d", seq, e.Seq)
		}
		if e.Folder != nil {
			out = append(out, *e.Folder)
		}
		if e.Kind == fusion.EventReady {
			break
		}
	}
	return out
}

func sameNames(folders []fusion.Folder, names []string) bool {
	if len(folders) != len(names) {
		return false
	}
	for i, f := range folders {
		if f.Name != names[i] {
			return false
		}
	}
	return true
}
