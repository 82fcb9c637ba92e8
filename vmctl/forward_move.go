package vmctl

import (
	"slices"

	"hither/fusion"
)

// The port forwards of a machine are the machine's: they go along when it moves, and lead
// to it from the same ports of its new host (docs/decisions/0026). Where such a port is
// taken, the forward is kept with a note, as after a restart of the node.

// of gives a machine's forwards as they were asked for.
func (f *forwards) of(uuid string) []fusion.Forward {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []fusion.Forward
	for _, e := range f.entries {
		if f.ofLocked(e, uuid) {
			list = append(list, e.Forward)
		}
	}
	return list
}

// leave ends the forwards of a machine that is another host's now.
func (f *forwards) leave(uuid string) {
	uri := f.s.URI()
	f.forget(func(e *forward) bool { return e.UUID == uuid && e.URI == uri })
}

// forget ends some forwards for good.
func (f *forwards) forget(which func(*forward) bool) {
	f.end(which)
	f.mu.Lock()
	defer f.mu.Unlock()
	before := len(f.entries)
	if f.entries = slices.DeleteFunc(f.entries, which); len(f.entries) == before {
		return
	}
	if err := f.saveLocked(); err != nil {
		f.s.config.Log.Warn("port forwards that have ended stay in their file", "error", err)
	}
}

// adopt begins the forwards of a machine that has come. It may be called again.
func (f *forwards) adopt(uuid, machine string, list []fusion.Forward) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, spec := range list {
		known := slices.ContainsFunc(f.entries, func(e *forward) bool { return f.ofLocked(e, uuid) && e.Same(spec) })
		if known || f.s.ctx.Err() != nil {
			continue
		}
		if len(f.entries) >= maxForwards {
			f.s.config.Log.Warn("this computer has too many port forwards for one that came along", "machine", machine, "port", spec.HostPort)
			continue
		}
		e := &forward{Forward: fusion.Forward{Proto: spec.Proto, Listen: spec.Listen, HostPort: spec.HostPort, GuestPort: spec.GuestPort}, UUID: uuid, URI: f.s.URI()}
		if e.port, e.why = f.listen(e); e.why != nil {
			f.s.config.Log.Warn("a port forward came along and does not work here", "machine", machine, "port", e.HostPort, "error", e.why)
		}
		f.entries = append(f.entries, e)
	}
	if len(list) == 0 {
		return
	}
	if err := f.saveLocked(); err != nil {
		f.s.config.Log.Warn("the port forwards of a machine that came are lost with this node", "machine", machine, "error", err)
	}
}

// soundForwards says whether another host's forwards can be taken over.
func soundForwards(list []fusion.Forward) bool {
	return len(list) <= maxForwards && !slices.ContainsFunc(list, func(f fusion.Forward) bool { return f.Check() != nil || f.HostPort == 0 })
}
