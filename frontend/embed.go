// Package frontend carries the built page. The window and the browser share it.
package frontend

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Page is the built page with index.html at its root. A clone that was not
// built yet has a placeholder there that says so.
func Page() fs.FS {
	page, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("frontend: dist is not in the binary: " + err.Error())
	}
	return page
}
