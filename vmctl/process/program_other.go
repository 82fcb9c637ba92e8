//go:build !linux

package process

import "os/exec"

// Find looks for a program. It promises exec.ErrNotFound.
func Find(name string) (string, error) { return exec.LookPath(name) }
