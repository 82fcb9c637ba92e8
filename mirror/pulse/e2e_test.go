//go:build linux && e2e

package pulse

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jfreymuth/pulse/proto"
	"go.uber.org/goleak"

	"hither/internal/soundserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = time.Minute

// each runs a test with each of the servers that speak the protocol.
func each(t *testing.T, test func(t *testing.T, start starter)) {
	t.Helper()
	t.Run("PulseAudio", func(t *testing.T) { test(t, soundserver.Start) })
	t.Run("PipeWire", func(t *testing.T) { test(t, soundserver.StartPipeWire) })
}

type starter func(t testing.TB, modules ...string) *soundserver.Server

func record(t *testing.T, socket, device string) *Recording {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := Record(ctx, socket, Stream{Title: "test", Channels: 2, Device: device})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// hear reads until a window of 100 ms has the tone, and gives its level.
func hear(t *testing.T, r *Recording, hertz, least float64) float64 {
	t.Helper()
	pcm := make([]int16, 2*Rate/10)
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if err := r.Read(pcm); err != nil {
			t.Fatal(err)
		}
		if level := soundserver.Level(pcm, hertz); level > least {
			return level
		}
	}
	t.Fatalf("no %.0f Hz was heard", hertz)
	return 0
}

// hush reads until 100 ms have nothing of the tone.
func hush(t *testing.T, r *Recording, hertz float64) {
	t.Helper()
	pcm := make([]int16, 2*Rate/10)
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if err := r.Read(pcm); err != nil {
			t.Fatal(err)
		}
		if soundserver.Level(pcm, hertz) < 10 {
			return
		}
	}
	t.Fatalf("%.0f Hz did not end", hertz)
}

func TestRecordHearsAProgram(t *testing.T) { each(t, recordHearsAProgram) }

func recordHearsAProgram(t *testing.T, start starter) {
	server := start(t)
	r := record(t, server.Socket, Monitor)
	soundserver.Play(t, server.Socket, "", soundserver.Tone(440, 8000, 2*patience))
	// On a busy machine the program stumbles, and some windows have gaps.
	if level := hear(t, r, 440, 7600); level > 8400 {
		t.Errorf("the tone has %.0f of 8000", level)
	}
}

func TestPlayIsHeard(t *testing.T) { each(t, playIsHeard) }

func playIsHeard(t *testing.T, start starter) {
	server := start(t)
	r := record(t, server.Socket, "out.monitor")
	tone := soundserver.Tone(440, 8000, time.Second)
	rested := make(chan struct{}, 8)
	left := []int16(nil)
	p, err := Play(t.Context(), server.Socket, Stream{Title: "test", Channels: 2}, func(pcm []int16) bool {
		if len(left) < len(pcm) {
			left = tone
			rested <- struct{}{}
			return false
		}
		left = left[copy(pcm, left):]
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Wake(); err != nil { // it has nothing yet
		t.Fatal(err)
	}
	for range 3 {
		<-rested
		hush(t, r, 440)
		began := time.Now()
		if err := p.Wake(); err != nil {
			t.Fatal(err)
		}
		hear(t, r, 440, 7000)
		t.Logf("heard after %v", time.Since(began))
	}
}

// TestSilentSinkRests sees that nothing comes from a sink that plays nothing,
// once its server has put it to rest, and that sound comes again. PipeWire gives
// silence as long as somebody records.
func TestSilentSinkRests(t *testing.T) {
	server := soundserver.Start(t, "module-suspend-on-idle timeout=1")
	r := record(t, server.Socket, Monitor)
	pcm := make([]int16, 2*Rate/100)
	for end := time.Now().Add(patience); ; {
		came := make(chan error, 1)
		go func() { came <- r.Read(pcm) }()
		select {
		case err := <-came:
			if err != nil || time.Now().After(end) {
				t.Fatal("the sink does not rest", err)
			}
			continue
		case <-time.After(time.Second):
		}
		soundserver.Play(t, server.Socket, "", soundserver.Tone(440, 8000, 2*time.Second))
		if err := <-came; err != nil {
			t.Fatal(err)
		}
		break
	}
	hear(t, r, 440, 7000)
}

func TestServerEnds(t *testing.T) { each(t, serverEnds) }

func serverEnds(t *testing.T, start starter) {
	server := start(t)
	r := record(t, server.Socket, Monitor)
	p, err := Play(t.Context(), server.Socket, Stream{Title: "test", Channels: 1}, func([]int16) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	server.Kill()
	pcm := make([]int16, 2*Rate)
	if err := r.Read(pcm); !errors.Is(err, errLost) {
		t.Errorf("a recording ended with %v", err)
	}
	p.done.Wait()
	if err := p.Wake(); !errors.Is(err, errLost) {
		t.Errorf("a playback ended with %v", err)
	}
}

func TestDefaultSinkMoves(t *testing.T) { each(t, defaultSinkMoves) }

func defaultSinkMoves(t *testing.T, start starter) {
	server := start(t, "module-null-sink sink_name=other")
	r := record(t, server.Socket, Monitor)
	c, err := connect(t.Context(), server.Socket, "test", func(any) {}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	before, err := c.defaultSink()
	if err != nil {
		t.Fatal(err)
	}
	sink := "other"
	if before == sink {
		sink = "out"
	}
	if err := c.client.Request(&proto.SetDefaultSink{SinkName: sink}, nil); err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, 2*Rate/100)
	for err == nil {
		err = r.Read(pcm)
	}
	if !errors.Is(err, errMoved) {
		t.Errorf("the recording ended with %v", err)
	}
}
