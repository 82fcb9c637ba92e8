package remoteapp

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"hither/fusion"
	"hither/remoteapp/x11"
)

// apart is the answer whether an app's windows are apart now, and were not
// before.
type apart struct {
	fresh bool
	err   error
}

// askApart lets the windows of an app lie side by side on its display, from now
// on. fresh is true the first time.
func (i *instance) askApart(ctx context.Context) (fresh bool, err error) {
	answer := make(chan apart, 1)
	select {
	case i.apart <- answer:
		a := <-answer
		return a.fresh, a.err
	case <-i.ended:
		return false, &fusion.Error{Cause: fusion.ErrNotFound, Hint: "the app has ended"}
	case <-ctx.Done():
		return false, ctx.Err()
	case <-i.store.ctx.Done():
		return false, &fusion.Error{Cause: fusion.ErrOffline, Detail: "the node is stopping"}
	}
}

// setApart is askApart in the loop.
func (i *instance) setApart() apart {
	if i.Windows {
		return apart{}
	}
	i.Windows = true
	if err := i.configure(); err != nil {
		i.Windows = false
		return apart{err: err}
	}
	i.Manager.Signal(unix.SIGUSR2) // openbox reads its configuration again
	clients, err := i.conn.Clients()
	if err != nil {
		return apart{err: err}
	}
	var failed error
	for _, c := range clients {
		failed = errors.Join(failed, i.conn.Unmaximise(c.Window))
	}
	return apart{true, errors.Join(failed, i.store.keep(i.record))}
}

// Windows opens the windows of an app's screen, one by one. From then on the
// display is not fitted to one of them any more, and they lie side by side. It
// promises ErrNotFound. Close ends it; the app goes on.
func (s *Store) Windows(ctx context.Context, screen string) (*Windows, error) {
	const op = "screen.open"
	i, err := s.find(op, screen)
	if err != nil {
		return nil, err
	}
	fresh, err := i.askApart(ctx)
	if err != nil {
		return nil, appError(op, screen, err)
	}
	conn, err := x11.Dial(ctx, i.display().Name, i.display().Xauthority)
	if err != nil {
		return nil, appError(op, screen, err)
	}
	w := &Windows{conn: conn, fresh: fresh, closed: make(chan struct{}), known: map[x11.Window]*known{}}
	if err := w.begin(); err != nil {
		return nil, appError(op, screen, errors.Join(err, conn.Close()))
	}
	return w, nil
}
