package vmctl

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"hither/fusion"
	"hither/fusion/hosttest"
)

// neighbour is another host that has an image.
func neighbour(t *testing.T, data []byte) *hosttest.Memory {
	t.Helper()
	m := hosttest.NewMemory("id-nas", "nas")
	ok(t, m.Machines().Upload(t.Context(), "theirs.img", int64(len(data)), bytes.NewReader(data)))
	return m
}

// TestFetchFromANeighbour: a host that has the image is asked, and nobody else.
func TestFetchFromANeighbour(t *testing.T) {
	p := publish(t, rawDisk(3<<20))
	s := fetching(t, t.TempDir(), ImagePeer{"phone", hosttest.NewMemory("id-phone", "phone").Images()}, ImagePeer{"nas", neighbour(t, p.data).Images()})
	image := must(s.Images().Fetch(t.Context(), fetchSpec(p)))(t)
	if image.Sum != sumOfBytes(p.data) {
		t.Errorf("%+v", image)
	}
	if asked := p.ranges(); len(asked) != 0 {
		t.Errorf("the publisher was asked %d times", len(asked))
	}
	holds(t, s, "disk.img", p.data)
}

// badImages says that it has everything, and sends what it likes.
type badImages struct {
	fusion.Images
	sum  string
	size int64
	sent io.Reader
}

func (b badImages) List(context.Context) ([]fusion.Image, error) {
	return []fusion.Image{{Name: "x", Sum: b.sum, Bytes: b.size}}, nil
}

func (b badImages) Read(context.Context, string, int64) (fusion.ImageData, error) {
	return fusion.ImageData{ReadCloser: io.NopCloser(b.sent), Size: b.size}, nil
}

// TestFetchFromABadNeighbour: what a host sends is checked, and what it lacks comes
// from the address.
func TestFetchFromABadNeighbour(t *testing.T) {
	data := rawDisk(3 << 20)
	lies := rawDisk(3 << 20)
	for name, c := range map[string]struct {
		sent  []byte
		asked string
	}{
		"lies":              {lies, ""},
		"breaks off":        {data[:1<<20], "bytes=1048576-"},
		"lies and breaks":   {lies[:1<<20], "bytes=1048576- "},
		"sends too much":    {append(bytes.Clone(data), 1), ""},
		"sends nothing":     {nil, ""},
		"sends a page only": {[]byte("<html>"), "bytes=6- "},
	} {
		t.Run(name, func(t *testing.T) {
			p := publish(t, data)
			s := fetching(t, t.TempDir(), ImagePeer{"bad", badImages{sum: sumOfBytes(data), size: int64(len(data)), sent: bytes.NewReader(c.sent)}})
			must(s.Images().Fetch(t.Context(), fetchSpec(p)))(t)
			holds(t, s, "disk.img", data)
			if asked := strings.Join(p.ranges(), " "); asked != c.asked {
				t.Errorf("the publisher was asked for %q, want %q", asked, c.asked)
			}
		})
	}
}
