// Package slack lets the kernel be late with this program's timers by up to half
// a millisecond, on Linux (prctl(2), PR_SET_TIMERSLACK; usual are 50 µs). Whoever
// imports it has that on all threads from the start.
//
// The Go runtime has a thread that looks after the others every 20 µs while
// something runs. A program that works a little sixty times a second, as a mirror
// does, spends a third of its time on waking that thread: each of its naps is a
// switch of threads. With this slack they are less than half as many. What waits for the
// network, a key or a pixel is woken as before; only what waits for time is not
// exact, and nothing here needs it exact to half a millisecond.
//
// A program that is started inherits the slack, so one of a person's is started
// with Usual.
package slack
