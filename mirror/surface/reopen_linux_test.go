package surface

import (
	"context"
	"errors"
	"testing"

	"hither/fusion"
)

// TestReopenEnds: what waiting does not mend ends the view with its own error,
// after what may pass was waited for.
func TestReopenEnds(t *testing.T) {
	for _, cause := range []error{fusion.ErrPermission, fusion.ErrUnpaired, fusion.ErrNotFound, fusion.ErrInvalid, fusion.ErrUnsupported} {
		t.Run(cause.Error(), func(t *testing.T) {
			t.Parallel()
			want := &fusion.Error{Op: "screen.view", Path: "nas/win11", Cause: cause, Hint: "do something"}
			tries := 0
			v := &view{cfg: Config{Reopen: func(context.Context) (fusion.Pipe, error) {
				if tries++; tries == 1 {
					return nil, fusion.ErrOffline
				}
				return nil, want
			}}.withDefaults()}
			_, _, err := v.reopen(t.Context())
			if tries != 2 || !errors.Is(err, cause) || fusion.Hint(err) != want.Hint {
				t.Errorf("after %d tries: %v", tries, err)
			}
		})
	}
}
