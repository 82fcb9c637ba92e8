package vmctl

import (
	"context"
	"slices"
	"sync"
	"time"

	"hither/fusion"
)

// Power switches this computer itself. All methods may be called from many
// goroutines.
type Power interface {
	// Can says of each of fusion.PowerVerbs why it cannot be done, "" where it can.
	Can(ctx context.Context) map[fusion.Verb]string
	// Do does one of fusion.PowerVerbs and returns when the system has taken it. It
	// promises ErrPermission, ErrUnsupported and ErrBusy.
	Do(ctx context.Context, verb fusion.Verb) error
	// Watch calls going before the computer goes, whoever asked for that, and with ""
	// once it is back, until ctx ends. The system waits for going, a few seconds at
	// most, where it can.
	Watch(ctx context.Context, going func(fusion.Away)) error
}

// What the system is asked for itself is kept for abilityAge, as a list of
// machines must not wait for it each time, and asked within abilityTime.
const (
	abilityAge  = 30 * time.Second
	abilityTime = 2 * time.Second
)

// abilities is what a Power said it can.
type abilities struct {
	power Power

	mu     sync.Mutex // guards the fields below; held while asking
	asked  time.Time
	verbs  []fusion.Verb
	cannot []fusion.Refusal
}

// get gives the verbs that "self" has now, and why it lacks the others.
func (a *abilities) get(ctx context.Context) (verbs []fusion.Verb, cannot []fusion.Refusal) {
	if a.power == nil {
		return []fusion.Verb{}, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Since(a.asked) < abilityAge && !a.asked.IsZero() {
		return slices.Clone(a.verbs), slices.Clone(a.cannot)
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), abilityTime)
	defer cancel()
	why := a.power.Can(within)
	a.asked, a.verbs, a.cannot = time.Now(), []fusion.Verb{}, nil
	for _, verb := range fusion.PowerVerbs {
		if reason := why[verb]; reason != "" {
			a.cannot = append(a.cannot, fusion.Refusal{Verb: verb, Reason: reason})
		} else {
			a.verbs = append(a.verbs, verb)
		}
	}
	return slices.Clone(a.verbs), slices.Clone(a.cannot)
}

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

// The pauses between two tries to follow the system's word on its going.
const (
	firstPowerWatch = time.Second
	lastPowerWatch  = 5 * time.Minute
)

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
