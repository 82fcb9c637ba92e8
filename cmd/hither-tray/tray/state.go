package tray

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"hither/fusion"
)

// Mood is what the icon says.
type Mood int

const (
	Fine Mood = iota
	Working
	NeedsYou
)

// State is what the node told, kept from its events.
type State struct {
	// Away is true while no node answers, and Note says why in words.
	Away bool
	Note string

	hosts    map[fusion.HostID]fusion.HostInfo
	machines map[string]fusion.Machine // by HOST/NAME
	screens  map[string]fusion.Screen
	folders  map[string]fusion.Folder
	sessions map[string]fusion.Session
	requests map[string]fusion.AccessRequest
}

// NewState gives a state before the first event.
func NewState() *State {
	return &State{hosts: map[fusion.HostID]fusion.HostInfo{}, machines: map[string]fusion.Machine{},
		screens: map[string]fusion.Screen{}, folders: map[string]fusion.Folder{},
		sessions: map[string]fusion.Session{}, requests: map[string]fusion.AccessRequest{}}
}

// Apply takes an event in.
func (s *State) Apply(e fusion.Event) {
	switch {
	case e.Host != nil:
		put(s.hosts, e.Host.ID, *e.Host, e.Removed)
		if e.Removed {
			s.dropHost(e.Host.Name)
		}
	case e.Machine != nil:
		put(s.machines, e.Machine.Host+"/"+e.Machine.Name, *e.Machine, e.Removed)
	case e.Screen != nil:
		put(s.screens, e.Screen.Host+"/"+e.Screen.Name, *e.Screen, e.Removed)
	case e.Folder != nil:
		put(s.folders, e.Folder.Name, *e.Folder, e.Removed)
	case e.Session != nil:
		put(s.sessions, e.Session.ID, *e.Session, e.Removed)
	case e.Request != nil:
		put(s.requests, e.Request.ID, *e.Request, e.Removed)
	}
}

func put[K comparable, V any](all map[K]V, key K, value V, removed bool) {
	if removed {
		delete(all, key)
		return
	}
	all[key] = value
}

func (s *State) dropHost(name string) {
	of := func(key string) bool { return name != "" && strings.HasPrefix(key, name+"/") }
	maps.DeleteFunc(s.machines, func(key string, _ fusion.Machine) bool { return of(key) })
	maps.DeleteFunc(s.screens, func(key string, _ fusion.Screen) bool { return of(key) })
}

// visits gives who looks at this computer through a screen or a console, by name.
func (s *State) visits() []fusion.Session {
	all := slices.DeleteFunc(slices.Collect(maps.Values(s.sessions)), func(v fusion.Session) bool { return !v.Watches() })
	slices.SortFunc(all, func(a, b fusion.Session) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return all
}

// asked gives the requests that wait for an answer, one for each computer.
func (s *State) asked() []fusion.AccessRequest {
	all := slices.SortedFunc(maps.Values(s.requests), func(a, b fusion.AccessRequest) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return slices.CompactFunc(all, func(a, b fusion.AccessRequest) bool { return a.Host == b.Host })
}

// Mood sums up: a person is needed when no node answers, another computer asks for
// something, a machine failed or a folder has an error; work is a machine on its way or a folder that syncs. What
// is on a host that is away counts for neither.
func (s *State) Mood() Mood {
	if s.Away || len(s.requests) > 0 {
		return NeedsYou
	}
	online := map[string]bool{}
	for _, h := range s.hosts {
		online[h.Name] = h.Online
	}
	mood := Fine
	for _, m := range s.machines {
		switch {
		case !online[m.Host]:
		case m.State == fusion.Failed:
			return NeedsYou
		case m.State == fusion.Starting, m.State == fusion.Stopping:
			mood = Working
		}
	}
	for _, f := range s.folders {
		switch f.State {
		case "error":
			return NeedsYou
		case "syncing", "scanning":
			mood = Working
		}
	}
	return mood
}

// sortedHosts gives this computer first, then the others by name.
func (s *State) sortedHosts() []fusion.HostInfo {
	return slices.SortedFunc(maps.Values(s.hosts), func(a, b fusion.HostInfo) int {
		if a.Local != b.Local {
			if a.Local {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.ID, b.ID))
	})
}

// running gives a host's machines that run and have a screen, itself first.
func (s *State) running(host string) []fusion.Machine {
	var all []fusion.Machine
	for _, m := range s.machines {
		if m.Host == host && m.Screen && (m.State == fusion.Running || m.State == fusion.Paused) {
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b fusion.Machine) int {
		if (a.Kind == fusion.KindSelf) != (b.Kind == fusion.KindSelf) {
			if a.Kind == fusion.KindSelf {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return all
}

// apps gives a host's running apps by title.
func (s *State) apps(host string) []fusion.Screen {
	var all []fusion.Screen
	for _, screen := range s.screens {
		if screen.Host == host && screen.Kind == fusion.ScreenApp {
			all = append(all, screen)
		}
	}
	slices.SortFunc(all, func(a, b fusion.Screen) int {
		return cmp.Or(cmp.Compare(a.Title, b.Title), cmp.Compare(a.Name, b.Name))
	})
	return all
}
