package desktop

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	maxIcon = 4 << 20
	png     = "image/png"
	svg     = "image/svg+xml"
)

// Icon finds the picture of an Icon key: an absolute path, or a name in the
// themes hicolor and Adwaita or among the pixmaps. Pictures of 48 to 256 pixels
// are preferred, then drawings, then other sizes. ok is false when there is
// none, or it is neither PNG nor SVG.
func (c Catalogue) Icon(name string) (picture []byte, mediaType string, ok bool) {
	if filepath.IsAbs(name) {
		return readPicture(name)
	}
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".png"), ".svg")
	if name == "" || strings.ContainsAny(name, "/\x00") || name[0] == '.' {
		return nil, "", false
	}
	for _, path := range c.iconPaths(name) {
		if picture, mediaType, ok := readPicture(path); ok {
			return picture, mediaType, true
		}
	}
	return nil, "", false
}

// iconPaths gives where an icon may be, best first.
func (c Catalogue) iconPaths(name string) []string {
	var bases []string
	if home, err := os.UserHomeDir(); err == nil {
		bases = append(bases, filepath.Join(home, ".icons"))
	}
	for _, dir := range c.Dirs {
		bases = append(bases, filepath.Join(dir, "icons"))
	}
	var paths []string
	for _, theme := range []string{"hicolor", "Adwaita"} {
		paths = append(paths, themePaths(bases, theme, name)...)
	}
	for _, dir := range c.Dirs {
		pixmap := filepath.Join(dir, "pixmaps", name)
		paths = append(paths, pixmap+".png", pixmap+".svg")
	}
	return paths
}

// themePaths looks through the directories of a theme, SIZE/CONTEXT. Every base
// may hold a part of the theme, so the best size of all of them comes first.
func themePaths(bases []string, theme, name string) []string {
	type candidate struct {
		path string
		rank int
	}
	var found []candidate
	for _, base := range bases {
		sizes, err := os.ReadDir(filepath.Join(base, theme))
		if err != nil {
			continue // a base without this theme
		}
		for _, size := range sizes {
			rank := sizeRank(size.Name())
			if rank < 0 {
				continue
			}
			matches, err := filepath.Glob(filepath.Join(escapeGlob(filepath.Join(base, theme, size.Name())), "*", escapeGlob(name)+".[ps][nv]g"))
			if err != nil {
				continue // ErrBadPattern cannot be: all of it is escaped
			}
			for _, match := range matches {
				found = append(found, candidate{match, rank})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return a.rank - b.rank })
	paths := make([]string, len(found))
	for i, f := range found {
		paths[i] = f.path
	}
	return paths
}

func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// sizeRank orders the directories of a theme, lower is better; -1 is of no use.
func sizeRank(dir string) int {
	if dir == "scalable" {
		return 300
	}
	text, _, ok := strings.Cut(dir, "x")
	size, err := strconv.Atoi(text)
	switch {
	case !ok || err != nil || size <= 0:
		return -1 // symbolic and the like
	case size >= 48 && size <= 256:
		return 256 - size
	case size > 256:
		return 400 + size
	}
	return 5000 - size
}

// readPicture reads a PNG or SVG; what the file says, not its name, decides.
func readPicture(path string) ([]byte, string, bool) {
	data, err := readFile(path, maxIcon)
	if err != nil {
		return nil, "", false
	}
	if bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")) {
		return data, png, true
	}
	if head := data[:min(len(data), 4096)]; bytes.Contains(head, []byte("<svg")) {
		return data, svg, true
	}
	return nil, "", false
}

// readFile reads a regular file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file") // a pipe would block
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = errors.New("file too long")
	}
	return data, err
}
