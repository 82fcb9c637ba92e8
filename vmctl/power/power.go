// Package power switches the computer that it runs on: it sleeps, restarts and shuts down
// by the login manager of its system, and tells when it goes by anybody's hand. What a
// system cannot do is told with its reason.
package power

import (
	"context"
	"slices"
	"sync"
	"time"

	"hither/fusion"
)

// Switch switches this computer itself. All methods may be called from many
// goroutines.
type Switch interface {
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

// Abilities is what a Switch said it can.
type Abilities struct {
	Switch Switch

	mu     sync.Mutex // guards the fields below; held while asking
	asked  time.Time
	verbs  []fusion.Verb
	cannot []fusion.Refusal
}

// Get gives the verbs that "self" has now, and why it lacks the others.
func (a *Abilities) Get(ctx context.Context) (verbs []fusion.Verb, cannot []fusion.Refusal) {
	if a.Switch == nil {
		return []fusion.Verb{}, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Since(a.asked) < abilityAge && !a.asked.IsZero() {
		return slices.Clone(a.verbs), slices.Clone(a.cannot)
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), abilityTime)
	defer cancel()
	why := a.Switch.Can(within)
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
