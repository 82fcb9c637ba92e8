// Package portal captures the desktop of a Wayland session, which no program may
// do on its own: the session's xdg-desktop-portal asks the person at the screen
// what may be seen, and gives frames through PipeWire.
//
// Open asks once; the answer is kept as a token (Config.Token) where the portal
// can keep it, so that later views begin without a question. A "no" is
// ErrPermission, a session without a portal ErrUnsupported with what to install.
//
// Input goes one of two ways. Where the portal has RemoteDesktop (GNOME, KDE),
// it is part of the same question. Compositors of wlroots (sway, labwc) have no
// such portal, but let programs of the session make a pointer and a keyboard
// (package wlinput); what the portal said of seeing is then taken for input too,
// as any program of such a session can do it anyway. Where there is neither,
// the screen can be looked at only.
//
// A source runs no goroutine of its own, but the connections to D-Bus and
// PipeWire do until Close.
//
// Sources: flatpak.github.io/xdg-desktop-portal, the pages of ScreenCast,
// RemoteDesktop, Request and Session.
package portal
