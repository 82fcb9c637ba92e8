//go:build !linux || !cgo

package slack

// Usual runs start: slack is Linux's.
func Usual(start func() error) error { return start() }
