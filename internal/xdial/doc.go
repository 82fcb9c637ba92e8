// Package xdial opens connections to the X servers of this computer: their sockets, the
// cookies of authority files (Xau's XauReadAuth) and the setup that a connection begins
// with (X Window System Protocol, version 11, release 7.7, chapter 8). What a client then
// says is its own. Reads and writes are those of internal/rawconn.
package xdial
