package process

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

func start(t *testing.T, mark string, args ...string) ID {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "HITHER_TEST="+mark)
	id, err := Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		id.Signal(syscall.SIGKILL)
		if err := id.Done(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return id
}

func TestDone(t *testing.T) {
	id := start(t, t.Name(), "sleep", "1000")
	if !id.Alive() {
		t.Fatal("not alive")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := id.Done(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("done while it runs: %v", err)
	}
	other := id
	other.Start++
	if other.Alive() {
		t.Error("another start time is another process")
	}
	other.Signal(syscall.SIGKILL)
	if !id.Alive() {
		t.Error("the wrong process was killed")
	}
	id.Signal(syscall.SIGKILL)
	if err := id.Done(t.Context()); err != nil || id.Alive() {
		t.Errorf("killed: %v", err)
	}
	if err := id.Done(t.Context()); err != nil {
		t.Errorf("done twice: %v", err)
	}
}

func TestEndTakesAll(t *testing.T) {
	const script = `trap "" TERM; setsid sleep 1000 & sleep 1000 & env -i sleep 1000`
	leader := start(t, t.Name()+"/", "sh", "-c", script)
	bystander := start(t, t.Name()+"2/", "sleep", "1000")
	find := func() []ID { return Marked("HITHER_TEST="+t.Name()+"/", leader) }
	deadline := time.Now().Add(patience)
	// The shell, its child in a session of its own, and two in its session, one
	// of them without the mark.
	for len(find()) != 4 {
		if time.Now().After(deadline) {
			t.Fatalf("found %v", find())
		}
		time.Sleep(10 * time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := End(ctx, 100*time.Millisecond, find); err != nil {
		t.Fatal(err)
	}
	if left := find(); len(left) > 0 || leader.Alive() {
		t.Errorf("left: %v", left)
	}
	if !bystander.Alive() || slices.Contains(find(), bystander) {
		t.Error("a process with a longer mark was ended")
	}
}

func TestParseStat(t *testing.T) {
	s, err := parseStat("12 (a) (b) S 1 12 11 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987 1 1")
	if err != nil || s != (stat{state: 'S', session: 11, start: 987}) {
		t.Errorf("%+v, %v", s, err)
	}
	for _, text := range []string{"", "1 (x", "1 (x) S 1", "1 (x) S 1 1 z 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 9"} {
		if _, err := parseStat(text); err == nil {
			t.Errorf("took %q", text)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add("12 (a) S 1 12 11 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987 1 1")
	f.Fuzz(func(_ *testing.T, text string) { _, _ = parseStat(text) })
}
