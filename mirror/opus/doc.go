// Package opus encodes and decodes sound with the computer's own libopus, which
// is loaded when it is first needed: nothing is needed to build, and a computer
// without it gets errors.ErrUnsupported from Open and goes on without sound.
//
// Sound is 48,000 samples a second and channel, 16 bits each, channels
// interleaved. The encoder is set for little delay: it looks 2.5 ms ahead.
//
// A Decoder is given what the other side sent. It is bounded in time and
// memory; within that libopus's own parser is trusted: see docs/threats.md.
//
// Sources: RFC 6716 and RFC 7845, section 5; opus/opus.h and opus_defines.h of
// libopus 1.3.
package opus
