// Package early sets two environment variables before Syncthing's packages
// read them, which they do before main runs: without HOME they panic, and
// without LOGGER_DISCARD they print on standard output. Undo puts both back, so
// that no program started later inherits them.
//
// It may import os alone: Go initializes packages in the order of their paths
// as soon as their imports are ready, and Syncthing's logger and locations need
// log and path/filepath, which come after "hither" in that order.
package early

import "os"

var undo []func()

func init() {
	if os.Getenv("HOME") == "" {
		set("HOME", string(os.PathSeparator))
	}
	set("LOGGER_DISCARD", "1")
}

func set(name, value string) {
	old, had := os.LookupEnv(name)
	undo = append(undo, func() {
		if had {
			os.Setenv(name, old) // it was there, so it can be there
		} else {
			os.Unsetenv(name)
		}
	})
	os.Setenv(name, value) // a failure shows as the panic that this is to avoid
}

// Undo puts the variables back as they were. Called once, by package folder.
func Undo() {
	for _, f := range undo {
		f()
	}
}
