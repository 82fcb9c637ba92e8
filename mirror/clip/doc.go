// Package clip carries the clipboard of one view both ways: each side tells
// what kinds of content its clipboard has, and gives the content when the other
// side pastes it.
//
// An Exchange is one side's half of it. Its user feeds it the other side's
// messages, asks it for what is to be sent, and says when its person is in the
// view: only then is anything told, taken over or given. Neither side trusts
// the other: what is pasted has at most wire.MaxClip bytes, at most a few pastes
// wait, and one that gets no answer fails after Patience.
//
// An Exchange runs no goroutine but timers; Close ends them.
package clip
