//go:build !linux

// Package private runs a libvirtd of the node's own, on Linux.
package private

import (
	"context"

	"hither/fusion"
)

// Daemon needs libvirtd, which is used on Linux only: there is no directory of it.
type Daemon struct{ Dir string }

// New is none.
func New(string, string, func() string, string) Daemon { return Daemon{} }

func (Daemon) Ensure(context.Context) (string, error) {
	return "", &fusion.Error{Op: "machines.private", Cause: fusion.ErrUnsupported,
		Hint: "virtual machines run on Linux hosts; pair one to use its machines from here"}
}

func (Daemon) AgentSocket(string) string { return "" }

func (Daemon) USBSocket(string) string { return "" }

func (Daemon) Stop(context.Context) {}

func (Daemon) End(context.Context) {}
