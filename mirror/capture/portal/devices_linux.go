//go:build amd64 || arm64

package portal

import "github.com/godbus/dbus/v5"

// devices is the pointer and the keyboard of a RemoteDesktop session. Its calls
// wait for no answer: D-Bus keeps their order.
type devices struct {
	shared *shared
	turned [2]int // 1/120 notches across and down that made no step yet
}

func (d *devices) notify(what string, args ...any) error {
	args = append([]any{d.shared.path, vardict{}}, args...)
	return d.shared.bus.desktop.Call(remoteDesktop+".Notify"+what, dbus.FlagNoReplyExpected, args...).Err
}

func state(down bool) uint32 {
	if down {
		return 1
	}
	return 0
}

func (d *devices) Key(code uint16, down bool) error {
	if d.shared.devices&keyboard == 0 {
		return nil
	}
	return d.notify("KeyboardKeycode", int32(code), state(down))
}

// Point turns pixels into the units that the compositor lays its screens out
// in, which are larger on a screen of high density.
func (d *devices) Point(x, y, width, height int) error {
	if d.shared.devices&pointer == 0 {
		return nil
	}
	w, h, ok := d.shared.stream.place("size")
	if !ok {
		w, h = width, height
	}
	fx, fy := float64(x)*float64(w)/float64(width), float64(y)*float64(h)/float64(height)
	return d.notify("PointerMotionAbsolute", d.shared.stream.Node, fx, fy)
}

func (d *devices) Button(code uint16, down bool) error {
	if d.shared.devices&pointer == 0 {
		return nil
	}
	return d.notify("PointerButton", int32(code), state(down))
}

func (d *devices) Wheel(dx, dy int) error {
	const down, across = 0, 1 // the portal's axes
	for axis, turn := range [2]int{down: dy, across: dx} {
		d.turned[axis] += turn
		steps := d.turned[axis] / 120
		if steps == 0 || d.shared.devices&pointer == 0 {
			continue
		}
		d.turned[axis] -= steps * 120
		if err := d.notify("PointerAxisDiscrete", uint32(axis), int32(steps)); err != nil {
			return err
		}
	}
	return nil
}

// Close does nothing: the devices end with their session.
func (d *devices) Close() error { return nil }
