// Package mirror shows what machines show: it captures a screen, sends what
// changed to everyone who looks at it, and gives their input to it, in the
// words of docs/wire.md.
//
// Server is the host's side and a fusion.Screens. A screen is captured once,
// from its first view to its last, and a frame is made once for all views that
// keep up (group). A view is a fusion.Pipe without goroutine or queue: Read
// makes the next message when somebody reads, and captures while it has nothing
// to say; Write applies input before it returns. So a viewer that does not read
// gets newer pixels later and costs one picture of memory, and neither a key on
// its way in nor a change on its way out needs a thread switch.
//
// A view of an app's windows (session) is one pipe for many screens, one for
// each window. They share one lock and wake, so that its Read can wait for all
// of them; each has a goroutine that captures.
//
// What viewers write is not trusted beyond what a view may do: a view for
// looking only takes no input, and whatever a viewer holds down is let go when
// it leaves. Who may open a screen is decided by who calls Open.
//
// The parts: wire (messages), codec (pixels to frames and back), capture (where
// pixels come from), rtc (browsers over WebRTC), surface (native windows), vpx
// and yuv (video, by libvpx and libyuv where they are).
package mirror
