package surface

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// asked runs a pacer that is asked every 10 ms, 20 times, and gives what it did.
func asked(t *testing.T, p *pacer) (did []int) {
	synctest.Test(t, func(t *testing.T) {
		done := make(chan int, 100)
		for i := range 20 {
			p.ask(func() { done <- i })
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Second)
		p.ask(func() { done <- 99 })
		p.close() // forgets the last unless it was done at once
		p.ask(func() { done <- 100 })
		synctest.Wait()
		close(done)
		for v := range done {
			did = append(did, v)
		}
	})
	return did
}

func TestPacerWaitsForAPause(t *testing.T) {
	if did := asked(t, &pacer{every: 80 * time.Millisecond, settle: true}); !slices.Equal(did, []int{19}) {
		t.Errorf("it did %v", did)
	}
}

func TestPacerKeepsItsPace(t *testing.T) {
	did := asked(t, &pacer{every: 45 * time.Millisecond})
	did = slices.DeleteFunc(did, func(v int) bool { return v == 99 }) // at once, or forgotten
	if len(did) < 4 || len(did) > 6 || did[0] != 0 || did[len(did)-1] != 19 {
		t.Errorf("it did %v", did)
	}
}
