package shell

import (
	"bytes"
	"io/fs"
	"net/http"
	"path"

	"github.com/wailsapp/wails/v2/pkg/options/assetserver"
)

// placeholder is shown by a build that has no page in it.
const placeholder = "placeholder.html"

// bindings are the toolkit's own scripts. It puts them into / by itself, and
// into no other path.
const bindings = `<head><script src="/wails/ipc.js"></script><script src="/wails/runtime.js"></script>`

// pageOptions serves the files of the page, and its index for the page's own
// paths, which are no files: a reload of /machine/cloud/web comes back there.
func pageOptions(page fs.FS) *assetserver.Options {
	index, err := fs.ReadFile(page, "index.html")
	if err != nil {
		return &assetserver.Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, page, placeholder)
		})}
	}
	index = bytes.Replace(index, []byte("<head>"), []byte(bindings), 1)
	return &assetserver.Options{Assets: page, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || path.Dir(path.Clean(r.URL.Path)) == "/assets" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(index) // the window is gone if this fails
	})}
}
