package files

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Paths reads a list of files as a program puts it into the clipboard or drops
// it: text/uri-list (RFC 2483) or x-special/gnome-copied-files, whose first line
// says whether they were copied or cut. It gives the files of this computer, at
// most maxTop of them; other lines are passed over.
func Paths(list []byte) (paths []string) {
	for line := range strings.Lines(string(list)) {
		line = strings.TrimRight(line, "\r\n\x00")
		if path := localPath(line); path != "" && len(paths) < maxTop {
			paths = append(paths, path)
		}
	}
	return paths
}

// localPath gives the path of a file: URI of this computer, or "".
func localPath(line string) string {
	u, err := url.Parse(line)
	if err != nil || u.Scheme != "file" || !isHere(u.Host) {
		return ""
	}
	path := filepath.Clean(filepath.FromSlash(u.Path))
	if !filepath.IsAbs(path) || strings.ContainsRune(path, 0) {
		return ""
	}
	return path
}

func isHere(host string) bool {
	if host == "" || host == "localhost" {
		return true
	}
	name, err := os.Hostname()
	return err == nil && strings.EqualFold(host, name)
}

// URIs makes a text/uri-list of paths.
func URIs(paths []string) []byte {
	var b []byte
	for _, path := range paths {
		u := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
		b = append(append(b, u.String()...), "\r\n"...)
	}
	return b
}
