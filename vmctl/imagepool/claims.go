package imagepool

import "sync"

// Claims says what is in work, by kind and name: no two make or remove one thing at a time.
// All its methods may be called from many goroutines, and none waits.
type Claims struct {
	mu      sync.Mutex
	holders map[string]int // by kind and name
}

// alone is the number of holders of a claim that admits no other.
const alone = -1

// Take takes a name alone, for something that is being made or removed, until release.
func (c *Claims) Take(kind, name string) (release func(), ok bool) {
	return c.hold(kind+"/"+name, func(holders int) (int, bool) { return alone, holders == 0 })
}

// Share takes a name together with others that share it, until release, so that
// nobody takes it meanwhile.
func (c *Claims) Share(kind, name string) (release func(), ok bool) {
	return c.hold(kind+"/"+name, func(holders int) (int, bool) { return holders + 1, holders != alone })
}

func (c *Claims) hold(key string, next func(holders int) (int, bool)) (release func(), ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	holders, ok := next(c.holders[key])
	if !ok {
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
