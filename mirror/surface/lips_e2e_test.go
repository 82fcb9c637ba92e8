//go:build e2e && linux

package surface

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"hither/fusion"
	"hither/internal/lips"
	"hither/internal/soundserver"
	"hither/internal/xserver"
	"hither/mirror"
	"hither/mirror/record"
	"hither/mirror/sound"
)

// TestLipsInARecording compares how far sound and picture are apart in a
// recording with how far they were.
func TestLipsInARecording(t *testing.T) {
	there := soundserver.Start(t)
	far := xserver.Start(t, "-screen", "0", "640x480x24")
	device := sound.Pulse{Socket: there.Socket, Output: "out.monitor"}
	s := mirror.NewServer(farSound{farDisplay(far.Display), device}, mirror.Config{})
	t.Cleanup(func() { s.Close() })
	pipe, err := s.Open(t.Context(), "far", fusion.ViewOptions{ViewOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "a.webm")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan kept, 1)
	go func() {
		summary, err := record.Screen(ctx, pipe, file, 0, true)
		ended <- kept{summary, err}
	}()
	apart := lips.Show(t, far.Display, there.Socket, 12)
	stop()
	k := <-ended
	if !errors.Is(k.err, context.Canceled) || !k.Sound {
		t.Fatalf("%+v", k)
	}
	later := lips.Later(t, file, apart)
	middle := later[len(later)/2]
	if t.Logf("sound is %v later than it was, from %v to %v; the file has %d bytes", middle, later[0], later[len(later)-1], k.Bytes); middle.Abs() > 50*time.Millisecond {
		t.Errorf("sound and pictures are %v apart", middle)
	}
}
