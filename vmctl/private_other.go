//go:build !linux

package vmctl

import (
	"context"
	"time"

	"hither/fusion"
)

// private needs libvirtd, which is used on Linux only: there is no directory of it.
type private struct{ dir string }

func (Config) private() private { return private{} }

func (private) ensure(context.Context) (string, error) {
	return "", &fusion.Error{Op: "machines.private", Cause: fusion.ErrUnsupported,
		Hint: "virtual machines run on Linux hosts; pair one to use its machines from here"}
}

func (private) agentSocket(string) string { return "" }

func (private) usbSocket(string) string { return "" }

func (private) end(context.Context) {}

func qemuStarts() map[string]time.Time { return nil }
