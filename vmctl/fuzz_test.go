package vmctl

import (
	"bytes"
	"image/png"
	"testing"

	"hither/fusion"
)

func FuzzScreenshot(f *testing.F) {
	f.Add([]byte("P6\n# QEMU\n2 1\n255\nabcdef"))
	f.Add([]byte("P6 99999 99999 255 "))
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := toPNG(data)
		if err != nil || bytes.HasPrefix(data, pngMagic) {
			return
		}
		if _, err := png.Decode(bytes.NewReader(out)); err != nil {
			t.Error(err)
		}
	})
}

func FuzzShownName(f *testing.F) {
	f.Add("../x")
	f.Add("self")
	f.Fuzz(func(t *testing.T, name string) {
		shown := outsideName(name, "11111111-2222-4333-8444-555555555555")
		if err := fusion.CheckName(shown); err != nil || shown == fusion.Self {
			t.Errorf("%q is shown as %q: %v", name, shown, err)
		}
	})
}
