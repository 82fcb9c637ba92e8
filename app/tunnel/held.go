package tunnel

import (
	"fmt"
	"sync"

	"hither/fusion"
)

// held is where this computer listens for others, of one kind. A door's Close ends it and
// waits for that.
type held[D interface {
	comparable
	Close()
}] struct {
	mu  sync.Mutex // guards the field below
	all map[doorKey]D
}

type doorKey struct {
	from   fusion.HostID
	tunnel string
}

// maxDoors bounds the doors of one kind for one host.
const maxDoors = 256

func (h *held[D]) init() { h.all = map[doorKey]D{} }

// takeOver ends the door of a tunnel that is asked for again.
func (h *held[D]) takeOver(key doorKey) {
	h.mu.Lock()
	old, there := h.all[key]
	h.mu.Unlock()
	if there {
		old.Close()
	}
}

// enter adds a door. It promises ErrBusy when its host has too many.
func (h *held[D]) enter(key doorKey, door D) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	count := 0
	for other := range h.all {
		if other.from == key.from {
			count++
		}
	}
	if count >= maxDoors {
		return &fusion.Error{Op: "tunnel", Cause: fusion.ErrBusy, Detail: fmt.Sprintf("that computer listens here on %d ports already", maxDoors), Hint: "remove some of its tunnels"}
	}
	h.all[key] = door
	return nil
}

// leave removes a door, unless another has taken its place.
func (h *held[D]) leave(key doorKey, door D) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all[key] == door {
		delete(h.all, key)
	}
}

// where gives the doors whose keys are wanted.
func (h *held[D]) where(wanted func(doorKey) bool) (doors []D) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key, door := range h.all {
		if wanted(key) {
			doors = append(doors, door)
		}
	}
	return doors
}
