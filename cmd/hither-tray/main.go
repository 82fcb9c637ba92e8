// Command hither-tray is the tray agent: it finds its home, joins the node
// there, and shows the owner's computers in the system tray through package
// tray. It holds no node and links no subsystem.
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"os"

	"fyne.io/fyne/v2/app"
	"fyne.io/fyne/v2/lang"

	"hither/app/client"
	"hither/app/home"
	"hither/cmd/hither-tray/tray"
	"hither/fusion"
)

//go:embed icon.png
var icon []byte

func main() {
	dir := flag.String("home", "", "the node's `DIR` (default $HITHER_HOME, else XDG directories)")
	flag.Parse()
	if err := run(*dir); err != nil {
		fmt.Fprintln(os.Stderr, "hither-tray:", err)
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
	n := &node{home: h, client: client.Unix(h.Socket())}
	return tray.Run(app.NewWithID("hither.tray"), n, n, tray.WordsFor(lang.SystemLocale().String()), icon)
}
