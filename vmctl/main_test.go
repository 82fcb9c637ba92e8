package vmctl

import (
	"context"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"hither/vmctl/kvm"
)

func TestMain(m *testing.M) {
	if os.Getenv(asUserEnv) != "" {
		os.Exit(m.Run())
	}
	// A KVM that gives up may take seconds to do so.
	once := sync.OnceValues(func() (kvm.Answer, bool) { return kvm.Try(context.Background()) })
	tryKVM = func(context.Context) (kvm.Answer, bool) { return once() }
	goleak.VerifyTestMain(m)
}

// asUserEnv is set in the test binary that an end-to-end test runs again as an
// ordinary user.
const asUserEnv = "VMCTL_TEST_AS_USER"
