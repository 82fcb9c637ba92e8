// Package peers finds the owner's other computers and opens connections to
// them. Two people (or one, twice) read the same short code once; after that,
// keys decide.
//
// The one way to use it: Open a Network, Offer a code on one computer and Join
// with it on the other, then Dial streams and Listen for them. What runs long and
// must lose nothing when its path changes uses DialLasting and ListenLasting
// (package carry). Watch tells when a paired computer goes offline, which is a
// normal state and not an error.
//
// It trusts paired keys and nothing else. What mDNS says is a rumour: an address
// from it is tried, and kept only after the key behind it has proved itself. An
// unpaired key may try to pair (a few guesses), may learn that it is not paired,
// and may open streams of protocols whose listener said AllowUnpaired; it has
// few streams, little memory and one minute.
//
// It uses no DHT, no bootstrap list and nobody else's relay: only addresses of
// paired computers, of the local network, and those a person typed. A computer that
// its owner made a router (SetRouter) relays between those that are paired with it
// (circuit relay v2) and tells them how they are seen outside (STUN). Through it a
// direct connection is tried at once (DCUtR), then with growing pauses and at every
// change of an address. Of several connections new streams take the best that
// answers: TCP, QUIC, a relayed one.
//
// A computer that reaches only a router pairs with one behind it too: a code with
// @HOST:PORT asks the node there who shows it (meetProtocol), and the pairing runs end to
// end through that router, which learns nothing.
//
// The router of the own network is asked to open the port (package gateway).
//
// Computers that were paired with admin both ways are one owner's: each knows all of
// them, and one that is forgotten by one is forgotten by all (package owner).
//
// On disk, under Config.Dir (0700): identity.key (the private key, 0600),
// peers.json (who is paired, with grants and addresses; written whole, fsynced,
// renamed) and port (the port chosen once).
//
// While somebody waits for a computer that is away, its addresses are knocked at
// four times a second: TCP alone would find a path that came back seconds late.
//
// The own addresses are looked at twice a second. After a change the connections
// from those that are gone are closed, the others are asked for a sign of life, and
// who is away is dialed.
//
// It runs one goroutine per paired computer (redial), one per connection to one
// (heartbeat), two per connection to a router and one per relayed connection that
// climbs, one per stream being opened or closed, one per socket of QUIC (STUN), two
// for mDNS, one that looks at the own addresses, one that tells others of changes,
// and those of package carry. Close ends and waits for all of them.
package peers
