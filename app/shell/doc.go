// Package shell is the desktop window around the page: it tells the page where
// its node is, and does what only the desktop can do (choose a directory, show
// a notification, open a machine's own window). It is no second API: everything
// else the page asks of the node over the node's own HTTP.
//
// New makes the one window of a home, and Options is what wails.Run takes; a
// second start raises the first window instead. The window joins the node when
// the page asks for it, which starts one if none runs. When the node goes away
// later the title says so and nothing is started: somebody may have stopped it
// on purpose. Once it is back the page is loaded anew, as its token died with
// the node.
//
// The page is trusted with the owner's node. Only the page's own origin reaches
// the bindings. It keeps one socket, window.sock, beside the node's.
package shell
