package surface

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"hither/fusion"
)

// TestReopenEnds: what waiting does not mend ends the view with its own error:
// a lost permission at once, a machine that is not there once its host has had
// time to settle.
func TestReopenEnds(t *testing.T) {
	for _, tc := range []struct {
		cause   error
		settles bool
	}{
		{fusion.ErrPermission, false}, {fusion.ErrUnpaired, false},
		{fusion.ErrNotFound, true}, {fusion.ErrInvalid, true}, {fusion.ErrUnsupported, true},
	} {
		t.Run(tc.cause.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				want := &fusion.Error{Op: "screen.view", Path: "nas/win11", Cause: tc.cause, Hint: "do something"}
				tries := 0
				cfg := Config{Reopen: func(context.Context) (fusion.Pipe, error) {
					if tries++; tries == 1 {
						return nil, fusion.ErrOffline
					}
					return nil, want
				}}.withDefaults()
				began := time.Now()
				_, _, err := cfg.reopen(t.Context())
				if !errors.Is(err, tc.cause) || fusion.Hint(err) != want.Hint {
					t.Errorf("after %d tries: %v", tries, err)
				}
				if took := time.Since(began); (took > settleTime) != tc.settles || took > 2*settleTime {
					t.Errorf("it ended after %v", took)
				}
			})
		})
	}
}

// TestReopenWaitsForAHostToSettle: a host that came back may not know its
// machines at first.
func TestReopenWaitsForAHostToSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		cfg := Config{Reopen: func(context.Context) (fusion.Pipe, error) {
			if time.Since(began) < settleTime/2 {
				return nil, fusion.ErrNotFound
			}
			return nil, fusion.ErrPermission // it answers in earnest now
		}}.withDefaults()
		if _, _, err := cfg.reopen(t.Context()); !errors.Is(err, fusion.ErrPermission) {
			t.Errorf("the first answer counted: %v", err)
		}
	})
}
