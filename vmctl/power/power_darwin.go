package power

import "hither/fusion"

// System gives how this system is switched: by pmset(1), and by asking System
// Events, which lets programs save their documents. Untested on a real macOS.
func System() Switch {
	return programs{
		fusion.Sleep:  {"pmset", "sleepnow"},
		fusion.Reboot: {"osascript", "-e", `tell application "System Events" to restart`},
		fusion.Stop:   {"osascript", "-e", `tell application "System Events" to shut down`},
	}
}
