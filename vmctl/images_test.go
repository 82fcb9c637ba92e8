package vmctl

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hither/fusion"
	"hither/vmctl/imagepool"
)

// announcing is a server that says that it has an image of size bytes.
func announcing(t *testing.T, size int64) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(size))
		_, _ = w.Write(rawDisk(1 << 20)) // the client goes as soon as it has read the head
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// TestImagesAreNoDisks: disks and seeds of machines are neither listed nor removed.
func TestImagesAreNoDisks(t *testing.T) {
	f := newFake()
	s := store(t, f)
	for _, name := range []string{"web-12345678-0.qcow2", "web-12345678-seed.iso", "mine.iso", imagepool.NoteName("mine.iso"), ".part-1", ".fetch-1"} {
		ok(t, os.WriteFile(filepath.Join(s.config.pool(), name), rawDisk(512), 0o600))
	}
	d := vm("12345678-0", "web", fusion.Off)
	d.Inserted = []string{filepath.Join(s.config.pool(), "mine.iso"), "/elsewhere/mine.iso"}
	f.put(d)
	eventually(t, "the machine is known", func() bool { return len(s.imageUses()) > 0 })
	list := must(s.Images().List(t.Context()))(t)
	if len(list) != 1 || list[0].Name != "mine.iso" || !slices.Equal(list[0].UsedBy, []string{"web"}) {
		t.Errorf("%+v", list)
	}
	refused(t, s.Images().Remove(t.Context(), "mine.iso"), fusion.ErrBusy)
	refused(t, s.Images().Remove(t.Context(), "web-12345678-0.qcow2"), fusion.ErrInvalid)
	refused(t, s.Images().Remove(t.Context(), "none"), fusion.ErrNotFound)
	refused(t, s.Images().Remove(t.Context(), "../kvm.json"), fusion.ErrInvalid)
	release, _ := s.claims.Share("image", "mine.iso")
	f.put(vm("12345678-0", "web", fusion.Off))
	eventually(t, "it was taken out", func() bool { return len(s.imageUses()) == 0 })
	refused(t, s.Images().Remove(t.Context(), "mine.iso"), fusion.ErrBusy)
	release()
	ok(t, s.Images().Remove(t.Context(), "mine.iso"))
	if there(filepath.Join(s.config.pool(), imagepool.NoteName("mine.iso"))) {
		t.Error("its note stays")
	}
}

// TestANoteIsOfOneFile: what was put in the place of an image has no sum.
func TestANoteIsOfOneFile(t *testing.T) {
	s := store(t, newFake())
	ok(t, s.Upload(t.Context(), "a.img", 5, strings.NewReader("hello")))
	if list := must(s.Images().List(t.Context()))(t); list[0].Sum != sumOfBytes([]byte("hello")) {
		t.Errorf("%+v", list)
	}
	path := filepath.Join(s.config.pool(), "a.img")
	ok(t, os.WriteFile(path, []byte("other"), 0o600))
	ok(t, os.Chtimes(path, time.Time{}, time.Now().Add(time.Second)))
	if list := must(s.Images().List(t.Context()))(t); list[0].Sum != "" {
		t.Errorf("%+v", list)
	}
}

// TestSweepNotes: a start forgets what belongs to nothing, and downloads that nobody
// went on with for a week.
func TestSweepNotes(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	for name, old := range map[string]bool{"a.iso": true, ".about-a.iso.json": true, ".about-gone.json": false, ".fetch-1": false, ".fetch-1.json": false,
		".fetch-2": true, ".fetch-2.json": true, ".fetch-3": false, ".fetch-4.json": false} {
		path := filepath.Join(dir, name)
		ok(t, os.WriteFile(path, nil, 0o600))
		if old {
			ok(t, os.Chtimes(path, time.Time{}, now.Add(-imagepool.KeepDownload-time.Hour)))
		}
	}
	imagepool.SweepNotes(dir, now)
	var left []string
	for _, entry := range must(os.ReadDir(dir))(t) {
		left = append(left, entry.Name())
	}
	if got := strings.Join(left, " "); got != ".about-a.iso.json .fetch-1 .fetch-1.json a.iso" {
		t.Errorf("left: %s", got)
	}
}

func TestBuiltinCatalogue(t *testing.T) {
	s := fetching(t, t.TempDir())
	list := must(s.Images().Catalogue(t.Context()))(t)
	names := map[string]fusion.CatalogueImage{}
	for _, image := range list {
		names[image.Name] = image
		if image.Format != fusion.ISO && (image.Sum == "" && image.SumsURL == "" || image.User == "" || !strings.HasPrefix(image.URL, "https://")) {
			t.Errorf("%+v", image)
		}
	}
	for _, name := range []string{"debian-12", "debian-13", "ubuntu-24.04", "fedora-43", "alpine-3.22"} {
		if !names[name].Runs {
			t.Errorf("%s: %+v", name, names[name])
		}
	}
	if names["debian-13-arm64"].Runs {
		t.Error("an image for ARM runs here")
	}
	_, err := s.Create(t.Context(), fusion.MachineSpec{Name: "m", Image: "debian-13-arm64"})
	refused(t, err, fusion.ErrInvalid)
	netinst := names["debian12-netinst"]
	if netinst.Title != "Debian 12 netinst" || netinst.Format != fusion.ISO || netinst.MemoryBytes != 1<<30 || netinst.URL == "" || !netinst.Runs {
		t.Errorf("of the database: %+v", netinst)
	}
	if names["debian12-netinst-2"].URL == "" || names["debian12-i686"].Runs || len(list) < 3 {
		t.Errorf("of the database: %v", names)
	}
	for _, name := range []string{"debian12", "debian12-tree"} {
		if got, there := names[name]; there {
			t.Errorf("what cannot be fetched: %+v", got)
		}
	}
}

func FuzzContentRange(f *testing.F) {
	f.Add("bytes 5-9/10")
	f.Add("bytes */10")
	f.Fuzz(func(t *testing.T, text string) {
		if at, total, err := contentRange(text); err == nil && (at < 0 || total < -1) {
			t.Errorf("%d of %d", at, total)
		}
	})
}
