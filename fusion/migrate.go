package fusion

import (
	"slices"
)

// MigrateOptions says how a machine moves. The zero value works.
type MigrateOptions struct {
	// Off moves a machine that runs while it is off: its guest is asked to shut down
	// first, and it is started at the other host.
	Off bool
}

// MigrateCheck is what is known of a move before it begins.
type MigrateCheck struct {
	// Bytes is what is to be copied, as far as is known: what its disks hold, and its
	// memory while it runs.
	Bytes int64 `json:"bytes"`
	// Obstacles are why it cannot move as it is; none: it can.
	Obstacles []Obstacle `json:"obstacles"`
}

// Obstacle is why a machine cannot move to a host as it is.
type Obstacle struct {
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
	// Live says that it is in the way of a machine that runs only: off, it can move.
	Live bool `json:"live,omitempty"`
}

// OnlyLive says whether the machine could move if it were off.
func (c MigrateCheck) OnlyLive() bool {
	return len(c.Obstacles) > 0 && !slices.ContainsFunc(c.Obstacles, func(o Obstacle) bool { return !o.Live })
}
