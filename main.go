// Command hither-desktop is the desktop window: it finds its home, joins the
// node there through package shell, and hands the page to Wails. It holds no
// node and links no subsystem.
package main

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/wailsapp/wails/v2"

	"hither/app/home"
	"hither/app/shell"
	"hither/frontend"
	"hither/fusion"
)

//go:embed assets/png/hither-256.png
var icon []byte

func main() {
	dir := flag.String("home", "", "the node's `DIR` (default $HITHER_HOME, else XDG directories)")
	flag.Parse()
	if err := run(*dir); err != nil {
		fmt.Fprintln(os.Stderr, "hither:", err)
		if hint := fusion.Hint(err); hint != "" {
			fmt.Fprintln(os.Stderr, "hint:", hint)
		}
		os.Exit(1)
	}
}

func run(dir string) error {
	h, err := home.Find(dir)
	if err != nil {
		return err
	}
	window, err := shell.New(h, frontend.Page(), icon)
	if err != nil || window == nil { // nil: the window that is open was raised
		return err
	}
	return errors.Join(wails.Run(window.Options()), window.Close())
}
