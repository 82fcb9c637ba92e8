package api

import (
	"context"

	"hither/fusion"
)

// sight is what a caller may see of this computer's lists. Nil sees everything.
type sight struct {
	s      *Server
	ctx    context.Context
	grants []fusion.Grant
	// objects has the machines that were looked up by name, for one answer.
	objects map[string]string
}

// sight gives nil for a caller that has a capability on everything.
func (s *Server) sight(ctx context.Context, want fusion.Capability) *sight {
	if s.mayOn(ctx, want, "") {
		return nil
	}
	grants, _ := s.node.Grants(callerOf(ctx).Peer)
	return &sight{s: s, ctx: ctx, grants: grants, objects: map[string]string{}}
}

// sees says whether the caller has a capability on an object.
func (x *sight) sees(want fusion.Capability, object string) bool {
	return x == nil || thing{object: object}.held(x.grants, want)
}

// machine gives a machine as the caller may see it: whole, or no more than that it is
// there when it may see a part of it, as an app.
func (x *sight) machine(m fusion.Machine) (fusion.Machine, bool) {
	object := objectOf(m, nil)
	switch {
	case x.sees(fusion.ViewCap, object):
		return m, true
	case thing{object: object, part: true}.held(x.grants, fusion.ViewCap):
		return fusion.Machine{Address: m.Address, Host: m.Host, Name: m.Name, Kind: m.Kind, State: m.State, OS: m.OS, Verbs: []fusion.Verb{}}, true
	}
	return fusion.Machine{}, false
}

// screen says whether the caller may see a screen of this computer.
func (x *sight) screen(screen fusion.Screen) bool {
	return x == nil || x.sees(fusion.ViewCap, screenOf(screen, x.object(screen.Machine)).object)
}

// named says whether the caller may see the machine of a name.
func (x *sight) named(machine string) bool {
	return x == nil || x.sees(fusion.ViewCap, x.object(machine))
}

// app says whether the caller may know of an app.
func (x *sight) app(machine, app string) bool {
	return x == nil || x.sees(fusion.AppsCap, x.object(machine)+"/"+app)
}

// job says whether the caller may know of a job.
func (x *sight) job(j fusion.Job) bool {
	return x == nil || aboutMachine(j) && x.named(j.Name)
}

func (x *sight) object(machine string) string {
	object, known := x.objects[machine]
	if !known {
		object = x.s.machineObject(x.ctx, machine)
		x.objects[machine] = object
	}
	return object
}

// kept gives those of a list that keep says yes to.
func kept[T any](list []T, keep func(T) bool) []T {
	out := make([]T, 0, len(list))
	for _, one := range list {
		if keep(one) {
			out = append(out, one)
		}
	}
	return out
}

// told is what a watcher knows of: only of that it is told that it is gone.
type told map[string]bool

// sight gives an event as a caller may see it, or false when it may not know of it.
func (t told) sight(x *sight, e fusion.Event) (fusion.Event, bool) {
	if x == nil {
		return e, true
	}
	var key string
	seen := true
	switch {
	case e.Machine != nil:
		key = "machine " + e.Machine.Name
		m, ok := x.machine(*e.Machine)
		if seen = ok && !e.Removed; !seen {
			m = fusion.Machine{Address: e.Machine.Address, Host: e.Machine.Host, Name: e.Machine.Name}
		}
		e.Machine = &m
	case e.Screen != nil:
		key = "screen " + e.Screen.Name
		if seen = !e.Removed && x.screen(*e.Screen); !seen {
			e.Screen = &fusion.Screen{Address: e.Screen.Address, Host: e.Screen.Host, Name: e.Screen.Name, Machine: e.Screen.Machine}
		}
	case e.Job != nil:
		key = "job " + e.Job.ID
		if seen = !e.Removed && x.job(*e.Job); !seen {
			e.Job = &fusion.Job{ID: e.Job.ID, Host: e.Job.Host}
		}
	default: // the computer itself, and folders, which have a check of their own
		return e, true
	}
	if seen {
		t[key] = true
		return e, true
	}
	known := t[key] // it is gone, or another one has its name now
	delete(t, key)
	e.Removed = true
	return e, known
}
