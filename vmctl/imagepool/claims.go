package imagepool

import (
	"slices"
	"strings"
	"sync"
)

// Claims says what is in work, by kind and name: no two make or remove one thing at a time.
// All its methods may be called from many goroutines, and none waits.
type Claims struct {
	mu      sync.Mutex     // guards the fields below
	holders map[string]int // by kind and name
	whole   []string       // kinds of which all names are taken
}

// alone is the number of holders of a claim that admits no other.
const alone = -1

// Take takes a name alone, for something that is being made or removed, until release.
func (c *Claims) Take(kind, name string) (release func(), ok bool) {
	return c.hold(kind, name, func(holders int) (int, bool) { return alone, holders == 0 })
}

// Share takes a name together with others that share it, until release, so that
// nobody takes it meanwhile.
func (c *Claims) Share(kind, name string) (release func(), ok bool) {
	return c.hold(kind, name, func(holders int) (int, bool) { return holders + 1, holders != alone })
}

// All takes every name of some kinds alone, if nobody has any of them, until release.
func (c *Claims) All(kinds ...string) (release func(), ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range c.holders {
		if kind, _, _ := strings.Cut(key, "/"); slices.Contains(kinds, kind) {
			return nil, false
		}
	}
	if slices.ContainsFunc(kinds, func(kind string) bool { return slices.Contains(c.whole, kind) }) {
		return nil, false
	}
	c.whole = append(c.whole, kinds...)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.whole = slices.DeleteFunc(c.whole, func(kind string) bool { return slices.Contains(kinds, kind) })
	}, true
}

func (c *Claims) hold(kind, name string, next func(holders int) (int, bool)) (release func(), ok bool) {
	key := kind + "/" + name
	c.mu.Lock()
	defer c.mu.Unlock()
	holders, ok := next(c.holders[key])
	if !ok || slices.Contains(c.whole, kind) {
		return nil, false
	}
	if c.holders == nil {
		c.holders = map[string]int{}
	}
	c.holders[key] = holders
	return func() { c.letGo(key) }, true
}

func (c *Claims) letGo(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.holders[key] > 1 {
		c.holders[key]--
		return
	}
	delete(c.holders, key)
}
