package vmctl

import (
	"context"
	"time"

	"hither/fusion"
)

// A serial console goes along with a machine that moves (docs/decisions/0026). At the
// source its viewers get all that the machine wrote there and then errMoved, with which
// they look for the machine. The destination has the console open before the machine
// goes on, so that what it writes until they come is in the backlog.

// errMoved ends the console of a machine that is another host's now. Its cause is that of
// a path that broke: a viewer looks for the machine after either.
var errMoved = &fusion.Error{Op: opConsole, Cause: fusion.ErrOffline, Detail: "the machine moved to another computer",
	Hint: "hither machine ls shows where it is"}

// errOnItsWay is a console that is not there while its machine moves.
var errOnItsWay = &fusion.Error{Op: opConsole, Cause: fusion.ErrBusy, Detail: onTheWay, Hint: "try again in a moment"}

// handover is how long the destination has a console open for viewers that are to come.
const handover = 30 * time.Second

// leaveConsole sends the viewers of a machine that is another host's now there, and says
// whether there are any.
func (s *Store) leaveConsole(uuid string) (watched bool) {
	s.consoles.mu.Lock()
	c := s.consoles.open[uuid]
	s.consoles.mu.Unlock()
	if c == nil {
		return false
	}
	c.goes.Do(func() { close(c.moved) })
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.viewers) > 0
}

// hasMoved says whether the machine is another host's now.
func (c *console) hasMoved() bool {
	select {
	case <-c.moved:
		return true
	default:
		return false
	}
}

// openTime bounds how long a machine that arrives waits for its console.
const openTime = time.Second

// receiveConsole opens the console of a machine that arrives, for those who looked at it
// where it was. Without it the machine goes on all the same, and they miss a part.
func (s *Store) receiveConsole(ctx context.Context, uuid, name string) {
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	term, err := s.joinConsole(ctx, uuid, name, true)
	if err != nil {
		s.config.Log.Warn("a console did not come along with its machine", "machine", name, "error", err)
		return
	}
	s.running.Go(func() {
		held := time.NewTimer(handover)
		defer held.Stop()
		select {
		case <-held.C:
		case <-s.ctx.Done():
		}
		_ = term.Close() // never fails
	})
}
