package vmctl

// alone is the number of holders of a claim that admits no other.
const alone = -1

// claim takes a name alone, for something that is being made or removed, until
// release. It never waits.
func (s *Store) claim(kind, name string) (release func(), ok bool) {
	return s.take(kind+"/"+name, func(holders int) (int, bool) { return alone, holders == 0 })
}

// share takes a name together with others that share it, until release, so that
// nobody claims it meanwhile. It never waits either.
func (s *Store) share(kind, name string) (release func(), ok bool) {
	return s.take(kind+"/"+name, func(holders int) (int, bool) { return holders + 1, holders != alone })
}

func (s *Store) take(key string, next func(holders int) (int, bool)) (release func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	holders, ok := next(s.claims[key])
	if !ok {
		return nil, false
	}
	s.claims[key] = holders
	return func() { s.letGo(key) }, true
}

func (s *Store) letGo(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.claims[key] > 1 {
		s.claims[key]--
		return
	}
	delete(s.claims, key)
}
