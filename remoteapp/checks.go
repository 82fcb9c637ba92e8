package remoteapp

import "os/exec"

// Check is one finding of hither doctor; State is "ok" or "bad".
type Check struct {
	Name  string
	State string
	Text  string
	Hint  string
}

// Checks looks for the programs that running an app on a display of its own
// needs.
func Checks() []Check {
	var out []Check
	for _, p := range []struct{ program, name, pkg string }{
		{"Xvfb", "X server for apps", "xvfb"},
		{"openbox", "window manager for apps", "openbox"},
	} {
		c := Check{Name: p.name, State: "ok", Text: p.program + " is installed"}
		if _, err := exec.LookPath(p.program); err != nil {
			c.State, c.Text, c.Hint = "bad", p.program+" is missing", "install the package "+p.pkg
		}
		out = append(out, c)
	}
	return out
}
