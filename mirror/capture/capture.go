// Package capture takes the pixels of a screen where they are made and gives
// input to it: X11 for a whole X display, X11Monitor for one of its monitors, X11Windows for single windows, RFB for a VM's console (QEMU's VNC
// server on a connection of our own), Shots for one that has none, Desktop for that of Windows and macOS; package portal for a Wayland session.
//
// A Source tells of changes only when something changed: there is no clock, but for
// Desktop and Shots, which look and compare while somebody waits. It
// is asked for the next change when somebody can take it, and what changes
// meanwhile adds up at the source. Pixels are exact.
//
// An X server is trusted as far as its own display goes; QEMU is not: a guest
// may own it, and what it sends is parsed within bounds. A source runs no
// goroutine of its own, but an X display's clipboard does until Close.
package capture

import (
	"image"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// Source is a screen that is being captured.
type Source interface {
	// Next waits for a change and gives it. The first change is the whole
	// picture, but see Wake. It returns io.EOF when the screen ended or Close was called.
	// It is called from one goroutine at a time, and what it gave is valid until it is
	// called again, after an error too: a source frees its memory when Next is
	// called once more.
	Next() (Change, error)
	// Wake makes a Next that waits, or else the next one, return at once, with a
	// Change of no size if there is none. It may be called at any time.
	Wake()
	// Input applies a wire.Key, Pointer, Button or Wheel at once, and types a
	// wire.Text, which takes as long as the screen's programs need; what cannot
	// be typed is an *UntypedError. A source that told of a relative pointer takes
	// a wire.Motion too. It may be called from many goroutines, at any time.
	Input(event wire.Message) error
	// Resize asks the screen to become this size; a change tells whether it
	// did. It promises ErrUnsupported where the screen has a size of its own.
	Resize(width, height int) error
	// Close ends the capture and wakes Next.
	Close() error
}

// Sparing is a Source that can leave out pixels that nobody needs yet.
type Sparing interface {
	Source
	// Spare lets Next give, of a change inside a look's area, only what the look
	// needs; it need not. nil ends that. It may be called at any time.
	Spare(look *codec.Look)
	// Fetch wakes Next as Wake does; a Next that has left pixels out gives the
	// whole picture then. It may be called at any time.
	Fetch()
}

// Change is what became different.
type Change struct {
	// Width and Height are the picture's size. When it differs from before,
	// Patches cover the whole picture.
	Width, Height int
	// Whole, if not nil, is the new picture itself, and Patches is empty. It
	// saves the copy where nearly all changed. Unlike patches it stays valid,
	// and its receiver may write to it, until Next is called after another
	// Whole was given, or after an error.
	Whole   *codec.Picture
	Damage  []image.Rectangle // of Whole, or of Look
	Patches []Patch
	// Look, if not nil, says that of what Damage tells only the pixels that the
	// look needs are in Patches. The others come with the Whole after Fetch.
	Look   *codec.Look
	Cursor *codec.Cursor // nil: as before
	Title  string        // "": as before
	// Pointing, if not nil, is how the pointer is taken from now on; at first at a place.
	Pointing *wire.Pointing
}

// Patch is new pixels for one rectangle of the picture.
type Patch struct {
	Rect image.Rectangle
	// Pix holds Rect's pixels as in codec.Picture, its rows Stride bytes apart.
	Pix    []byte
	Stride int
}

// Apply copies the patch into p, of which it must be a part.
func (patch Patch) Apply(p *codec.Picture) {
	r, n := patch.Rect, patch.Rect.Dx()*4
	for y := range r.Dy() {
		at := (r.Min.Y+y)*p.Stride + r.Min.X*4
		copy(p.Pix[at:at+n], patch.Pix[y*patch.Stride:])
	}
}

func failed(op, path string, cause error, detail, hint string) error {
	return &fusion.Error{Op: op, Path: path, Cause: cause, Detail: detail, Hint: hint}
}
