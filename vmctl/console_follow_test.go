package vmctl

import (
	"errors"
	"testing"

	"hither/fusion"
)

// TestConsoleOfAMachineThatMoves: it waits while the machine moves, and ends with all that
// came once the machine is another host's.
func TestConsoleOfAMachineThatMoves(t *testing.T) {
	f := newFake()
	f.put(serialVM("1", "m", fusion.Running))
	s := store(t, f)
	term := openConsole(t, s, "m", fusion.TerminalOptions{})
	port := <-f.opens

	// It stays in the end: its QEMU was away for a while.
	s.leave("m", true)
	port.got([]byte("one "))
	f.put(serialVM("1", "m", fusion.Off))
	port.hangUp()
	<-port.gone
	f.put(serialVM("1", "m", fusion.Running))
	s.leave("m", false)
	port = <-f.opens
	port.got([]byte("two "))
	if all, _ := reads(t, term, "two "); all != "one two " {
		t.Errorf("of a machine that stayed: %q", all)
	}

	s.leave("m", true)
	port.got([]byte("three"))
	ok(t, f.undefine("1"))
	port.hangUp()
	if !s.leaveConsole("1") {
		t.Error("nobody looks at it")
	}
	s.leave("m", false)
	if all, _ := reads(t, term, "three"); all != "three" {
		t.Errorf("of a machine that went: %q", all)
	}
	if why := endOf(t, term); !errors.Is(why, fusion.ErrOffline) || why.Hint == "" {
		t.Errorf("it ended with %v", why)
	}
	ok(t, term.Close())
	if s.leaveConsole("1") {
		t.Error("somebody looks at it still")
	}
}

// TestConsoleOfAMachineThatArrives: it is open before the machine goes on.
func TestConsoleOfAMachineThatArrives(t *testing.T) {
	f := newFake()
	f.put(serialVM("1", "m", fusion.Paused))
	s := store(t, f)
	ok(t, s.arrived(t.Context(), intent{UUID: "1", Name: "m", Start: true}, Verdict{Yours: true, Console: true}))
	port := <-f.opens
	port.got([]byte("the first words"))
	term := openConsole(t, s, "m", fusion.TerminalOptions{})
	if all, _ := reads(t, term, "words"); all != "the first words" {
		t.Errorf("who came after the machine got %q", all)
	}

	// Nobody looked: it is not opened. Nor does a console that is refused hold it up.
	f.put(serialVM("2", "quiet", fusion.Paused))
	ok(t, s.arrived(t.Context(), intent{UUID: "2", Name: "quiet", Start: true}, Verdict{Yours: true}))
	f.put(serialVM("3", "held", fusion.Paused))
	f.refuses("console", &driverError{fusion.ErrBusy, "another program has its console open"})
	ok(t, s.arrived(t.Context(), intent{UUID: "3", Name: "held", Start: true}, Verdict{Yours: true, Console: true}))
	for _, uuid := range []string{"1", "2", "3"} {
		if d := must(f.domain(uuid))(t); d.state != fusion.Running {
			t.Errorf("%s is %s", d.name, d.state)
		}
	}
	if len(f.opens) != 0 {
		t.Error("a console was opened for nobody")
	}
}
