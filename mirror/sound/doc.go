// Package sound carries what a screen's programs play to its viewers, and a
// viewer's microphone back: in packets of Opus of 10 ms each.
//
// The host's half: Feeds records each screen once, from its first listener to
// its last, and encodes it once for all of them. What is silent makes no packet,
// so a quiet screen costs nothing on the wire. A listener that does not keep up
// loses the oldest packets.
//
// The other half: a Player plays what comes. Its Buffer holds as little as the
// path allows, two packets at first: each time it runs dry it holds one more,
// and one less again after a while; what waits for longer is cut out. A packet
// that is lost is made up for by the decoder.
//
// The microphone is the same the other way round: the viewer runs Record, the
// host a Player. Whether a viewer may speak is for the caller to decide.
//
// Neither side trusts the other: a Buffer holds at most half a second, whatever
// comes; a packet is what package opus takes.
package sound
