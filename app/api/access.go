package api

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"hither/fusion"
)

// access is what a call was allowed to another computer, so that it can be looked at
// again while the call goes on. The zero value is the owner's.
type access struct {
	peer   fusion.HostID
	method string
	trace  string
	need   need
	thing
}

// allow checks one row of the method table. request is the call's message, or what a path
// names; nil is a stream whose message has not come: then the caller needs the capability
// on something.
func (s *Server) allow(ctx context.Context, method string, request any) (access, error) {
	a, err := s.judge(ctx, method, request)
	s.wanted(a, err)
	return a, err
}

// judge is allow without a word to the owner of what was wanted.
func (s *Server) judge(ctx context.Context, method string, request any) (access, error) {
	n, known := methods[method]
	caller := callerOf(ctx)
	switch {
	case !known:
		return access{}, &fusion.Error{Op: "api", Path: method, Cause: fusion.ErrUnsupported,
			Hint: "update Hither on " + s.node.Name()}
	case n.open || caller.Owner:
		return access{}, nil
	case caller.Anonymous:
		return access{}, &fusion.Error{Op: "api", Cause: fusion.ErrUnpaired, Detail: "no valid token came with the request",
			Hint: "open the page with: hither web"}
	case n.cap == "":
		return access{}, &fusion.Error{Op: "api", Path: s.node.Name(), Cause: fusion.ErrPermission,
			Detail: "only the owner at that computer may do this", Hint: "do it on " + s.node.Name() + " itself"}
	}
	a := access{peer: caller.Peer, method: method, trace: fusion.Trace(ctx), need: n}
	switch grants, paired := s.node.Grants(caller.Peer); {
	case !paired || fusion.Allows(grants, fusion.AdminCap):
		a.name = label(request)
	case request == nil && n.on != theHost:
		a.thing = thing{part: true}
	default:
		a.thing = s.thing(ctx, n.on, request)
	}
	return a, s.still(a)
}

// still says why a call may not go on, nil when it may.
func (s *Server) still(a access) error {
	if a.peer == "" {
		return nil
	}
	grants, paired := s.node.Grants(a.peer)
	if !paired {
		return s.unpaired()
	}
	switch n := a.need; {
	case !a.held(grants, n.cap) && (n.or == "" || !a.held(grants, n.or)):
		return s.notGranted(a.peer, n.cap, a.name)
	case n.also != "" && !a.held(grants, n.also):
		return s.notGranted(a.peer, n.also, a.name)
	}
	return nil
}

// thing is what a request is about.
type thing struct {
	// object is as in fusion.Grant: "" is the computer as such, and everything on it.
	object string
	// part says that a grant of a part of it is enough: the answer holds no more.
	part bool
	// name is how the request calls it.
	name string
}

func (t thing) held(grants []fusion.Grant, want fusion.Capability) bool {
	return slices.ContainsFunc(grants, func(g fusion.Grant) bool {
		if g.Cap != want && g.Cap != fusion.AdminCap && !(want == fusion.ViewCap && givesView(g.Cap)) {
			return false
		}
		return g.Covers(t.object) || t.part && g.Touches(t.object)
	})
}

// givesView says whether a capability comes with view of the same object: whoever may
// control, launch or create may also see.
func givesView(c fusion.Capability) bool {
	return c == fusion.ControlCap || c == fusion.MachinesCap || c == fusion.AppsCap
}

// allowPeer checks what another computer's key was granted on an object.
func (s *Server) allowPeer(peer fusion.HostID, want fusion.Capability, object string) error {
	return s.still(access{peer: peer, need: need{cap: want}, thing: thing{object: object}})
}

func (s *Server) unpaired() error {
	return &fusion.Error{Op: "api", Path: s.node.Name(), Cause: fusion.ErrUnpaired, Hint: "pair the two computers first: hither pair"}
}

// wanted keeps what a computer was not granted as a request that the owner may answer:
// deeds and screens, as a page looks at much that nobody asked for. admin is given by no
// single click.
func (s *Server) wanted(a access, err error) {
	if a.peer == "" || a.need.quiet || !errors.Is(err, fusion.ErrPermission) {
		return
	}
	grants, _ := s.node.Grants(a.peer)
	want := a.need.cap
	if a.need.also != "" && a.held(grants, want) {
		want = a.need.also
	}
	if want == fusion.AdminCap {
		return
	}
	word := string(want)
	if _, err := fusion.ParseGrant(word + "@" + a.name); err == nil {
		word += "@" + a.name
	}
	s.node.Asks().Add(a.peer, s.node.HostName(a.peer), word, methodName(a.method))
}

// notGranted says no more of a thing than the caller did: it may not be there at all.
func (s *Server) notGranted(peer fusion.HostID, want fusion.Capability, name string) error {
	detail, grant := fmt.Sprintf("this computer was not granted %q", want), string(want)
	if _, err := fusion.ParseGrant(grant + "@" + name); err == nil {
		detail, grant = fmt.Sprintf("this computer was not granted %q for %s", want, name), grant+"@"+name
	}
	return &fusion.Error{Op: "api", Path: s.node.Name(), Cause: fusion.ErrPermission, Detail: detail,
		Hint: fmt.Sprintf("on %s: hither host grant %s +%s", s.node.Name(), s.node.HostName(peer), grant)}
}
