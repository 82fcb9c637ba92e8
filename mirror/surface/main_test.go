package surface

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// No test plays through the sound server of whoever runs it.
	if err := os.Setenv("PULSE_SERVER", "unix:/nonexistent"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}
