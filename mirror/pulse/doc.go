// Package pulse plays and records through a sound server that speaks
// PulseAudio's protocol: PulseAudio itself, or PipeWire's pipewire-pulse; its tests
// run both.
//
// Record gives what a source hears, such as the monitor of a sink; Play asks
// for samples as the server wants them. Both keep the way short: about 10 ms of
// a source are given at a time, and about 20 ms wait in the server to be played,
// or more where this computer is too busy for that.
// Samples have 16 bits, 48,000 a second and channel, channels interleaved.
//
// The server is one of this computer, over its unix socket, and trusted; a
// server in the network is refused, for its sound would not be encrypted. It
// lets in who runs as its own user, or has its cookie.
//
// A stream has a connection of its own with one goroutine that reads it and, for
// Play, one that feeds it. Close ends them.
//
// Sources: the pages of PulseAudio on its protocol and server strings, and
// pulse/def.h (pa_buffer_attr).
package pulse
