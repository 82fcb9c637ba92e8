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

// Text types by keysyms, for which the desktop finds keys.
func (d *devices) Text(text string) error {
	for _, r := range text {
		for _, down := range []bool{true, false} {
			if d.shared.devices&keyboard == 0 {
				return nil
			}
			if err := d.notify("KeyboardKeysym", int32(keysym(r)), state(down)); err != nil {
				return err
			}
		}
	}
	return nil
}

// keysym gives the keysym of a character (X11 protocol, appendix A).
func keysym(r rune) uint32 {
	switch {
	case r == '\n':
		return 0xff0d // Return
	case r == '\t':
		return 0xff09 // Tab
	case r >= 0x20 && r < 0x7f || r >= 0xa0 && r < 0x100:
		return uint32(r)
	}
	return 1<<24 | uint32(r)
}

// Close does nothing: the devices end with their session.
func (d *devices) Close() error { return nil }
