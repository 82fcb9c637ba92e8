package vmctl

import (
	"bytes"
	"testing"
)

// FuzzMoveFrames reads what comes from the other end of a migration.
func FuzzMoveFrames(f *testing.F) {
	var seed bytes.Buffer
	if err := writeFrame(&seed, frameData, []byte("libvirt")); err != nil {
		f.Fatal(err)
	}
	if err := writeFrame(&seed, frameReady, nil); err != nil {
		f.Fatal(err)
	}
	f.Add(seed.Bytes())
	f.Add([]byte{1, 0, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, buf, read := bytes.NewReader(b), make([]byte, maxFrame), 0
		for {
			kind, data, err := readFrame(r, buf)
			if err != nil {
				return
			}
			if kind > frameReady || kind == frameReady && len(data) > 0 || !bytes.Equal(data, b[read+3:read+3+len(data)]) {
				t.Fatalf("kind %d with %d bytes", kind, len(data))
			}
			read += 3 + len(data)
		}
	})
}
