//go:build cgo && libvirt_dlopen

package loadlibvirt_test

import (
	"bytes"
	"os"
	"os/exec"
	"testing"

	"libvirt.org/go/libvirt"

	_ "hither/internal/loadlibvirt"
)

// asChild is the variable that makes the test below a process that only says
// whether it has libvirt.
const asChild = "HITHER_TEST_LIBVIRT"

func TestOnlyTheNodeLoadsLibvirt(t *testing.T) {
	if os.Getenv(asChild) != "" {
		maps, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Fatal(err)
		}
		version, err := libvirt.GetVersion()
		t.Logf("version %d, error %v, mapped %v", version, err, bytes.Contains(maps, []byte("/libvirt.so")))
		return
	}
	for args, want := range map[string]string{
		"up":     "error <nil>, mapped true",
		"status": "Failed to open libvirt.so.0",
	} {
		cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v", args)
		cmd.Env = append(os.Environ(), asChild+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte(want)) {
			t.Errorf("%s: %v, want %q in:\n%s", args, err, want, out)
		}
		if args != "up" && !bytes.Contains(out, []byte("mapped false")) {
			t.Errorf("%s has libvirt:\n%s", args, out)
		}
	}
}
