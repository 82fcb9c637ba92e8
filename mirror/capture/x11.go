package capture

// X11Config says which X display to capture.
type X11Config struct {
	// Display is ":N"; the default is $DISPLAY. Only displays of this computer
	// can be captured, as pixels come through shared memory.
	Display string
	// Xauthority is the file with the display's cookie; the default is
	// $XAUTHORITY, then ~/.Xauthority. A file without a cookie for it is no
	// error: the server may not want one.
	Xauthority string
	// Resizable lets viewers change the display's size: for a display of our
	// own, not for one whose monitor a person sits at.
	Resizable bool
	// Framebuffer is the file in which the X server keeps the display's pixels
	// (Xvfb -fbdir), for a display of our own: they are read there
	// instead of being asked for. The display's cursor is hidden on its own glass.
	Framebuffer string
}

const x11Op = "screen.x11"
