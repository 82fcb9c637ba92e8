package surface

import (
	"math/rand/v2"
	"testing"
	"time"
)

// clock is a time that the test moves.
type clock struct{ at time.Time }

func newClock() *clock          { return &clock{time.Unix(1000, 0)} }
func (c *clock) now() time.Time { return c.at }
func (c *clock) pass(ms int)    { c.at = c.at.Add(time.Duration(ms) * time.Millisecond) }
func settled(t *testing.T) (*accord[int], *clock) {
	c := newClock()
	a := newAccord(c.now, 1)
	if a.hereIs(1, false) != known {
		t.Fatal("what the host asked for is told back to it")
	}
	return a, c
}

func TestAccordDoesNotAnswerTheHost(t *testing.T) {
	a, _ := settled(t)
	if a.hostSays(1) != echo || a.hostSays(2) != follow || a.hostSays(3) != follow {
		t.Fatal("the host's changes are not followed")
	}
	if a.hereIs(2, false) == tell || a.hereIs(3, false) == tell {
		t.Error("what the host asked for is told back to it")
	}
	if a.hereIs(4, false) != tell || a.hereIs(4, false) != known {
		t.Error("a change of this desktop is told once")
	}
}

func TestAccordHostChangesItsMind(t *testing.T) {
	a, _ := settled(t)
	if a.hostSays(2) != follow || a.hostSays(1) != follow {
		t.Fatal("the desktop is left on its way to what the host no longer wants")
	}
	if a.hereIs(2, false) == tell || a.hereIs(1, false) == tell {
		t.Error("a step to what the host asked for is told")
	}
	if a.hereIs(2, false) != tell {
		t.Error("a change of this desktop is not told")
	}
}

func TestAccordTellsWhatTheDesktopMadeOfIt(t *testing.T) {
	a, _ := settled(t)
	a.hostSays(9)
	if a.hereIs(8, false) != wait {
		t.Error("a step to what the host asked for is told")
	}
	if a.hereIs(8, true) != tell {
		t.Error("the host does not hear that it got something else")
	}
	if a.hostSays(8) != echo {
		t.Error("an echo is followed")
	}
}

func TestAccordPersonHasTheLastWord(t *testing.T) {
	a, c := settled(t)
	for _, v := range []int{2, 3, 4} {
		if a.hereIs(v, false) != tell {
			t.Fatalf("%d is not told", v)
		}
	}
	if a.hostSays(1) != echo {
		t.Error("what was said before is followed again")
	}
	for _, v := range []int{2, 3, 4} { // the host hears them late
		if a.hostSays(v) != echo {
			t.Errorf("the echo %d is followed", v)
		}
	}
	if a.hostSays(7) != follow {
		t.Error("a change of the host after all echoes is not followed")
	}
	a.hereIs(7, false)
	a.hereIs(10, false)
	if a.hostSays(11) != contest {
		t.Error("the host's answer is taken for its own change")
	}
	c.pass(int(answerTime / time.Millisecond))
	if a.hostSays(12) != follow {
		t.Error("the host is not followed later")
	}
}

func TestAccordYields(t *testing.T) {
	a, _ := settled(t)
	a.hereIs(5, false)
	a.yield()
	if a.hostSays(6) != follow {
		t.Error("what was told before still stands")
	}
}

func TestAccordAnew(t *testing.T) {
	a, _ := settled(t)
	a.hereIs(5, false)
	if here, tell := a.anew(1); here != 5 || !tell {
		t.Error("the host is not told where the window stands here")
	}
	if a.hostSays(5) != echo {
		t.Error("its echo is followed")
	}
	if _, tell := a.anew(5); tell {
		t.Error("the host is told what it knows")
	}
}

// TestAccordSettles lets both sides change a value at any moment, with words
// under way both ways: once nobody changes it any more, few words later both
// have the same and nothing moves, but where both changed it at one time.
func TestAccordSettles(t *testing.T) {
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(seed, 1))
		c := newClock()
		a := newAccord(c.now, 0)
		host, here, contested, waits := 0, 0, false, false
		var toHost, toHere, wanted []int // wanted is what the desktop was asked for
		is := func(v int, rests bool) {
			here = v
			switch a.hereIs(v, rests) {
			case tell:
				toHost = append(toHost, v)
				waits = false
			case wait:
				waits = true
			case known:
				waits = false
			}
		}
		step := func(calm bool) {
			c.pass(1 + random.IntN(20))
			kind := random.IntN(5)
			if calm {
				kind = random.IntN(3)
			}
			switch {
			case kind == 0 && len(toHost) > 0:
				if host != toHost[0] {
					host = toHost[0]
					toHere = append(toHere, host)
				}
				toHost = toHost[1:]
			case kind == 1 && len(toHere) > 0:
				switch a.hostSays(toHere[0]) {
				case follow:
					wanted = append(wanted, toHere[0])
				case contest:
					contested = true
				}
				toHere = toHere[1:]
			case kind == 2 && len(wanted) > 0:
				is(wanted[0], false)
				wanted = wanted[1:]
			case kind == 3:
				is(random.IntN(6), false)
			case kind == 4:
				host = random.IntN(6)
				toHere = append(toHere, host)
			}
		}
		for range 60 {
			step(false)
		}
		words := 0
		for settle := true; settle; settle = waits {
			for ; len(toHost)+len(toHere)+len(wanted) > 0; words++ {
				if step(true); words > 3000 {
					t.Fatalf("seed %d: they never settle", seed)
				}
			}
			if waits {
				is(here, true)
				waits = len(toHost) > 0
			}
		}
		if a.agreed != here || host != here && !contested {
			t.Fatalf("seed %d: here it is %d, the host has %d and is taken to have %d", seed, here, host, a.agreed)
		}
	}
}
