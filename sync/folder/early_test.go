package folder

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/syncthing/syncthing/lib/logger"
)

// Standard output is the command line's, so Syncthing must not print there;
// and a node that was started without HOME must not die of it.
func TestEarly(t *testing.T) {
	if os.Getenv("FOLDER_EARLY") != "" {
		if home, ok := os.LookupEnv("HOME"); ok {
			t.Errorf("HOME was left as %q", home)
		}
		if _, ok := os.LookupEnv("LOGGER_DISCARD"); ok {
			t.Error("LOGGER_DISCARD was left")
		}
		logger.DefaultLogger.Infoln("syncthing speaks")
		return
	}
	child := exec.Command(os.Args[0], "-test.run=^TestEarly$")
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "HOME=") {
			child.Env = append(child.Env, v)
		}
	}
	child.Env = append(child.Env, "FOLDER_EARLY=1")
	out, err := child.CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("syncthing speaks")) {
		t.Errorf("without HOME: %v\n%s", err, out)
	}
}
