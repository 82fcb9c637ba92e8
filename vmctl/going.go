package vmctl

import (
	"context"
	"slices"
	"sync"
	"time"

	"hither/fusion"
)

// The pauses between two tries to follow the system's word on its going.
const (
	firstPowerWatch = time.Second
	lastPowerWatch  = 5 * time.Minute
)

// doSelf does a power verb. The system is asked once more whether it can, so that
// nobody is told of a computer that goes and then does not.
func (s *Store) doSelf(ctx context.Context, verb fusion.Verb) error {
	op := "machine." + string(verb)
	if s.config.Power == nil || !slices.Contains(fusion.PowerVerbs, verb) {
		return &fusion.Error{Op: op, Path: fusion.Self, Cause: fusion.ErrUnsupported,
			Detail: "a computer itself can sleep, restart and shut down only", Hint: "open its desktop and use the menu there"}
	}
	if reason := s.config.Power.Can(ctx)[verb]; reason != "" {
		return &fusion.Error{Op: op, Path: fusion.Self, Cause: fusion.ErrUnsupported, Detail: reason,
			Hint: "open its desktop and use the menu there"}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.tellGoing(verb.Away())
	if err := s.config.Power.Do(ctx, verb); err != nil {
		s.tellGoing("")
		return away(op, fusion.Self, err)
	}
	s.config.Log.Info("this computer goes", "verb", verb, "trace", fusion.Trace(ctx))
	return nil
}

// goingAge is how long a computer that said it goes is taken to be about to: if it
// is here after that, something held it.
const goingAge = 30 * time.Second

// going is what was told last of this computer's going.
type going struct {
	mu   sync.Mutex // guards the fields below; held while telling, so that words keep their order
	away fusion.Away
	when time.Time
}

// tellGoing tells once that this computer goes: what a verb says comes again from
// the system, which may know less of it.
func (s *Store) tellGoing(away fusion.Away) {
	if s.config.Going == nil {
		return
	}
	g := &s.going
	g.mu.Lock()
	defer g.mu.Unlock()
	if away != "" && g.away != "" && time.Since(g.when) < goingAge || away == "" && g.away == "" {
		return
	}
	g.away, g.when = away, time.Now()
	s.config.Going(s.ctx, away)
}

// followPower tells when this computer goes by anybody's hand, until Close.
func (s *Store) followPower() {
	for pause := firstPowerWatch; s.ctx.Err() == nil; pause = min(2*pause, lastPowerWatch) {
		began := time.Now()
		err := s.config.Power.Watch(s.ctx, s.tellGoing)
		if s.ctx.Err() != nil {
			return
		}
		s.config.Log.Debug("the system's word on its going is not heard", "error", err)
		if time.Since(began) > time.Minute {
			pause = firstPowerWatch
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-s.ctx.Done():
			timer.Stop()
			return
		}
	}
}
