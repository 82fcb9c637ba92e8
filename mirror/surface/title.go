package surface

import (
	"strings"
	"unicode"
)

// offlineSuffix marks a window whose connection is lost.
const offlineSuffix = " — offline, reconnecting"

// maxTitle bounds what a host may put into the window manager, in characters.
const maxTitle = 256

// hostTitle puts the host's name behind a title, which must not be so long that
// the name falls off the end.
func hostTitle(title, host string) string {
	if host == "" {
		return title
	}
	if runes := []rune(title); len(runes) > maxTitle/2 {
		title = string(runes[:maxTitle/2-1]) + "…"
	}
	return title + " — " + host
}

// plainTitle makes a host's title safe to show: no control or direction
// characters, valid UTF-8, of bounded length.
func plainTitle(title string) string {
	title = strings.ToValidUTF8(title, "\uFFFD")
	title = strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return -1
		}
		return r
	}, title)
	if runes := []rune(title); len(runes) > maxTitle {
		title = string(runes[:maxTitle-1]) + "…"
	}
	return title
}
