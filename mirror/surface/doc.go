// Package surface shows a mirrored screen in a window of its own: the native
// window of `hither view`. Run takes the view's pipe and ends when the person
// closes the window, when the source ends, or when permission is withdrawn.
//
// The picture is one pixel of the source to one pixel of this display, inside a
// thin frame in the host's colour, so that nobody types into the wrong
// computer. A picture larger than the window moves along with the pointer;
// a smaller one stands in the middle. A lost connection leaves the last
// picture, dimmed, and goes on by itself once Config.Reopen gives a new pipe.
//
// Keys go by their physical place (Linux evdev codes), so the layout of the
// remote machine decides what they mean; it repeats held keys itself. Losing
// the focus lets all keys go. Ctrl+Alt+Enter enters full screen, where the
// keyboard is grabbed and Alt+Tab or Super reach the remote machine; the same
// keys leave full screen and release the keyboard.
//
// The window is X11 (pixels through shared memory where the server is on this
// computer); other platforms answer fusion.ErrUnsupported. The host of the
// view is not trusted: what it sends is bounded and checked by the decoder, and
// its title is only ever text. Nothing is kept on disk and nothing is started.
package surface
