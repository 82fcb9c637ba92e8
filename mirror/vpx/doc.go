// Package vpx encodes and decodes VP9 with the computer's own libvpx (7 to 12
// by the number in its file name), which is loaded when it is first needed:
// nothing is needed to build, and a computer without it gets
// errors.ErrUnsupported from Open and goes on without video.
//
// The encoder is set for screens in real time: no frame is held back, a key
// frame comes only when asked for, and speed goes before size. Profile 0 is
// 4:2:0, profile 1 is 4:4:4, both with 8 bits.
//
// A Decoder is given what a host sent. It reads each frame's header itself and
// lets libvpx see only single, shown frames of the size and profile that it was
// opened for. Beyond that libvpx's own parser is trusted: see docs/threats.md.
//
// Sources: VP9 bitstream specification 0.6, section 6.2; vpx/vpx_encoder.h,
// vpx_decoder.h, vpx_image.h and vp8cx.h of libvpx.
package vpx
