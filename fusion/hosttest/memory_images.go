package hosttest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"

	"hither/fusion"
)

// memoryImages are what was uploaded, and a catalogue of one image.
type memoryImages struct{ m *Memory }

// memoryCloud is the one image that can be fetched.
var memoryCloud = bytes.Repeat([]byte("cloud"), 1000)

func (p memoryImages) Catalogue(ctx context.Context) ([]fusion.CatalogueImage, error) {
	return []fusion.CatalogueImage{{Name: "cloud", Title: "Cloud in memory", Format: fusion.Raw, Arch: "x86_64",
		URL: "https://example.org/cloud.img", Sum: sumOf(memoryCloud), User: "cloud", Runs: true}}, ctx.Err()
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// image describes one image. The caller holds mu.
func (p memoryImages) image(name string) fusion.Image {
	data := p.m.images[name]
	image := fusion.Image{Name: name, Format: fusion.Raw, Bytes: int64(len(data)), DiskBytes: int64(len(data)), Sum: sumOf(data), UsedBy: []string{}}
	for _, machine := range slices.Sorted(maps.Keys(p.m.machines)) {
		if p.m.machines[machine].iso == name {
			image.UsedBy = append(image.UsedBy, machine)
		}
	}
	return image
}

func (p memoryImages) List(ctx context.Context) ([]fusion.Image, error) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	list := []fusion.Image{}
	for _, name := range slices.Sorted(maps.Keys(p.m.images)) {
		list = append(list, p.image(name))
	}
	return list, ctx.Err()
}

func (p memoryImages) Fetch(ctx context.Context, spec fusion.FetchSpec) (fusion.Image, error) {
	const op = "image.fetch"
	err := ctx.Err()
	if err == nil {
		err = spec.Check()
	}
	if err != nil {
		return fusion.Image{}, err
	}
	known, err := p.Catalogue(ctx)
	if err != nil {
		return fusion.Image{}, err
	}
	switch {
	case fusion.IsURL(spec.From):
		return fusion.Image{}, &fusion.Error{Op: op, Path: spec.From, Cause: fusion.ErrOffline, Hint: "memory has no network"}
	case spec.From != known[0].Name:
		return fusion.Image{}, &fusion.Error{Op: op, Path: spec.From, Cause: fusion.ErrNotFound, Hint: "see the catalogue"}
	case spec.Sum != "" && spec.Sum != known[0].Sum:
		return fusion.Image{}, &fusion.Error{Op: op, Path: spec.From, Cause: fusion.ErrInvalid, Detail: "wrong sum", Hint: "see the sum"}
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	name := spec.As()
	if data, there := p.m.images[name]; there && !bytes.Equal(data, memoryCloud) {
		return fusion.Image{}, &fusion.Error{Op: op, Path: name, Cause: fusion.ErrExists, Hint: "choose another name"}
	}
	p.m.images[name] = memoryCloud
	return p.image(name), nil
}

func (p memoryImages) Remove(ctx context.Context, name string) error {
	const op = "image.remove"
	if err := fusion.CheckName(name); err != nil {
		return err
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if _, there := p.m.images[name]; !there {
		return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrNotFound, Hint: "`hither image ls` shows the images"}
	}
	if used := p.image(name).UsedBy; len(used) > 0 {
		return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrBusy, Detail: fmt.Sprintf("in use by %v", used), Hint: "remove the machine first"}
	}
	delete(p.m.images, name)
	return ctx.Err()
}

func (p memoryImages) Read(ctx context.Context, sum string, from int64) (fusion.ImageData, error) {
	const op = "image.read"
	if err := fusion.CheckSum(sum); err != nil {
		return fusion.ImageData{}, err
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	for _, data := range p.m.images {
		switch {
		case sumOf(data) != sum:
		case from < 0 || from > int64(len(data)):
			return fusion.ImageData{}, &fusion.Error{Op: op, Path: sum, Cause: fusion.ErrInvalid, Detail: "it ends before", Hint: "begin at its start"}
		default:
			return fusion.ImageData{ReadCloser: io.NopCloser(bytes.NewReader(data[from:])), Size: int64(len(data))}, ctx.Err()
		}
	}
	return fusion.ImageData{}, &fusion.Error{Op: op, Path: sum, Cause: fusion.ErrNotFound, Hint: "`hither image ls` shows the images"}
}
