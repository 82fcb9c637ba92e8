package capture

// Clipboard is the CLIPBOARD of a display. Its methods may be called at any
// time, do not wait, and call back from other goroutines.
type Clipboard interface {
	// Display tells this display from all others.
	Display() string
	// Watch makes changed be told, in order, what other programs put into the
	// clipboard: MIME types, or none. It is told of what is there at once, and
	// not of what Offer put there, here or in another capture.
	Watch(changed func(types []string))
	// Read gives what another program put there, of at most wire.MaxClip bytes.
	// Files (wire.Files) are a list of file: URIs, as files.Paths reads it.
	Read(mime string, done func(content []byte, err error))
	// Offer makes the clipboard hold these types. ask is called when a program
	// pastes one, from any goroutine, and must call done once. No types take an
	// offer back. Files are given as text/uri-list.
	Offer(types []string, ask func(mime string, done func(content []byte, err error)))
}

// Clipboarded is a Source whose screen has a clipboard.
type Clipboarded interface {
	// Clipboard gives it, or nil. It ends with the source.
	Clipboard() Clipboard
}
