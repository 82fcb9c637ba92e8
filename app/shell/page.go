package shell

import (
	"io/fs"
	"net/http"

	"github.com/wailsapp/wails/v2/pkg/options/assetserver"
)

// placeholder is shown by a build that has no page in it.
const placeholder = "placeholder.html"

func pageOptions(page fs.FS) *assetserver.Options {
	if _, err := fs.Stat(page, "index.html"); err == nil {
		return &assetserver.Options{Assets: page}
	}
	return &assetserver.Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, page, placeholder)
	})}
}
