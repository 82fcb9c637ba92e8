// Package invite makes a computer that the owner reaches by ssh one of the
// owner's hosts: it brings the program there, has it started now and at each
// boot, and pairs with it by a code that comes back over the same ssh session,
// so that nobody types one. It takes all of that away again too.
//
// It trusts the server's host key, which the owner's known_hosts files or the
// owner's own word vouch for; no unknown key is ever taken silently. What the
// server says is bounded and only read. No text of the owner's or of the
// server's becomes part of a command line: each script is constant, and values
// reach it as lines of its standard input.
//
// A script is one transaction: it notices by the end of its input that this
// side is gone or has given up, and takes back what it made. The pairing is the
// one moment from which on it stays (docs/decisions/0038).
package invite
