package api

import (
	"context"
	"strings"

	"hither/fusion"
)

// about says what the capabilities of a method are needed on, and so where a request
// names it.
type about int

const (
	// theHost is the computer as such: a grant with an object is not enough.
	theHost about = iota
	// aList is what the caller may see of a list: any grant does.
	aList
	// ofMachine and ofName are the machine that the request's field of that name has.
	ofMachine
	ofName
	// ofParts is the machine in its field machine: the answer holds those of its parts
	// that the caller may see.
	ofParts
	// ofApp is an app of a machine, ofScreen the app, monitor or machine that a screen
	// shows, ofFolder a folder.
	ofApp
	ofScreen
	ofFolder
	// ofSelf is the computer's own system, or an app of it.
	ofSelf
	// ofJob is the machine that a job is about.
	ofJob
	// ofBackup is a machine of this computer; of what is kept for another computer or goes
	// there, and of a machine that is to be made, it is theHost.
	ofBackup
	// ofTicket is the machine that a file was made of.
	ofTicket
)

// noObject is the object of what is not there: only a grant of everything covers it.
const noObject = "-"

// The fields that requests have.
type (
	hasMachine interface{ GetMachine() string }
	hasName    interface{ GetName() string }
	hasApp     interface {
		hasMachine
		GetApp() string
	}
	hasScreen interface{ GetScreen() string }
	hasID     interface{ GetId() string }
	hasPlaces interface {
		hasMachine
		GetOf() string
		GetAt() string
	}
)

// asked is what a path names, as a request with that field.
type asked string

func (a asked) GetMachine() string { return string(a) }
func (a asked) GetScreen() string  { return string(a) }

// thing finds what a request of another computer is about.
func (s *Server) thing(ctx context.Context, on about, request any) thing {
	switch on {
	case theHost:
		return thing{}
	case aList:
		return thing{part: true}
	case ofSelf:
		return thing{object: fusion.Self, name: fusion.Self, part: true}
	case ofMachine, ofParts:
		if r, ok := request.(hasMachine); ok {
			return thing{object: s.machineObject(ctx, r.GetMachine()), name: r.GetMachine(), part: on == ofParts}
		}
	case ofName:
		if r, ok := request.(hasName); ok {
			return thing{object: s.machineObject(ctx, r.GetName()), name: r.GetName()}
		}
	case ofApp:
		if r, ok := request.(hasApp); ok && fusion.CheckName(r.GetApp()) == nil {
			return thing{object: s.machineObject(ctx, r.GetMachine()) + "/" + r.GetApp(), name: r.GetMachine() + "/" + r.GetApp()}
		}
	case ofScreen:
		if r, ok := request.(interface{ GetMoves() string }); ok && r.GetMoves() != "" {
			return thing{part: true} // the token is that of a view of its own
		}
		if r, ok := request.(hasScreen); ok {
			return s.screenThing(ctx, r.GetScreen())
		}
	case ofFolder:
		if r, ok := request.(hasName); ok && r.GetName() != "" {
			return thing{object: r.GetName(), name: r.GetName()}
		}
	case ofJob:
		if r, ok := request.(hasID); ok {
			return s.jobThing(ctx, r.GetId())
		}
	case ofBackup:
		if r, ok := request.(hasPlaces); ok {
			if as, ok := request.(interface{ GetAs() string }); r.GetOf()+r.GetAt() != "" || ok && as.GetAs() != "" {
				return thing{}
			}
			return thing{object: s.machineObject(ctx, r.GetMachine()), name: r.GetMachine()}
		}
	case ofTicket:
		if t, ok := request.(thing); ok {
			return t
		}
	}
	return thing{object: noObject}
}

// machineObject gives the object that a machine of this computer is: its UUID, which
// stays when it is renamed and which no other machine gets.
func (s *Server) machineObject(ctx context.Context, name string) string {
	if name == fusion.Self {
		return fusion.Self
	}
	host, _, err := s.node.Resolve("")
	if err != nil || fusion.CheckName(name) != nil {
		return noObject
	}
	m, err := host.Machines().Get(ctx, name)
	return objectOf(m, err)
}

// objectOf gives the object of a machine that was asked for.
func objectOf(m fusion.Machine, err error) string {
	switch {
	case err != nil || m.Kind != fusion.KindSelf && m.UUID == "":
		return noObject
	case m.Kind == fusion.KindSelf:
		return fusion.Self
	}
	return m.UUID
}

// screenThing finds what shows a screen. A monitor is the computer's whole desktop.
func (s *Server) screenThing(ctx context.Context, screen string) thing {
	machine, _, isPart := strings.Cut(screen, "/")
	t := thing{object: s.machineObject(ctx, machine), name: machine}
	if !isPart {
		return t
	}
	host, _, err := s.node.Resolve("")
	if err != nil {
		return t
	}
	list, err := host.Screens().List(ctx, machine)
	if err != nil {
		return t
	}
	for _, x := range list {
		if x.Name == screen {
			return screenOf(x, t.object)
		}
	}
	return t
}

// screenOf gives what a screen of the machine with that object shows.
func screenOf(x fusion.Screen, machine string) thing {
	if x.Kind == fusion.ScreenApp && x.App != "" {
		return thing{object: machine + "/" + x.App, name: x.Machine + "/" + x.App}
	}
	return thing{object: machine, name: x.Machine}
}

// jobThing finds the machine that a job is about. Without an ID the caller means its own.
func (s *Server) jobThing(ctx context.Context, id string) thing {
	if id == "" {
		return thing{part: true}
	}
	host, _, err := s.node.Resolve("")
	if err != nil {
		return thing{object: noObject}
	}
	list, err := host.Jobs().List(ctx)
	if err != nil {
		return thing{object: noObject}
	}
	for _, j := range list {
		if j.ID == id && aboutMachine(j) {
			return thing{object: s.machineObject(ctx, j.Name), name: j.Name}
		}
	}
	return thing{object: noObject}
}

// aboutMachine says whether a job's Name is a machine's.
func aboutMachine(j fusion.Job) bool { return strings.HasPrefix(j.Op, "machine.") }
