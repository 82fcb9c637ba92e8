// Package api is the node's one door: the Connect services of proto/hither/v1
// for the command line and the tray (unix socket), the page (loopback HTTP)
// and paired computers (libp2p streams). It answers for this computer and
// forwards what names another one.
//
// It trusts the owner (peer credentials of the socket, a bearer token on the
// loopback) with everything, and a paired key with what it was granted; the
// table in methods.go says which method needs what. A paired computer may ask
// about this computer only: requests are never forwarded twice.
package api
