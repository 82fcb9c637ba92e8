package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"hither/fusion"
)

// someSum is one that no image has.
var someSum = "sha256:" + strings.Repeat("0", 64)

// readImage asks for an image that nobody has; to be told so is what is right.
func readImage(ctx context.Context, images fusion.Images) error {
	_, err := images.Read(ctx, someSum, 0)
	if errors.Is(err, fusion.ErrNotFound) {
		return nil
	}
	return errors.Join(err, ctx.Err())
}

// TestImagesOverTheWire: what the server has is what a client reads, from any place.
func TestImagesOverTheWire(t *testing.T) {
	s := newScene(t)
	host := hostOf(s.owner(), "")
	data := bytes.Repeat([]byte("hither"), 50_000)
	if err := host.Machines().Upload(t.Context(), "mine.img", int64(len(data)), bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	hashed := sha256.Sum256(data)
	sum := "sha256:" + hex.EncodeToString(hashed[:])
	list := must(host.Images().List(t.Context()))(t)
	if len(list) != 1 || list[0].Host != "cloud" || list[0].Sum != sum {
		t.Errorf("%+v", list)
	}
	for _, from := range []int64{0, 1, 70_000, int64(len(data)) - 1} {
		got := must(host.Images().Read(t.Context(), sum, from))(t)
		rest, err := io.ReadAll(got)
		if err != nil || !bytes.Equal(rest, data[from:]) || got.Size != int64(len(data)) {
			t.Errorf("from %d: %d bytes of %d, %v", from, len(rest), got.Size, err)
		}
		if err := got.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := host.Images().Read(t.Context(), someSum, 0); !errors.Is(err, fusion.ErrNotFound) || fusion.Hint(err) == "" {
		t.Errorf("one that is not there: %v", err)
	}
	for _, sum := range []string{"", "a/b", "../mine.img", "mine.img"} {
		if _, err := host.Images().Read(t.Context(), sum, 0); !errors.Is(err, fusion.ErrInvalid) || fusion.Hint(err) == "" {
			t.Errorf("the sum %q: %v", sum, err)
		}
	}
	fetched := must(host.Images().Fetch(t.Context(), fusion.FetchSpec{From: "cloud"}))(t)
	if fetched.Name != "cloud" || fetched.Host != "cloud" {
		t.Errorf("%+v", fetched)
	}
	if err := host.Images().Remove(t.Context(), "mine.img"); err != nil {
		t.Error(err)
	}
	catalogue := must(host.Images().Catalogue(t.Context()))(t)
	if len(catalogue) != 1 || catalogue[0].Sum == "" || !catalogue[0].Runs || catalogue[0].User != "cloud" {
		t.Errorf("%+v", catalogue)
	}
}

// TestOddRangesAreRefused: a node asks for the rest, and nothing else.
func TestOddRangesAreRefused(t *testing.T) {
	s := newScene(t)
	web := plain(s.owner())
	for _, text := range []string{"bytes=0-5", "bytes=-5", "bytes=0-,7-", "lines=1-", "bytes=x-", "bytes=-1-"} {
		req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, "http://hither/images/"+someSum, nil))(t)
		req.Header.Set("Range", text)
		res := must(web.Do(req))(t)
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", text, res.Status)
		}
		_ = res.Body.Close() // it is not read
	}
}

// TestAddressesNeedAdmin: a computer that may make machines cannot let this one reach for
// what it likes.
func TestAddressesNeedAdmin(t *testing.T) {
	s := newScene(t)
	s.node.grant("id-nas", fusion.MachinesCap)
	host := hostOf(s.peer("id-nas"), "")
	const address = "http://169.254.169.254/latest/meta-data.img"
	refusals := map[string]error{}
	_, refusals["fetch"] = host.Images().Fetch(t.Context(), fusion.FetchSpec{From: address})
	_, refusals["image"] = host.Machines().Create(t.Context(), fusion.MachineSpec{Name: "a", Image: address})
	_, refusals["iso"] = host.Machines().Create(t.Context(), fusion.MachineSpec{Name: "a", ISO: address})
	for what, err := range refusals {
		if !errors.Is(err, fusion.ErrPermission) || fusion.Hint(err) == "" {
			t.Errorf("%s: %v (hint %q)", what, err, fusion.Hint(err))
		}
	}
	if _, err := host.Images().Fetch(t.Context(), fusion.FetchSpec{From: "cloud"}); err != nil {
		t.Errorf("of the catalogue: %v", err)
	}
	s.node.grant("id-nas", fusion.AdminCap)
	if _, err := host.Images().Fetch(t.Context(), fusion.FetchSpec{From: address}); !errors.Is(err, fusion.ErrOffline) {
		t.Errorf("with admin: %v", err)
	}
	s.node.grant("id-nas", fusion.ViewCap)
	if _, err := host.Images().List(t.Context()); err != nil {
		t.Errorf("a list with view: %v", err)
	}
	if err := readImage(t.Context(), host.Images()); !errors.Is(err, fusion.ErrPermission) {
		t.Errorf("bytes with view: %v", err)
	}
}
