// Package turn is the TURN server (RFC 8656) of a router: it passes the datagrams of
// a screen on between two of the owner's computers that cannot send them to each
// other. It has no socket of its own: what comes to QUIC's port and is STUN is given
// to Take, and answers leave by that port.
//
// A relayed address is a name, of 240.0.0.0/4, which no network routes (RFC 1112,
// section 4), and has no socket behind it: what is sent to the relayed address of
// another computer is put before that computer, and there is nowhere else to send
// to. So nobody reaches this host's own services, its network or the internet
// through the server, and no other port needs to be open.
//
// Whoever asks has a credential of the TURN REST API (draft-uberti-behave-turn-rest-00):
// the name is its end in Unix seconds and the host's ID, the password their HMAC with
// a secret of this process. It is for beginning: what was begun goes on while it is
// refreshed, until Revoke. While no credential is out nothing is answered.
//
// Channels are refused, as their data begins with the bits of QUIC's packets
// (RFC 9443): all travels in indications. Computers beyond bounds, and those that
// Member does not know, are refused. It runs one goroutine for each socket, and one for
// each allocation, until Close.
package turn
