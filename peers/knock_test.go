package peers

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// knockAt knocks at an address whose path is away until some time, with this
// round trip, and gives when the path was said to be back, or -1.
func knockAt(t *testing.T, comes, trip, until time.Duration) (back time.Duration) {
	back = -1
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), until)
		defer cancel()
		start := time.Now()
		k := &knocker{every: knockEvery, back: func() { back = time.Since(start) }}
		k.dial = func(ctx context.Context) error {
			began := time.Since(start)
			for _, after := range []time.Duration{0, time.Second, 3 * time.Second} { // when TCP sends a SYN
				if began+after >= comes {
					select {
					case <-time.After(after + trip):
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}
			}
			<-ctx.Done()
			return ctx.Err()
		}
		k.run(ctx)
	})
	return back
}

func TestKnockHearsThatThePathIsBack(t *testing.T) {
	const trip = 40 * time.Millisecond
	for comes := 10 * time.Millisecond; comes < 2*time.Second; comes += 70 * time.Millisecond {
		back := knockAt(t, comes, trip, 5*time.Second)
		if back < 0 && comes <= time.Second {
			back = time.Second + trip // the dial's own second SYN came as soon
		}
		if late := back - comes; late < 0 || late > knockEvery+trip {
			t.Errorf("back at %v, heard at %v", comes, back)
		}
	}
}

func TestAPathThatWasNeverAwayIsNotBack(t *testing.T) {
	for _, trip := range []time.Duration{time.Millisecond, 300 * time.Millisecond, 2 * time.Second} {
		if back := knockAt(t, 0, trip, 5*time.Second); back >= 0 {
			t.Errorf("round trip %v: said to be back after %v", trip, back)
		}
	}
}

func TestKnocksThatAreRefusedSayNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		var knocks atomic.Int32
		k := &knocker{every: knockEvery, back: func() { t.Error("said to be back") }, dial: func(context.Context) error {
			knocks.Add(1)
			return errors.New("refused")
		}}
		k.run(ctx)
		if n := knocks.Load(); n < 7 || n > 9 {
			t.Errorf("%d knocks in 2 s", n)
		}
	})
}
