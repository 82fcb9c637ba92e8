package app

import (
	"context"
	"slices"
	"sync"

	"hither/fusion"
)

// roles is what this computer is for, in roles.json.
type roles struct {
	path string

	mu  sync.Mutex // guards now; held while writing
	now []string
}

// openRoles reads the file; words of another release are dropped.
func openRoles(path string) (*roles, error) {
	r := &roles{path: path}
	var kept []string
	if err := readJSON(path, &kept); err != nil {
		return nil, &fusion.Error{Op: "node", Path: path, Cause: fusion.ErrInvalid, Detail: err.Error(),
			Hint: "mend or remove the file; it holds the roles of this computer only"}
	}
	kept = slices.DeleteFunc(kept, func(role string) bool { return !slices.Contains(fusion.Roles, role) })
	var err error
	r.now, err = fusion.ChangeRoles(kept, nil, nil)
	return r, err
}

func (r *roles) get() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.now)
}

// change changes the roles on disk, then here.
func (r *roles) change(add, remove []string) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next, err := fusion.ChangeRoles(r.now, add, remove)
	if err != nil || slices.Equal(next, r.now) {
		return next, err
	}
	if err := writeJSON(r.path, next); err != nil {
		return nil, &fusion.Error{Op: "host.role", Path: r.path, Cause: err, Hint: "make room on the disk; nothing was changed"}
	}
	r.now = next
	return slices.Clone(next), nil
}

// SetRoles is fusion.Computer of this computer; the others hear of it.
func (l *local) SetRoles(ctx context.Context, add, remove []string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	now, err := l.n.roles.change(add, remove)
	if err == nil {
		l.n.network.SetRouter(slices.Contains(now, fusion.RouterRole))
		l.n.tellSelf()
	}
	return now, err
}

// Resources is fusion.Computer of this computer.
func (l *local) Resources(ctx context.Context) (fusion.Resources, error) {
	return l.n.vms.Resources(ctx)
}
