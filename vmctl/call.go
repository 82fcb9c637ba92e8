package vmctl

import "context"

// call runs fn on the connection. When ctx ends first, call returns its error
// and fn goes on alone; its late result is given to drop (which may be nil).
// A connection whose other end hangs is closed by keepalive, which ends fn.
func call[T any](ctx context.Context, s *Store, fn func(driver) (T, error), drop func(T)) (T, error) {
	var none T
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return none, ctx.Err()
	}
	s.mu.Lock()
	conn, calls, why := s.conn, s.calls, s.why
	if conn != nil {
		s.running.Add(1)
		calls.Add(1)
	}
	s.mu.Unlock()
	if conn == nil {
		<-s.slots
		return none, why
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result)
	go func() {
		defer s.running.Done()
		value, err := fn(conn)
		calls.Done()
		<-s.slots
		select {
		case done <- result{value, err}:
		case <-ctx.Done():
			if err == nil && drop != nil {
				drop(value)
			}
		}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// do is call for what gives only an error.
func (s *Store) do(ctx context.Context, fn func(driver) error) error {
	_, err := call(ctx, s, func(d driver) (struct{}, error) { return struct{}{}, fn(d) }, nil)
	return err
}
