package entry

import (
	"bytes"
	"image/png"
	"path/filepath"
	"strconv"
)

// sizes are the directories of hicolor that every desktop looks into, in pixels.
var sizes = []int{16, 22, 24, 32, 36, 48, 64, 72, 96, 128, 192, 256, 512}

// maxSide bounds the sides of a picture that is drawn anew, in pixels.
const maxSide = 1024

// fallback is what stands for an app without a picture, a name that every theme has.
const fallback = "application-x-executable"

// picture gives where an app's picture goes below the theme's directory, and
// its bytes; ok is false when there is none that can be used.
func picture(base string, data []byte, mediaType string) (path string, out []byte, ok bool) {
	if mediaType == "image/svg+xml" && bytes.Contains(data, []byte("<svg")) {
		return filepath.Join("scalable", "apps", base+".svg"), data, true
	}
	config, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil || config.Width < 1 || config.Height < 1 || config.Width > maxSide || config.Height > maxSide {
		return "", nil, false
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return "", nil, false
	}
	var clean bytes.Buffer
	if err := png.Encode(&clean, img); err != nil {
		return "", nil, false
	}
	size := strconv.Itoa(nearest(max(config.Width, config.Height)))
	return filepath.Join(size+"x"+size, "apps", base+".png"), clean.Bytes(), true
}

// nearest gives the directory size that is nearest to a side.
func nearest(side int) int {
	best := sizes[0]
	for _, size := range sizes {
		if abs(size-side) <= abs(best-side) {
			best = size
		}
	}
	return best
}

func abs(n int) int { return max(n, -n) }

// pictures gives every place where a picture of ours can be.
func pictures(base string) []string {
	paths := []string{filepath.Join("scalable", "apps", base+".svg")}
	for _, size := range sizes {
		s := strconv.Itoa(size)
		paths = append(paths, filepath.Join(s+"x"+s, "apps", base+".png"))
	}
	return paths
}
