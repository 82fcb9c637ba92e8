// Package terminal carries a fusion.Terminal as messages over a fusion.Pipe: Host
// makes messages of a terminal that is here, and Open a terminal of the messages
// that come from another node. docs/wire.md has the messages byte by byte.
//
// Neither side trusts the other: lengths are checked, an unknown message is
// skipped, and a broken one ends the view.
package terminal
