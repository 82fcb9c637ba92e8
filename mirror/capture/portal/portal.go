package portal

import (
	"os"

	"hither/fusion"
)

// Config says how to open the desktop. The zero value asks each time.
type Config struct {
	// Token is the file that keeps what the person allowed, from one Open to
	// the next. The default is none.
	Token string
}

const op = "screen.wayland"

func failed(cause error, detail, hint string) error {
	return &fusion.Error{Op: op, Cause: cause, Detail: detail, Hint: hint}
}

// hintPackages says what a session without a portal lacks.
const hintPackages = "install pipewire, wireplumber, xdg-desktop-portal and the one of your desktop " +
	"(xdg-desktop-portal-gnome, -kde, or -wlr for sway), and log in again"

// Session says whether this process belongs to a Wayland session, by the
// variables that such a session sets. An X11 session in which a nested
// compositor was started is none.
func Session() bool {
	kind := os.Getenv("XDG_SESSION_TYPE")
	return kind == "wayland" || kind != "x11" && os.Getenv("WAYLAND_DISPLAY") != ""
}
