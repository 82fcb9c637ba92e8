// Package mesh is the private network between the owner's computers and their machines. Each
// computer has one address of IPv6 and one name, NAME.hither, that follow from its key, and
// each virtual machine from its UUID, so nobody hands them out and both stay wherever a
// computer or machine goes. It is off until the owner says `hither net up`.
//
// Packets go over one stream for each direction between two paired computers. They come from
// and go to a TUN device where this user may have one, else a network stack of the node's own
// (gVisor), which leads connections to the services of this computer; programs go out by the
// proxies of app/tunnel then. That stack answers for this computer's machines in both cases.
//
// Who receives decides: a stream is taken from a computer that has the capability mesh here,
// and a packet of it when its source is that computer's own address, or one of its machines',
// and its destination is this computer's or one of its machines'. Nothing is ever passed on to a third.
//
// It keeps in one file whether it is on. While it is on it runs a goroutine for what the
// device and the stack send, one for each computer that packets go to, and those of the
// connections to machines; all end with Down and Close. A TUN device goes with the process.
package mesh
