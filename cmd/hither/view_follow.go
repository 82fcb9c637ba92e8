package main

import (
	"context"
	"sync"

	"hither/fusion"
)

// identity gives the UUID of the machine whose screen is shown, by which it is found
// again when it moves to another host; "" when it is none that can. It is asked for
// beside the opening of the screen.
func (v *viewer) identity(ctx context.Context) func() string {
	if v.screen.Name != v.address.Machine || v.address.Machine == fusion.Self {
		return func() string { return "" }
	}
	host, machine := v.host(), v.address.Machine
	ask := sync.OnceValue(func() string {
		m, err := host.Machines().Get(ctx, machine)
		if err != nil {
			return "" // the screen says what is wrong
		}
		return m.UUID
	})
	go ask()
	return ask
}

// follow looks for the machine on all hosts.
func (v *viewer) follow(ctx context.Context, uuid string) (m fusion.Machine, found bool) {
	if uuid == "" {
		return m, false
	}
	for e, err := range v.c.WatchAll(ctx) {
		switch {
		case err != nil || e.Kind == fusion.EventReady:
			return m, found
		case e.Machine != nil && e.Machine.UUID == uuid:
			m, found = *e.Machine, !e.Removed
		}
	}
	return m, found
}
