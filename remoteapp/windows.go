package remoteapp

import "image"

// Window is a window of an app. Places are pixels of its display.
type Window struct {
	// ID names the window for its Windows. It is never used again.
	ID uint32
	// Drawable is its X window.
	Drawable uint32
	// Parent is the ID of the window it belongs to; 0 is none.
	Parent uint32
	Title  string
	// Area is what is shown of it: without a shadow that it draws itself.
	Area image.Rectangle
	// Min and Max bound Area's size; 0 is none.
	Min, Max image.Point
	// Icon holds the bytes of a PNG of at most 64 by 64 pixels and 16 KiB, or
	// nothing.
	Icon string

	Stand
	// Popup has no frame, never has the focus and is placed by the app.
	Popup bool
	// SelfDecorated draws its own title bar, by which it is moved.
	SelfDecorated bool
	// Dialog belongs to its parent; Modal keeps input from it.
	Dialog, Modal bool
}

// Stand is how a window stands.
type Stand struct{ FullScreen, Maximised, Minimised, Active bool }
