// Package entry puts apps of other computers into this desktop's menu, for the
// owner alone: one desktop entry and one picture for each, as the Desktop Entry
// Specification 1.5 and the Icon Theme Specification say. Menu is the one way in.
//
// An entry starts `hither app run HOST/MACHINE APP FILE…`, with the host's ID,
// so that it works when the host gets another name. It carries what it belongs
// to in X-Hither keys, and those, not the file's name, decide what List and
// Uninstall find. Two nodes of one owner (two homes) keep theirs apart.
//
// Names, categories, types and pictures come from another computer: what is not
// sound is left out, and a PNG is drawn anew. An SVG is taken as it is.
//
// What is kept: applications/hither-*.desktop and icons/hicolor/SIZE/apps/hither-*
// under $XDG_DATA_HOME. Uninstall removes both, and directories that are empty
// then.
package entry

import (
	"crypto/sha256"
	"encoding/hex"

	"hither/fusion"
)

// App is what an entry is made of.
type App struct {
	fusion.App // Machine, ID, Name, Comment, Categories and MIMETypes count
	// Host is whose app it is, and HostName what that is called now.
	Host     fusion.HostID
	HostName string
	// LocalName is the name in Locale, as "zh_CN"; "" is none.
	LocalName, Locale string
	// Picture is PNG or SVG, as MediaType says; empty is none.
	Picture   []byte
	MediaType string
}

// Installed is what an entry belongs to.
type Installed struct {
	Host    fusion.HostID
	Machine string
	App     string

	base string // of its files' names
}

// Class is the class (WM_CLASS) of the windows of an app of another computer:
// one for each host, machine and app, so that a desktop groups them by it.
func Class(host fusion.HostID, machine, app string) string {
	return "hither-" + short(string(host)+"/"+machine) + "-" + app
}

func short(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}
