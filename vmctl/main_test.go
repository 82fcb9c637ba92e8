package vmctl

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(asUserEnv) != "" {
		os.Exit(m.Run())
	}
	goleak.VerifyTestMain(m)
}

// asUserEnv is set in the test binary that an end-to-end test runs again as an
// ordinary user.
const asUserEnv = "VMCTL_TEST_AS_USER"
