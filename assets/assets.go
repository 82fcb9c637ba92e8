// Package assets carries the icon for programs that show it; make.sh draws the
// PNG files from icon.svg.
package assets

import _ "embed"

// Icon is the icon as PNG, 256 pixels square.
//
//go:embed png/hither-256.png
var Icon []byte
