package audit

import (
	"context"

	"hither/fusion"
)

// LooksOnly is the detail of a screen or a console that nothing is typed into.
const LooksOnly = "looks only"

// WatchLive calls changed with what other computers have open now and with each change
// after it, until ctx ends: screens, consoles and streams, not calls that are answered at
// once. Whoever is slow misses steps between, and never the last one.
func (l *Log) WatchLive(ctx context.Context, changed func(s Live, removed bool)) error {
	wake := make(chan struct{}, 1)
	l.sessions.mu.Lock()
	if l.sessions.subs == nil {
		l.sessions.subs = map[chan struct{}]bool{}
	}
	l.sessions.subs[wake] = true
	l.sessions.mu.Unlock()
	defer func() {
		l.sessions.mu.Lock()
		defer l.sessions.mu.Unlock()
		delete(l.sessions.subs, wake)
	}()
	told := map[string]Live{}
	for {
		now := map[string]bool{}
		for _, s := range l.Live() {
			if !s.noted {
				continue
			}
			now[s.ID] = true
			if before, known := told[s.ID]; !known || before.Object != s.Object {
				told[s.ID] = s
				changed(s, false)
			}
		}
		for id, s := range told {
			if !now[id] {
				delete(told, id)
				changed(s, true)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wake:
		}
	}
}

// Session gives a session as other programs are told of it.
func (s Live) Session() fusion.Session {
	return fusion.Session{ID: s.ID, Host: s.Host, Name: s.Name, What: s.What, Object: s.Object, ViewOnly: s.Detail == LooksOnly, Since: s.Since}
}
