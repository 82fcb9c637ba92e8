// Package wlinput gives input to a Wayland compositor of the wlroots family
// (sway, labwc, wayfire): it makes a pointer and a keyboard through
// zwlr_virtual_pointer_v1 and zwp_virtual_keyboard_v1. Other compositors
// (GNOME, KDE) take input from their portal only; Open then promises
// ErrUnsupported.
//
// The keyboard has the keymap of the seat's own keyboard, or else the session's
// default, so that physical keys mean the same from here. Which modifiers keys
// hold is asked of libxkbcommon, which every such compositor brings along.
//
// It is a client of Wayland's own wire, no larger than it must be. The
// compositor is trusted as far as input goes; what it sends is parsed within
// bounds. The package starts no goroutine.
//
// Sources: wayland.app/protocols and the appendix "Wire Format" of the book at
// wayland.freedesktop.org/docs.
package wlinput
