package remoteapp

import (
	"context"
	"log/slog"

	"hither/fusion"
	"hither/remoteapp/desktop"
)

// Config says where a Store keeps its things. Dir is required.
type Config struct {
	// Dir holds state and one directory for each running display.
	Dir string
	// RunDir holds sockets; a short path. Default: Dir.
	RunDir string
	// Log: nil is silent.
	Log *slog.Logger
	// DataDirs are searched for applications/ and icons/, most important
	// first. Default: desktop.DataDirs.
	DataDirs []string
	// MaxApps is how many apps may run at once. Default: 32.
	MaxApps int
	// Sounds is asked for the sound of displays without PulseAudio. Default: they
	// have none.
	Sounds Sounds
}

func (c Config) withDefaults() Config {
	if c.RunDir == "" {
		c.RunDir = c.Dir
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.DataDirs == nil {
		c.DataDirs = desktop.DataDirs()
	}
	if c.MaxApps == 0 {
		c.MaxApps = 32
	}
	return c
}

// Display is an X display of this computer, for whoever captures it.
type Display struct {
	// Name is what DISPLAY would be: ":12".
	Name string
	// Xauthority is the file with its cookie.
	Xauthority string
	// Sound is what its programs play to; empty: then they have nothing of their
	// own.
	Sound Sound
	// Framebuffer is the file in which its X server keeps the pixels, in the
	// format of xwd (Xvfb -fbdir); empty: they are asked of the server.
	Framebuffer string
}

// Sound is what the programs of a display play to and hear, in a sound server
// of PulseAudio's protocol.
type Sound struct {
	// Server is its socket; empty is no sound.
	Server string `json:"server"`
	// Sink is what programs play to.
	Sink string `json:"sink"`
	// Microphone is what they take for their microphone, and Speaking the sink
	// that it hears.
	Microphone string `json:"microphone"`
	Speaking   string `json:"speaking"`
}

// Sounds makes sound for displays in the session's sound server. It is asked only
// where PulseAudio is not installed, which a display would have for itself.
type Sounds interface {
	// Add makes the sound of an instance, which outlives the node. It promises
	// ErrUnsupported where no server runs.
	Add(ctx context.Context, instance string) (Sound, error)
	// Remove takes it away; if it is gone, that is no error.
	Remove(ctx context.Context, instance string, sound Sound) error
}

var _ fusion.Apps = (*Store)(nil)
