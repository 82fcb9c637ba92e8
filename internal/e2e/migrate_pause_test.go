//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"
)

// tick is one line of a counting guest, with the moment at which it came here.
type tick struct {
	at          time.Time // this process's monotonic clock
	boot, count uint32
}

// listener hears a counting guest on its serial console.
type listener struct {
	mu    sync.Mutex // guards the fields below
	lines []tick
	err   error // why nothing comes any more
}

// listen stamps the lines of r. The first may be the end of one.
func listen(r io.Reader) *listener {
	l := &listener{}
	go func() {
		in := bufio.NewScanner(r)
		for in.Scan() {
			one := tick{at: time.Now()}
			_, err := fmt.Sscanf(in.Text(), "%08x %08x", &one.boot, &one.count)
			l.mu.Lock()
			if err == nil && len(in.Text()) == 17 {
				l.lines = append(l.lines, one)
			} else if len(l.lines) > 0 && l.err == nil {
				l.err = fmt.Errorf("a line is %q", in.Text())
			}
			l.mu.Unlock()
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.err == nil {
			l.err = fmt.Errorf("the console ended: %v", in.Err())
		}
	}()
	return l
}

func (l *listener) heard() (lines []tick, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines), l.err
}

// more waits until n more counts have come.
func (l *listener) more(t *testing.T, n int) {
	t.Helper()
	before, _ := l.heard()
	until(t, "the guest counts on", func() bool {
		lines, err := l.heard()
		if err != nil {
			t.Fatal(err)
		}
		return len(lines) >= len(before)+n
	})
}

// mostPause is the longest that a guest may be silent because it moves.
const mostPause = 2 * time.Second

// TestMigratePause: a guest that counts ten times a second, on its disk and on its serial
// console, moves there and back while its screen and its console are open on a third
// computer. Both follow it, no count is missing on either, and its port forward goes along.
func TestMigratePause(t *testing.T) {
	reapGuests(t)
	m := newMovers(t)
	d := newDisplay(t)
	view := m.c.command("view", "alpha/mover")
	view.Env = append(view.Env, "DISPLAY="+d.name)
	background(t, view)
	window := d.window("mover")
	console := m.c.command("machine", "console", "--view-only", "alpha/mover")
	out, err := console.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	background(t, console)
	guest := listen(out)
	guest.more(t, 50)
	m.c.hither("machine", "forward", "add", "alpha/mover", "0:22")
	forward := m.c.hither("machine", "forward", "ls", "alpha/mover")
	m.c.hither("machine", "migrate", "--check", "alpha/mover", "beta")
	var moves []time.Time
	for range 2 {
		moves = append(moves, time.Now())
		m.c.hither("machine", "migrate", m.at.name+"/mover", m.other().name)
		moves = append(moves, time.Now())
		m.at = m.other()
		guest.more(t, 50)
		if now := m.c.hither("machine", "forward", "ls", m.at.name+"/mover"); now != forward {
			t.Errorf("on %s its forwards are\n%snot\n%s", m.at.name, now, forward)
		}
	}
	lines, err := guest.heard()
	if err != nil {
		t.Fatal(err)
	}
	gap, usual := time.Duration(0), time.Duration(0)
	var when time.Time // it began
	for i, now := range lines[1:] {
		before := lines[i]
		if now.boot != lines[0].boot || now.count != before.count+1 {
			t.Fatalf("after %08x %d came %08x %d", before.boot, before.count, now.boot, now.count)
		}
		silent := now.at.Sub(before.at)
		if silent > gap {
			gap, when = silent, before.at
		}
		if now.at.Before(moves[0]) {
			usual = max(usual, silent)
		}
	}
	t.Logf("%d counts, the longest silence %v from %s, %v before it moved; it moved in %v and %v", len(lines), gap.Round(time.Millisecond),
		when.Format(time.StampMilli), usual.Round(time.Millisecond), moves[1].Sub(moves[0]).Round(time.Millisecond), moves[3].Sub(moves[2]).Round(time.Millisecond))
	if gap >= mostPause {
		t.Errorf("it was silent for %v", gap)
	}
	m.only()
	m.showsIt(d, window)
	guest.more(t, 10) // the console is open still
	if on := m.counted(); on < lines[len(lines)-1].count {
		t.Errorf("it said %d and wrote %d", lines[len(lines)-1].count, on)
	}
}
