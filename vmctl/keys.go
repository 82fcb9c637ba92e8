package vmctl

import (
	"context"
	"fmt"
	"time"

	"hither/fusion"
)

// keysDriver is what typing on a machine without a VNC display needs of a hypervisor.
type keysDriver interface {
	// sendKeys presses keys (evdev codes) together and lets them go after hold.
	sendKeys(uuid string, keys []uint16, hold time.Duration) error
}

const (
	// keyHold is shorter than a person strikes a key, so that a fast one is not slowed.
	keyHold = 30 * time.Millisecond
	// mostKeys is VIR_DOMAIN_SEND_KEY_MAX_KEYS.
	mostKeys = 16
)

// SendKeys presses keys (evdev codes) of a machine together and lets them go: the only way
// to one without a VNC display. It promises ErrNotFound, and ErrInvalid when the machine is
// off.
func (s *Store) SendKeys(ctx context.Context, name string, keys []uint16) error {
	const op = "screen.keys"
	if len(keys) == 0 || len(keys) > mostKeys {
		return invalid(op, name, fmt.Sprintf("%d keys at once", len(keys)), fmt.Sprintf("strike 1 to %d", mostKeys))
	}
	r, err := s.shown(ctx, op, name)
	if err != nil {
		return err
	}
	s.config.Log.Debug("keys struck", "machine", name, "count", len(keys), "trace", fusion.Trace(ctx))
	return fail(op, name, s.do(ctx, func(d driver) error { return d.sendKeys(r.uuid, keys, keyHold) }))
}
