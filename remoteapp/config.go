package remoteapp

import (
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
	// Sound is the socket of the display's own sound server (PulseAudio's
	// protocol), or empty: then its programs have none of their own. They play to
	// the sink SoundSink, and what is played to SoundMicrophone they take for
	// their microphone.
	Sound string
}

// The sinks of a display's sound server.
const (
	SoundSink       = "hither"
	SoundMicrophone = "hither_microphone"
)

var _ fusion.Apps = (*Store)(nil)
