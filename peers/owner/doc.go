// Package owner is the list of one owner's computers, which each of them has. A computer
// that one of them adds is known to all, and one that is revoked by one is refused by all,
// so that n computers need n pairings and not n².
//
// Whoever is in the list may sign it: the owner's private key goes along to each computer
// that joins, over a stream that both ends' own keys protect. That gives no computer more
// than it has: each of an owner's own has `admin` on the others. Lists that two computers
// changed apart are merged entry by entry, so all come to the same, in whatever order they
// hear of it; of one computer's entries the later wins, and revoked wins over added.
//
// A computer that is revoked still has the private key. So revoking makes a new one, which
// the old one signs and which goes to those who stay. Who has followed to the new key takes
// nothing that the old one signs. Two keys that both claim to follow one are a fork: one of
// them may be the revoked computer's. Nobody can tell from here which, so a computer keeps
// the one that it has, and says so; its person pairs it anew with the side that is right.
//
// It knows neither libp2p nor streams: package peers carries what it says.
package owner
