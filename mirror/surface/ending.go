package surface

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"hither/fusion"
	"hither/mirror/wire"
)

var (
	errBye      = errors.New("the window was closed")
	errLost     = errors.New("the connection was lost")
	errFinished = errors.New("the source ended")
)

// finish turns what ended the view into what Run promises.
func finish(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	switch {
	case errors.Is(err, errBye), errors.Is(err, errFinished):
		return nil
	case errors.Is(err, errLost):
		return opError(fusion.ErrOffline, err.Error(), "see if the host is on and reachable: hither status")
	}
	return err
}

// closedError is what the host's last message means for Run.
func closedError(m wire.Closed) error {
	switch m.Reason {
	case wire.Ended:
		return errFinished
	case wire.Revoked:
		return opError(fusion.ErrPermission, plainTitle(m.Text), "ask the host's owner to grant control again")
	}
	detail, hint, _ := strings.Cut(m.Text, "\n")
	return &fusion.Error{Op: "screen.view", Cause: errors.New("the host cannot show this screen any more"),
		Detail: plainTitle(detail), Hint: cmp.Or(plainTitle(hint), "open the screen again")}
}
