// Package record writes what a mirrored screen shows into a WebM file: one
// VP9 picture for each change, at the time of the change, and nothing while
// nothing changes. It is the viewer's side: `hither record`, `hither view
// --record` and Ctrl+Alt+R in a window.
//
// A Recorder is shown pictures by whoever has them and never makes him wait for
// its encoder: it takes what changed over as planes, which costs about a
// millisecond for all of 1080p, and its goroutine encodes the newest of it,
// with less right to the processor than the view, at most thirty times a second.
// A picture of another size than the first is scaled into that, with black
// beside it. Screen records without a window, with Watch as the viewer, what
// nobody looks at here.
//
// The screen's sound is in the file as the host sent it: the packets of Opus are
// not encoded again. Where none came there is silence, so what follows is in its
// time; it stays within 50 ms of the pictures as they came.
//
// The file plays at every moment (mirror/webm), is new, readable for its owner
// only, and written with the computer's own libvpx: where there is none Create
// answers fusion.ErrUnsupported. The pointer is not in the picture, as a host
// does not send it in its pixels.
package record
