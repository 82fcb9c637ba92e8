package api

import (
	"context"

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

// may says whether the caller has a capability on everything here.
func (s *Server) may(ctx context.Context, want fusion.Capability) bool { return s.mayOn(ctx, want, "") }

// mayOn says whether the caller has a capability on an object of this computer.
func (s *Server) mayOn(ctx context.Context, want fusion.Capability, object string) bool {
	caller := callerOf(ctx)
	return caller.Owner || !caller.Anonymous && s.allowPeer(caller.Peer, want, object) == nil
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
