// Package tunnel leads ports of this computer to ports at, in and behind the owner's other
// computers, and theirs here. Store keeps the tunnels that were asked for here; Store.Serve
// answers the streams of other hosts, which are what it reaches them by.
//
// Whose network is reached decides: the far end looks at its grants for each connection, and
// resolves names itself, each time, and looks at the addresses before it connects. It never
// connects to the node's own ports, to what tunnels listen on here, to libvirt's ports, nor
// to link-local addresses, where clouds keep secrets. Targets are ports; no path is ever one.
//
// It keeps its tunnels in one file, written whole. It runs a goroutine for each tunnel, and
// those of vmctl/proxy, which does the copying; all end with Close.
package tunnel
