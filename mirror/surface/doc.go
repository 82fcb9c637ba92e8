// Package surface shows a mirrored screen in a window of its own, or each window
// of an app in its own: the native windows of `hither view`. Run takes the
// view's pipe and ends when the person closes the last window, when the source
// ends, or when permission is withdrawn.
//
// The picture is one pixel of the source to one pixel of this display, inside a
// thin frame in the host's colour, so that nobody types into the wrong
// computer. A screen larger than its window moves along with the pointer; a
// smaller one stands in the middle. A lost connection leaves the last picture,
// dimmed, and goes on by itself once Config.Reopen gives a new pipe.
//
// An app's windows stand, move, grow, fill the screen and close as windows of
// this desktop do, and the host's app does the same with them there. Both sides
// may change a window at once; the person who drags has the last word. Menus
// open beside their window wherever that is here. Going to another program
// closes them, as the host is sent a click beside all windows. Closing a window
// asks the app, which may ask back; once the last is closed the app ends.
//
// Keys go by their physical place (Linux evdev codes), so the layout of the
// remote machine decides what they mean; it repeats held keys itself. Losing
// the focus lets all keys go. Ctrl+Alt+Enter enters full screen, where a
// screen's window grabs the keyboard and Alt+Tab or Super reach the remote
// machine; Ctrl+Alt+G grabs it without that. The same keys give it back, which
// is said on the screen. A machine without a tablet takes how far a mouse moved,
// not where it is: a click into its window holds the mouse there, unseen, until
// Ctrl+Alt+G or until the focus is lost. Ctrl+Alt+I shows latency, rates, codec and path.
// Ctrl+Alt+R records the window into a file (mirror/record), with a red mark
// over it while that lasts.
//
// What the host's programs play is played by the session's sound server, if
// there is one here, and Ctrl+Alt+M mutes it: the host then sends none. The
// microphone is recorded only if Config says so and the host allows it.
//
// The window is X11 (pixels through shared memory where the server is on this
// computer), or one of Windows (GDI). The one of Windows shows one picture: an
// app's windows come as its display, there is no overlay, no recording, no
// clipboard and no grabbing of keys or mouse, and Alt+F4 closes it. It was tried in wine,
// not on Windows. macOS answers fusion.ErrUnsupported. The host of the
// view is not trusted: what it sends is bounded and checked, its titles are
// only ever text, its icons are small, and what it shows without a frame never
// covers most of the desktop. Nothing is kept on disk and nothing is started.
package surface
