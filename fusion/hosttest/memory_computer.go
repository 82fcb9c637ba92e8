package hosttest

import (
	"context"
	"slices"

	"hither/fusion"
)

// SetResources makes the host say that it has r free.
func (m *Memory) SetResources(r fusion.Resources) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.resources = r
}

// Went gives the power verbs that were done, in their order; the host goes on.
func (m *Memory) Went() []fusion.Verb {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.went)
}

// Resources gives what SetResources set.
func (m *Memory) Resources(ctx context.Context) (fusion.Resources, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.resources, ctx.Err()
}

// SetRoles changes the roles and tells it.
func (m *Memory) SetRoles(ctx context.Context, add, remove []string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	roles, err := fusion.ChangeRoles(m.info.Roles, add, remove)
	if err != nil {
		return nil, err
	}
	m.info.Roles = roles
	info := m.info
	m.emit(fusion.Event{Kind: fusion.EventHost, Host: &info})
	return slices.Clone(roles), nil
}
