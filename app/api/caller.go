package api

import (
	"context"
	"fmt"
	"slices"

	"hither/fusion"
)

// Caller is who makes a request.
type Caller struct {
	// Owner is true for the owner's own programs on this computer.
	Owner bool
	// Peer is the key of another computer; it is set when Owner is not.
	Peer fusion.HostID
	// Anonymous callers showed neither credentials nor a token.
	Anonymous bool
}

type callerKey struct{}

func withCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// callerOf gives who calls; a context without one is anonymous.
func callerOf(ctx context.Context) Caller {
	c, ok := ctx.Value(callerKey{}).(Caller)
	if !ok {
		return Caller{Anonymous: true}
	}
	return c
}

// allow checks one row of the method table.
func (s *Server) allow(ctx context.Context, method string) error {
	n, known := methods[method]
	caller := callerOf(ctx)
	switch {
	case !known:
		return &fusion.Error{Op: "api", Path: method, Cause: fusion.ErrUnsupported,
			Hint: "update Hither on " + s.node.Name()}
	case n.open || caller.Owner:
		return nil
	case caller.Anonymous:
		return &fusion.Error{Op: "api", Cause: fusion.ErrUnpaired, Detail: "no valid token came with the request",
			Hint: "open the page with: hither web"}
	case n.cap == "":
		return &fusion.Error{Op: "api", Path: s.node.Name(), Cause: fusion.ErrPermission,
			Detail: "only the owner at that computer may do this", Hint: "do it on " + s.node.Name() + " itself"}
	}
	if err := s.allowPeer(caller.Peer, n.cap); err != nil || n.also == "" {
		return err
	}
	return s.allowPeer(caller.Peer, n.also)
}

// allowPeer checks what another computer's key was granted.
func (s *Server) allowPeer(peer fusion.HostID, want fusion.Capability) error {
	grants, paired := s.node.Grants(peer)
	switch {
	case !paired:
		return &fusion.Error{Op: "api", Path: s.node.Name(), Cause: fusion.ErrUnpaired,
			Hint: "pair the two computers first: hither pair"}
	case !fusion.Allows(grants, want) && !impliedBy(grants, want):
		return &fusion.Error{Op: "api", Path: s.node.Name(), Cause: fusion.ErrPermission,
			Detail: fmt.Sprintf("this computer was not granted %q", want),
			Hint:   fmt.Sprintf("on %s: hither host grant %s +%s", s.node.Name(), s.node.HostName(peer), want)}
	}
	return nil
}

// impliedBy says whether want comes with another grant: whoever may control,
// launch or create may also see.
func impliedBy(grants []fusion.Capability, want fusion.Capability) bool {
	if want != fusion.ViewCap {
		return false
	}
	return slices.ContainsFunc(grants, func(c fusion.Capability) bool {
		return c == fusion.ControlCap || c == fusion.MachinesCap || c == fusion.AppsCap
	})
}

// may says whether the caller has a capability here.
func (s *Server) may(ctx context.Context, want fusion.Capability) bool {
	caller := callerOf(ctx)
	return caller.Owner || !caller.Anonymous && s.allowPeer(caller.Peer, want) == nil
}

// resolve gives the host that a request names, as its caller may reach it.
func (s *Server) resolve(ctx context.Context, name string) (fusion.Host, fusion.HostInfo, error) {
	host, info, err := s.node.Resolve(name)
	if err != nil {
		return nil, info, err
	}
	if !info.Local && !callerOf(ctx).Owner {
		return nil, info, &fusion.Error{Op: "api", Path: name, Cause: fusion.ErrPermission,
			Detail: "requests are not passed on for another computer", Hint: "pair with that computer itself"}
	}
	return host, info, nil
}
