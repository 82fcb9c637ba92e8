package surface

import (
	"context"
	"log/slog"

	"hither/fusion"
)

// Config says how the window looks. The zero value works.
type Config struct {
	// Display is the X display; default $DISPLAY.
	Display string
	// Title is shown until the host sends one, and when that is empty;
	// default "Hither".
	Title string
	// Host is the name of the screen's host. It stands behind every title,
	// "win11 — nas", so that a remote window is known as one; default none.
	Host string
	// AppID is the class of the window (WM_CLASS), by which a desktop finds
	// its entry and icon; default "hither".
	AppID string
	// Color is the host's colour: a frame of 2 pixels around the picture. Menus
	// and other popups of an app have none.
	Color [3]uint8
	// Letters sends what keys type by this desktop's layout, dead keys put
	// together, instead of the keys themselves: a letter is then the same at the
	// host whatever its layout is. Keys that type nothing stay physical keys.
	Letters bool
	// Path says how packets go to the host, "direct" or "relay", for the
	// overlay, which calls it up to four times a second; it should answer within
	// a second, and may be called from any goroutine. nil does not say.
	Path func() string
	// Record says where recordings of a window go; the zero value makes none.
	Record Recording
	// Mute begins without sound; Ctrl+Alt+M turns it on.
	Mute bool
	// Microphone lets the host's programs hear this computer's microphone, if
	// the host's owner granted that.
	Microphone bool
	// Without is told, once, why there is no sound or no microphone; the view
	// goes on. It may be called from any goroutine; nil is told nothing.
	Without func(err error)
	// Pasted is the directory of a files.Store, for what is pasted here of the
	// host's files; "" takes none.
	Pasted string
	// Log takes what the owner would want in a report; nil is silent.
	Log *slog.Logger
	// Reopen opens the view anew after its connection was lost; it is called
	// with growing pauses (at most 5 s) until it works. It is not called after
	// the source or the person ended the view. An error that waiting does not
	// mend (fusion.ErrPermission, ErrUnpaired, ErrNotFound, ErrInvalid,
	// ErrUnsupported) ends Run with it. With nil a lost connection ends Run.
	Reopen func(ctx context.Context) (fusion.Pipe, error)
}

func (c Config) withDefaults() Config {
	if c.Title == "" {
		c.Title = "Hither"
	}
	if c.AppID == "" {
		c.AppID = "hither"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Run shows the screen behind pipe in a window and sends what the person types
// and clicks, until the window is closed (nil), the source ends (nil), ctx ends
// (its error), permission is withdrawn (fusion.ErrPermission), the host reports
// a failure, or the connection is lost for good (fusion.ErrOffline). It answers
// fusion.ErrUnsupported where no window can be shown. It closes pipe and every
// pipe of Reopen.
func Run(ctx context.Context, pipe fusion.Pipe, cfg Config) error {
	return run(ctx, pipe, cfg.withDefaults())
}

func opError(cause error, detail, hint string) error {
	return &fusion.Error{Op: "screen.view", Cause: cause, Detail: detail, Hint: hint}
}
