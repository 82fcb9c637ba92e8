package fusion

import "context"

// ScreenKind says what shows the pixels.
type ScreenKind string

const (
	ScreenMonitor ScreenKind = "monitor" // the desktop of "self", or one of its monitors
	ScreenConsole ScreenKind = "console" // the display of a VM
	ScreenApp     ScreenKind = "app"     // one app on a display of its own
)

// Screen is anything that shows pixels and takes input.
type Screen struct {
	// Address is empty inside a Host, as in Machine.
	Address string `json:"address"`
	Host    string `json:"host"`
	// Name is the machine's name, MACHINE/MONITOR for one of several monitors,
	// where MONITOR is what its system calls it ("HDMI-1"), or MACHINE/INSTANCE
	// for a running app, where INSTANCE is what Apps.Run chose. Screens.Open
	// takes it.
	Name    string     `json:"name"`
	Machine string     `json:"machine"`
	Kind    ScreenKind `json:"kind"`
	Title   string     `json:"title"`
	Width   int        `json:"width"`
	Height  int        `json:"height"`
	// App is the app that a ScreenApp shows.
	App string `json:"app,omitempty"`
}

// ViewOptions says how a viewer wants to see a screen. The zero value works.
type ViewOptions struct {
	// ViewOnly refuses input from this viewer.
	ViewOnly bool `json:"viewOnly"`
	// NoDrops refuses files that are dropped onto this view.
	NoDrops bool `json:"noDrops"`
	// Windows asks for the windows of an app one by one instead of one picture
	// of its display. A screen without windows of its own stays one picture;
	// the view's hello says which it is.
	Windows bool `json:"windows"`
	// Microphone lets this viewer speak: its microphone becomes one of the
	// screen's programs once the viewer turns it on. A view for looking only
	// has none.
	Microphone bool `json:"microphone"`
	// Here says that the viewer is on the screen's own computer. It hears the
	// sound of that computer's session anyway, and must not play it again.
	Here bool `json:"here"`
}

// Pipe carries the messages of mirror/wire both ways: each at most 16 KiB,
// in order, none lost. Read and Write may be called at the same time, each from
// one goroutine. Close ends both and wakes them.
type Pipe interface {
	// Read gives the next message; the slice is valid until the next Read.
	// It returns io.EOF after the other side closed.
	Read() ([]byte, error)
	Write(message []byte) error
	Close() error
}

// Screens opens what machines show.
type Screens interface {
	// List gives the screens of a machine: its desktop or console, then each
	// monitor of a desktop that has several, then the apps that run on it. It
	// promises ErrNotFound.
	List(ctx context.Context, machine string) ([]Screen, error)
	// Open starts a view. Capture begins with the first view of a screen and
	// ends with the last. ctx bounds the opening only; Close ends the view.
	// It promises ErrNotFound, and ErrInvalid when the machine is off.
	Open(ctx context.Context, screen string, options ViewOptions) (Pipe, error)
}
