package codec

import (
	"encoding/json"
	"hash/crc32"
	"image"
	"os"
	"testing"
)

// HITHER_WRITE_VECTORS=1 writes them anew.
const vectorFile = "../../frontend/test/vectors/frames.json"

// vector is a frame and the picture after it: the CRC-32 of its bytes as R G B A.
type vector struct {
	Frame  []byte `json:"frame"`
	CRC    uint32 `json:"crc"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
}

// TestVectors holds both decoders, this one and the page's, to the same frames.
func TestVectors(t *testing.T) {
	if os.Getenv("HITHER_WRITE_VECTORS") != "" {
		writeVectors(t)
	}
	b, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(b, &vectors); err != nil {
		t.Fatal(err)
	}
	var d Decoder
	defer d.Close()
	for i, v := range vectors {
		if _, err := d.Decode(v.Frame); err != nil {
			t.Fatalf("frame %d: %v", i, err)
		}
		if sum(d.Picture()) != v.CRC {
			t.Errorf("frame %d shows something else", i)
		}
	}
}

func sum(p *Picture) uint32 {
	var rgba []byte
	for i := 0; i < len(p.Pix); i += 4 {
		rgba = append(rgba, p.Pix[i+2], p.Pix[i+1], p.Pix[i], 0xff)
	}
	return crc32.ChecksumIEEE(rgba)
}

// writeVectors makes frames of every operation: text, photographs, scrolls,
// a cursor, and at the end another size.
func writeVectors(t *testing.T) {
	var e Encoder
	defer e.Close()
	p := newPainter(333, 247, 3)
	var vectors []vector
	add := func(c *Cursor) {
		frame, err := e.Encode(p.p, &p.damage, c)
		if err != nil || frame == nil {
			t.Fatal(frame, err)
		}
		p.damage.Clear()
		vectors = append(vectors, vector{append([]byte(nil), frame...), sum(p.p), p.p.Width, p.p.Height})
	}
	addCoarse := func(c *Cursor) {
		frame, err := e.Encode(p.p, &p.damage, c)
		var d Decoder
		defer d.Close()
		if err == nil {
			_, err = d.Decode(frame)
		}
		if err != nil || e.Exact() {
			t.Fatal(err)
		}
		vectors = append(vectors, vector{append([]byte(nil), frame...), sum(d.Picture()), p.p.Width, p.p.Height})
	}
	p.fill(p.p.Bounds(), 0x204060)
	p.text(image.Rect(10, 10, 200, 23), 2)
	add(nil)
	for _, shades := range []int{2, 3, 9, 200} {
		p.text(image.Rect(7, 30, 300, 56), shades)
		p.text(image.Rect(7, 60, 300, 200), shades)
		add(nil)
		p.text(image.Rect(31, 30, 260, 43), shades)
		add(nil)
	}
	for range 3 {
		p.move(image.Pt(7, 60), image.Rect(7, 73, 300, 200))
		p.text(image.Rect(7, 187, 300, 200), 2)
		add(nil)
	}
	p.noise(image.Rect(100, 100, 180, 180))
	add(&Cursor{HotX: 1, HotY: 2, Width: 2, Height: 1, Pix: []byte{1, 2, 3, 4, 5, 6, 7, 8}})
	p.fill(image.Rect(0, 0, 3, 3), 0xffffff)
	add(nil)
	seed := p.rnd
	p = newPainter(320, 300, 3)
	p.rnd = seed
	p.noise(p.p.Bounds())
	addCoarse(nil)
	b, err := json.MarshalIndent(vectors, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(vectorFile, append(b, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
