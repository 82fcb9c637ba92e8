//go:build !unix

package files

import (
	"math"
	"os"
)

const nonblock = 0

// hold takes nothing here: what a process left half-made goes with its age.
func hold(*os.File) (taken bool, err error) { return true, nil }

func holdWhen(*os.File) error { return nil }

// free is not known here; writing tells.
func free(string) (uint64, error) { return math.MaxUint64, nil }

func full(error) bool { return false }
