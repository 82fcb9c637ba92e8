package api

import (
	"context"
	"strings"

	"hither/fusion"
)

// grants reads the words of grants, as a person says them, for a paired computer or one
// that is to be paired (""); none means everything. Machines are named as they are called
// now, and kept by their UUIDs.
func (s *Server) grants(ctx context.Context, peer fusion.HostID, words []string) ([]fusion.Grant, error) {
	if len(words) == 0 {
		return fusion.Whole(fusion.AdminCap), nil
	}
	present, _ := s.node.Grants(peer)
	var out []fusion.Grant
	for _, word := range words {
		g, err := fusion.ParseGrant(word)
		if err == nil {
			g, err = s.bind(ctx, g, present)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	return out, nil
}

// bind puts what an object is in place of what it is called. What the computer has been
// granted already stays as it is, also of a machine that is gone.
func (s *Server) bind(ctx context.Context, g fusion.Grant, present []fusion.Grant) (fusion.Grant, error) {
	for _, p := range present {
		if g.Object != "" && p.Cap == g.Cap && (p.Object == g.Object || s.node.Shown(p).Object == g.Object) {
			g.Object = p.Object
			return g, nil
		}
	}
	host, _, err := s.node.Resolve("")
	if err != nil || g.Object == "" {
		return g, err
	}
	if g.Cap == fusion.FilesCap {
		_, err := host.Folders().Get(ctx, g.Object)
		return g, err
	}
	if g.Cap == fusion.TunnelCap && strings.Contains(g.Object, ":") {
		return g, nil // an address is one whoever has it
	}
	machine, app, isApp := strings.Cut(g.Object, "/")
	m, err := s.machineOf(ctx, host, machine)
	if err != nil {
		return g, err
	}
	if g.Object = objectOf(m, nil); g.Object == noObject {
		return g, &fusion.Error{Op: "host.grant", Path: machine, Cause: fusion.ErrUnsupported, Detail: "the machine has no UUID that a grant could name",
			Hint: "grant the capability as a whole"}
	}
	if isApp {
		g.Object += "/" + app
	}
	return g, nil
}

// machineOf finds a machine by what it is called, else by its UUID.
func (s *Server) machineOf(ctx context.Context, host fusion.Host, nameOrUUID string) (fusion.Machine, error) {
	m, err := host.Machines().Get(ctx, nameOrUUID)
	if err == nil {
		return m, nil
	}
	list, lerr := host.Machines().List(ctx)
	if lerr != nil {
		return m, lerr
	}
	for _, m := range list {
		if m.UUID == nameOrUUID {
			return m, nil
		}
	}
	return m, err
}
