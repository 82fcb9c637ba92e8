//go:build !linux && !windows && !darwin

package vmctl

// SystemPower gives how this system is switched, which is not known.
func SystemPower() Power { return nil }
