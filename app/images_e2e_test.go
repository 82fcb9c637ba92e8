//go:build e2e

package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"hither/fusion"
	"hither/internal/guest"
)

// served is a web server with one image that counts how often it is asked.
func served(t *testing.T, image []byte) (url string, asked *atomic.Int32) {
	t.Helper()
	asked = &atomic.Int32{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(image))
	}))
	t.Cleanup(server.Close)
	return server.URL + "/disk.img", asked
}

// TestImagesAreSharedBetweenHosts: a host gets an image from a paired one that has it, and
// the world is asked once.
func TestImagesAreSharedBetweenHosts(t *testing.T) {
	t.Setenv("DISPLAY", "")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	here, cloud := startNode(t, "here"), startNode(t, "cloud")
	pairNodes(t, here, cloud)
	file := filepath.Join(t.TempDir(), "disk.img")
	guest.Cloud(t, file, 16<<20)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	hashed := sha256.Sum256(data)
	sum := "sha256:" + hex.EncodeToString(hashed[:])
	url, asked := served(t, data)
	for _, n := range []fusion.Host{resolved(t, here, ""), resolved(t, here, "cloud")} {
		image, err := n.Images().Fetch(ctx, fusion.FetchSpec{From: url, Sum: sum})
		if err != nil || image.Sum != sum || image.Bytes != int64(len(data)) || image.Format != fusion.Raw {
			t.Fatalf("%+v, %v (hint: %s)", image, err, fusion.Hint(err))
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the server was asked %d times for two hosts", n)
	}
	m, err := resolved(t, here, "cloud").Machines().Create(ctx, fusion.MachineSpec{Name: "web", MemoryBytes: 64 << 20, Image: "disk.img", DiskBytes: 32 << 20,
		Seed: &fusion.Seed{User: "anna"}, Start: true})
	if err != nil || m.State != fusion.Running || len(m.Disks) != 1 || m.Disks[0].TotalBytes != 32<<20 {
		t.Errorf("%+v, %v (hint: %s)", m, err, fusion.Hint(err))
	}

	// Without the right to its images a host is not asked, and an address needs admin.
	if _, err := cloud.Grant(ctx, here.network.ID(), fusion.Whole(fusion.ViewCap, fusion.MachinesCap)); err != nil {
		t.Fatal(err)
	}
	_, err = resolved(t, here, "cloud").Images().Fetch(ctx, fusion.FetchSpec{From: url, Name: "again.img"})
	if !errors.Is(err, fusion.ErrPermission) || fusion.Hint(err) == "" {
		t.Errorf("an address without admin: %v", err)
	}
	_, err = resolved(t, here, "cloud").Machines().Create(ctx, fusion.MachineSpec{Name: "x", MemoryBytes: 64 << 20, Image: url})
	if !errors.Is(err, fusion.ErrPermission) {
		t.Errorf("a machine of an address without admin: %v", err)
	}
	if _, err := cloud.Grant(ctx, here.network.ID(), fusion.Whole(fusion.ViewCap)); err != nil {
		t.Fatal(err)
	}
	_, err = resolved(t, here, "cloud").Images().Read(ctx, sum, 0)
	if !errors.Is(err, fusion.ErrPermission) {
		t.Errorf("an image without a grant: %v", err)
	}
}
