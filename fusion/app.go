package fusion

import "context"

// App is something that can be launched on a machine.
type App struct {
	// Address is empty inside a Host, as in Machine.
	Address string `json:"address"`
	Host    string `json:"host"`
	Machine string `json:"machine"`
	// ID is the desktop entry's ID without ".desktop": "org.gnome.Maps".
	ID string `json:"id"`
	// Name is the entry's name in the asked language.
	Name       string   `json:"name"`
	Comment    string   `json:"comment,omitempty"`
	Icon       string   `json:"icon"` // the entry's Icon key; Apps.Icon gives the picture
	Categories []string `json:"categories,omitempty"`
	MIMETypes  []string `json:"mimeTypes,omitempty"`
	// Installed is true when the menu of the computer that answered has it.
	// It is false inside a Host.
	Installed bool `json:"installed"`
}

// Apps are the programs of a host's machines.
type Apps interface {
	// List gives the apps of a machine by name, in the language of the BCP 47
	// tag (empty: the entries' own). It promises ErrNotFound and
	// ErrUnsupported (a VM without an agent).
	List(ctx context.Context, machine, language string) ([]App, error)
	// Icon gives an app's picture and its media type (image/png or
	// image/svg+xml). It promises ErrNotFound.
	Icon(ctx context.Context, machine, app string) (picture []byte, mediaType string, err error)
	// Run starts an app with files as arguments, absolute paths of the host or
	// what Hand gave, and gives the screen that shows it. It returns once its first window is there. When
	// the app ends its screen's views end; when a view is closed by its
	// viewer (see mirror/wire, Bye) the app ends. It promises ErrNotFound.
	Run(ctx context.Context, machine, app string, files []string) (Screen, error)
	// End asks the app of a screen to end, and kills it after a grace of some
	// seconds. It promises ErrNotFound.
	End(ctx context.Context, screen string) error
	Handover
}
