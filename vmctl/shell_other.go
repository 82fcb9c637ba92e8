//go:build !linux

package vmctl

import "hither/fusion"

// openShell refuses: a pseudoterminal is opened on Linux only, so far.
func (s *Store) openShell(fusion.TerminalOptions) (fusion.Terminal, error) {
	return nil, &fusion.Error{Op: opConsole, Path: fusion.Self, Cause: fusion.ErrUnsupported, Detail: "a shell is opened on Linux only",
		Hint: "open its desktop and a terminal there"}
}
