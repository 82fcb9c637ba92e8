// Package carry keeps a stream of bytes alive over the connections that carry
// it. A path that climbs from a relay to a direct one, or that breaks and comes
// back, changes the carrier below; the two programs that speak over the stream
// see a pause and not an end.
//
// The one way to use it: New an Endpoint, hand it every carrier that comes in
// (Serve), Listen for the streams of a protocol, and Open streams of one's own;
// tell it with Path when there is a new or a better way to a computer.
//
// What is written is kept until the other program has read it, and is sent again
// over the next carrier from where the other side says it stopped. So no byte is
// lost, doubled or out of order, and an end of the stream is an end that the
// other side wrote: a process that was killed, or a computer that stays away
// longer than the stream's patience, is an error.
//
// It trusts the identity that the caller proved for each carrier and nothing that
// comes over it: offsets, sizes and rates are checked, and a side that breaks the
// rules loses the stream. It knows no network and keeps nothing on disk.
//
// It runs one goroutine for each carrier (it reads, never waits for a program, and
// so acknowledgements never wait behind data), one more while there is something
// to write, and one while a carrier is looked for. Close ends and waits for all.
//
// The wire is in docs/wire.md, the choice in docs/decisions/0035.
package carry
