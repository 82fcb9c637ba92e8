package vmctl

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hither/fusion"
)

// serialVM is a machine with a serial console.
func serialVM(uuid, name string, state fusion.MachineState) domain {
	d := vm(uuid, name, state)
	d.Serial = true
	return d
}

func openConsole(t *testing.T, s *Store, name string, options fusion.TerminalOptions) fusion.Terminal {
	t.Helper()
	term := must(s.Terminals().Open(t.Context(), name, options))(t)
	t.Cleanup(func() { ok(t, term.Close()) })
	return term
}

// reads gives what comes until it contains want, with what was skipped.
func reads(t *testing.T, term fusion.Terminal, want string) (all string, skipped int64) {
	t.Helper()
	cut := time.AfterFunc(patience, func() { _ = term.Close() })
	defer cut.Stop()
	for !strings.Contains(all, want) {
		chunk, err := term.Next()
		if err != nil {
			t.Fatalf("%q did not come, only %q: %v", want, all, err)
		}
		all += string(chunk.Data)
		skipped += chunk.Skipped
	}
	return all, skipped
}

// endOf reads to the end and gives why.
func endOf(t *testing.T, term fusion.Terminal) *fusion.Error {
	t.Helper()
	cut := time.AfterFunc(patience, func() { _ = term.Close() })
	defer cut.Stop()
	for {
		if _, err := term.Next(); err != nil {
			var why *fusion.Error
			if !errors.As(err, &why) {
				t.Fatalf("it ended with %v", err)
			}
			return why
		}
	}
}

func TestConsoleIsShared(t *testing.T) {
	f := newFake()
	f.put(serialVM("1", "m", fusion.Running))
	s := store(t, f)
	first := openConsole(t, s, "m", fusion.TerminalOptions{})
	port := <-f.opens
	port.got([]byte("boot\r\n"))
	reads(t, first, "boot")
	second := openConsole(t, s, "m", fusion.TerminalOptions{ViewOnly: true})
	if all, _ := reads(t, second, "boot"); all != "boot\r\n" {
		t.Errorf("a newcomer got %q", all)
	}
	must(first.Write([]byte("ls\n")))(t)
	if typed := <-port.typed; typed != "ls\n" {
		t.Errorf("typed %q", typed)
	}
	if _, err := second.Write([]byte("x")); !errors.Is(err, fusion.ErrPermission) || fusion.Hint(err) == "" {
		t.Errorf("typed into a view for looking: %v", err)
	}
	port.got([]byte("both"))
	reads(t, first, "both")
	reads(t, second, "both")
	ok(t, first.Close())
	port.got([]byte("still"))
	reads(t, second, "still")
	ok(t, second.Close())
	<-port.gone // the last one closes it
	third := openConsole(t, s, "m", fusion.TerminalOptions{})
	again := <-f.opens
	again.got([]byte("anew"))
	if all, _ := reads(t, third, "anew"); all != "anew" {
		t.Errorf("after all had left: %q", all)
	}
}

func TestConsoleOfAMachineThatStopsAndRestarts(t *testing.T) {
	f := newFake()
	f.put(serialVM("1", "m", fusion.Running))
	s := store(t, f)
	term := openConsole(t, s, "m", fusion.TerminalOptions{})
	port := <-f.opens
	port.got([]byte("one "))
	port.hangUp() // its process went and came, as when libvirt restarts it
	port = <-f.opens
	port.got([]byte("two"))
	if all, _ := reads(t, term, "two"); all != "one two" {
		t.Errorf("over a restart: %q", all)
	}
	f.put(serialVM("1", "m", fusion.Off))
	port.hangUp()
	if why := endOf(t, term); why.Cause != io.EOF || why.Detail != "the machine is off" || why.Hint == "" {
		t.Errorf("it ended with %v (%s)", why, why.Hint)
	}
	if _, err := term.Write([]byte("x")); err == nil {
		t.Error("it takes keys after its end")
	}
	_, err := s.Terminals().Open(t.Context(), "m", fusion.TerminalOptions{})
	refused(t, err, fusion.ErrInvalid)
	f.put(serialVM("1", "m", fusion.Running))
	openConsole(t, s, "m", fusion.TerminalOptions{}) // it begins anew
}

func TestConsoleWaitsForLibvirt(t *testing.T) {
	f := newFake()
	f.put(serialVM("1", "m", fusion.Running))
	s := store(t, f)
	term := openConsole(t, s, "m", fusion.TerminalOptions{})
	port := <-f.opens
	port.got([]byte("before "))
	f.lose()
	<-port.gone
	port = <-f.opens // the Store has connected again
	port.got([]byte("after"))
	if all, _ := reads(t, term, "after"); all != "before after" {
		t.Errorf("got %q", all)
	}
}

func TestConsolesAreRefusedInWords(t *testing.T) {
	f := newFake()
	f.put(serialVM("1", "m", fusion.Running))
	f.put(vm("2", "plain", fusion.Running))
	f.put(serialVM("3", "off", fusion.Off))
	s := store(t, f)
	for name, cause := range map[string]error{"plain": fusion.ErrUnsupported, "off": fusion.ErrInvalid, "none": fusion.ErrNotFound} {
		_, err := s.Terminals().Open(t.Context(), name, fusion.TerminalOptions{})
		refused(t, err, cause)
	}
	f.refuses("console", &driverError{fusion.ErrBusy, "another program has its console open"})
	_, err := s.Terminals().Open(t.Context(), "m", fusion.TerminalOptions{})
	refused(t, err, fusion.ErrBusy)
	f.refuses("console", nil)
	openConsole(t, s, "m", fusion.TerminalOptions{})
}

// A viewer that falls behind loses the oldest, is told how much, and holds nobody up.
func TestSlowViewerOfAConsole(t *testing.T) {
	f := newFake()
	f.put(serialVM("1", "m", fusion.Running))
	s := store(t, f)
	slow, quick := openConsole(t, s, "m", fusion.TerminalOptions{}), openConsole(t, s, "m", fusion.TerminalOptions{})
	port := <-f.opens
	line := strings.Repeat("x", 1000) + "\n"
	var wrote int64
	for i := range 200 {
		text := fmt.Sprintf("%d %s", i, line)
		wrote += int64(len(text))
		port.got([]byte(text))
		reads(t, quick, line)
	}
	port.got([]byte("end"))
	all, skipped := reads(t, slow, "end")
	if skipped == 0 || skipped+int64(len(all)) != wrote+3 {
		t.Errorf("%d bytes and %d skipped of %d", len(all), skipped, wrote+3)
	}
	late := openConsole(t, s, "m", fusion.TerminalOptions{})
	if all, skipped := reads(t, late, "end"); skipped != 0 || len(all) > backlogBytes || strings.HasPrefix(all, "x") {
		t.Errorf("a newcomer got %d bytes, %d skipped: %.20q", len(all), skipped, all)
	}
}

func TestStoreClosesWithOpenConsoles(t *testing.T) {
	f := newFake()
	f.put(serialVM("1", "m", fusion.Running))
	s := must(Open(t.Context(), Config{Dir: t.TempDir(), URI: "fake:///", open: f.open}))(t)
	term := must(s.Terminals().Open(t.Context(), "m", fusion.TerminalOptions{}))(t)
	closeStore(t, s)
	if _, err := term.Next(); err == nil {
		t.Error("it goes on")
	}
	ok(t, term.Close())
	if _, err := s.Terminals().Open(t.Context(), "m", fusion.TerminalOptions{}); err == nil {
		t.Error("a closed Store opens consoles")
	}
}

// The backlog gives what a plain slice would.
func TestRing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r backlog
		var all []byte
		at := int64(0)
		buf := make([]byte, rapid.IntRange(1, 9000).Draw(t, "buf"))
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			p := bytes.Repeat([]byte{byte(len(all)), '\n', byte(len(all) >> 8)}, rapid.IntRange(0, 30_000).Draw(t, "n"))
			r.write(p)
			all = append(all, p...)
			if first := r.firstLine(); first > 0 && all[first-1] != '\n' || first < r.oldest() {
				t.Fatalf("a newcomer begins at %d of %d", first, len(all))
			}
			if !rapid.Bool().Draw(t, "read") {
				continue
			}
			n, lost := r.read(at, buf)
			at += lost
			if lost > 0 && at != int64(len(all))-backlogBytes || !bytes.Equal(buf[:n], all[at:at+int64(n)]) {
				t.Fatalf("read %d at %d, lost %d of %d", n, at, lost, len(all))
			}
			if at += int64(n); n < len(buf) && at != int64(len(all)) {
				t.Fatalf("it stopped at %d of %d", at, len(all))
			}
		}
	})
}
