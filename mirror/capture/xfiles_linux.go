package capture

import "bytes"

// Targets of files in the clipboard: RFC 2483's, and that of GNOME's and Xfce's
// file managers, which paste by it.
const (
	uriList     = "text/uri-list"
	copiedFiles = "x-special/gnome-copied-files"
)

// asCopied makes copiedFiles of a uriList: what was done to the files, and a
// line for each.
func asCopied(list []byte) []byte {
	lines := bytes.ReplaceAll(bytes.TrimRight(list, "\r\n"), []byte("\r\n"), []byte("\n"))
	return append([]byte("copy\n"), lines...)
}
