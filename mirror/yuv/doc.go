// Package yuv turns the pixels of screens into the planes that video codecs
// take, and back, and scales planes. It uses libyuv where that can be loaded
// (a 1080p picture takes 1 to 2 ms) and plain Go elsewhere (about twenty times
// as long, equal to within two steps of a channel).
//
// Colours are those of ITU-R BT.601 in the limited range (Y 16 to 235, U and V
// 16 to 240), which is what libyuv's I420 and I444 mean. Nothing here checks
// what came over a wire: callers give planes and pixels that are large enough,
// and get a panic otherwise.
package yuv
