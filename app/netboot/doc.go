// Package netboot starts bare computers from the network, and has them installed when their
// owner says so. It serves one network interface: proxyDHCP (PXE 2.1, RFC 4578) beside the
// network's own DHCP server, TFTP for iPXE's loaders, and HTTP for everything else. It never
// hands out an address.
//
// A computer that asks is put on a bounded list and told, by a script of iPXE's, that it
// waits. Install lets the next start of one of them be Debian's installer, with a script
// that asks nothing, and a one-time pairing code: the new system starts a node and pairs
// itself (late.sh, hither.service, hither-pair.service).
//
// Nothing that comes from the network is believed. What a computer says of itself is shown
// and bounded. The files of an installation have a random name, are given to the address
// that the kernel knows by the computer's MAC, and are gone when the system is there, the
// word is taken back, or its time is over. The way is plain: docs/threats.md says what that
// means.
//
// It keeps netboot.json, with the pairing code of what is under way (0600), and the installers'
// kernels in a directory of its own. Each door has a goroutine, each installation two; Close ends them.
package netboot
