// Package link makes a pipe that loses nothing out of datagrams that may be
// lost, doubled and reordered, so that a screen on a long path is not held up
// by one lost packet: docs/wire.md, "Datagrams".
//
//	pipe := link.New(conn) // one Read and one Write of conn is one datagram
//
// Messages are cut into packets with numbers. The other side says which have
// arrived; one that has not, while a later one has, is sent again after a round
// trip. Where a round trip is long enough to be noticed, each group of at most
// eight packets is followed by its parity, which makes up for one lost packet
// at once; the parity of one packet, as of a key stroke, is its copy. How much
// is under way follows the delay, so that a bulk transfer keeps the queue on
// the path short and does not slow down for losses that are an accident of the
// path. Write waits while 16 KiB are unsent, so that a view makes newer pixels
// later.
//
// The other side is not trusted: every datagram is parsed with bounds, and a
// link holds at most 2,048 packets each way, whatever the other side says or
// keeps to itself. Signs of life are the connection's own matter: a link ends
// when reading from it fails.
//
// A link runs two goroutines until it is closed.
package link
