//go:build unix

package audit

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hither/fusion"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("HITHER_AUDIT_CHILD"); dir != "" {
		child(dir)
	}
	goleak.VerifyTestMain(m)
}

// child is this program as one that writes: it tells each durable record that it was
// promised, until it is killed. With a limit on its files it tells why it cannot go on.
func child(dir string) {
	l, err := Open(Config{Dir: dir, MaxBytes: leastBytes})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	if os.Getenv("HITHER_AUDIT_FULL") != "" {
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: 2000, Max: 2000} // a disk that takes no more
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
	}
	for i := 0; ; i++ {
		for range 20 {
			if err := l.Record(deed(i), false); err != nil {
				fmt.Println(errors.Is(err, fusion.ErrBusy), fusion.Hint(err))
				os.Exit(0)
			}
		}
		if err := l.Record(Record{What: "promised", Object: fmt.Sprint(i), Result: OK}, true); err != nil {
			fmt.Println(errors.Is(err, fusion.ErrBusy), fusion.Hint(err))
			os.Exit(0)
		}
		fmt.Println(i)
	}
}

func start(t *testing.T, dir string, more ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), "HITHER_AUDIT_CHILD="+dir), more...)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// TestKilledWhileWriting: the chain holds after each kill, and what was promised is there.
func TestKilledWhileWriting(t *testing.T) {
	dir := t.TempDir()
	for round := range 20 {
		cmd, out := start(t, dir)
		last := ""
		for n := rand.IntN(8) + 1; n > 0 && out.Scan(); n-- {
			last = out.Text()
		}
		time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond) // anywhere in a write
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for out.Scan() {
			last = out.Text()
		}
		_ = cmd.Wait() // it was killed
		l := openLog(t, Config{Dir: dir, MaxBytes: leastBytes})
		v := verified(t, l)
		list, _, _, err := l.Find(t.Context(), Query{Limit: 200})
		closed(t, l)
		there := false
		for _, r := range list {
			there = there || r.What == "promised" && r.Object == last
		}
		if err != nil || v.Bad != "" || !there {
			t.Fatalf("round %d: %+v, %v, promised %q is there: %v", round, v, err, last, there)
		}
	}
}

// TestFullDisk: what cannot be written is refused with a hint, and nothing half stays.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	cmd, out := start(t, dir, "HITHER_AUDIT_FULL=1")
	said := ""
	for out.Scan() {
		said = out.Text()
	}
	if err := cmd.Wait(); err != nil || !strings.HasPrefix(said, "true make room") {
		t.Fatalf("%q, %v", said, err)
	}
	l := openLog(t, Config{Dir: dir})
	defer closed(t, l)
	list, _, _, err := l.Find(t.Context(), Query{})
	if v := verified(t, l); err != nil || v.Bad != "" || len(list) < 3 || list[len(list)-1].What == Repaired {
		t.Errorf("%+v, %v: %+v", v, err, list)
	}
}
