//go:build amd64 || arm64

package wlinput

import (
	"context"
	"errors"
	"time"
)

// Config says which screen a hand is for.
type Config struct {
	// X and Y are the corner of the screen in the compositor's layout, which
	// tells it from others.
	X, Y int
}

// Hand is a pointer and a keyboard. Its methods are called one at a time.
type Hand struct {
	conn     *conn
	pointer  object
	keyboard object
	maker    object // of keyboards
	seat     object
	layout   *layout
	held     modifiers // what the compositor was told of last
	turned   [2]int    // 1/120 notches down and across that made no step yet
	began    time.Time
}

// Open makes a pointer and a keyboard at $WAYLAND_DISPLAY. It promises
// ErrOffline where there is no compositor, and ErrUnsupported for one that lets
// no program do this. ctx bounds the connecting.
func Open(ctx context.Context, config Config) (*Hand, error) {
	c, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	h := &Hand{conn: c, began: time.Now()}
	if err := h.open(config); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

func (h *Hand) open(config Config) error {
	d, err := survey(h.conn)
	if err != nil {
		return err
	}
	if h.layout, err = openLayout(h.conn, d); err != nil {
		return err
	}
	if h.pointer, err = openPointer(h.conn, d, d.at(config.X, config.Y)); err != nil {
		return err
	}
	h.seat = d.seat
	if h.maker, err = d.bind(h.conn, keyboardInterface, 0, 1); err != nil {
		return err
	}
	if h.keyboard, err = h.makeKeyboard(h.layout.text); err != nil {
		return err
	}
	return h.conn.roundTrip(func(event) {})
}

// openPointer makes a pointer for a screen, or for all of them if there is no
// telling which.
func openPointer(c *conn, d *desk, output object) (object, error) {
	manager, err := d.bind(c, pointerInterface, 0, 2)
	if err != nil {
		return 0, err
	}
	pointer := c.name()
	if d.globals[pointerInterface][0].version < 2 || output == 0 {
		return pointer, c.send(-1, write(manager, 0, d.seat, pointer)) // create_virtual_pointer
	}
	return pointer, c.send(-1, write(manager, 2, d.seat, output, pointer)) // create_virtual_pointer_with_output
}

// makeKeyboard makes a keyboard with a keymap.
func (h *Hand) makeKeyboard(keymap string) (_ object, err error) {
	keyboard := h.conn.name()
	if err := h.conn.send(-1, write(h.maker, 0, h.seat, keyboard)); err != nil { // create_virtual_keyboard
		return 0, err
	}
	file, err := memory(keymap)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	const xkb = 1
	return keyboard, h.conn.send(int(file.Fd()), write(keyboard, 0, uint32(xkb), uint32(len(keymap)+1))) // keymap
}

// now is the time of an event, in ms.
func (h *Hand) now() uint32 { return uint32(time.Since(h.began).Milliseconds()) }

// give sends requests and reads what came meanwhile.
func (h *Hand) give(requests ...[]byte) error {
	return errors.Join(h.conn.send(-1, requests...), h.conn.drain())
}

func state(down bool) uint32 {
	if down {
		return 1
	}
	return 0
}

// Key presses or releases a key, by its evdev code.
func (h *Hand) Key(code uint16, down bool) error {
	requests := [][]byte{write(h.keyboard, 1, h.now(), uint32(code), state(down))}
	if m := h.layout.press(code, down); m != h.held {
		h.held = m
		requests = append(requests, write(h.keyboard, 2, m.depressed, m.latched, m.locked, m.group))
	}
	return h.give(requests...)
}

// Requests of zwlr_virtual_pointer_v1.
const (
	motion         = 0
	motionAbsolute = 1
	button         = 2
	axis           = 3
	frame          = 4
	axisSource     = 5
	axisDiscrete   = 7
)

// Point puts the pointer to a place of a picture of this size.
func (h *Hand) Point(x, y, width, height int) error {
	return h.give(write(h.pointer, motionAbsolute, h.now(), uint32(x), uint32(y), uint32(width), uint32(height)),
		write(h.pointer, frame))
}

// Nudge moves the pointer by a pixel and back, so that the compositor draws.
func (h *Hand) Nudge() error {
	const pixel = int32(256) // in 24.8 fixed point
	return h.give(write(h.pointer, motion, h.now(), pixel, int32(0)), write(h.pointer, frame),
		write(h.pointer, motion, h.now(), -pixel, int32(0)), write(h.pointer, frame))
}

// Button presses or releases a button, by its evdev code.
func (h *Hand) Button(code uint16, down bool) error {
	return h.give(write(h.pointer, button, h.now(), uint32(code), state(down)), write(h.pointer, frame))
}

// Wheel turns by 1/120 notches, positive right and down.
func (h *Hand) Wheel(dx, dy int) error {
	const wheel = 0
	requests := [][]byte{write(h.pointer, axisSource, uint32(wheel))}
	for i, turn := range [2]int{dy, dx} { // Wayland's axes: 0 is down, 1 across
		h.turned[i] += turn
		steps := h.turned[i] / 120
		h.turned[i] -= steps * 120
		length := int32(turn * 15 * 256 / 120) // of a notch: 15 units, in 24.8 fixed point
		switch {
		case steps != 0:
			requests = append(requests, write(h.pointer, axisDiscrete, h.now(), uint32(i), length, int32(steps)))
		case turn != 0:
			requests = append(requests, write(h.pointer, axis, h.now(), uint32(i), length))
		}
	}
	return h.give(append(requests, write(h.pointer, frame))...)
}

// Close takes the pointer and the keyboard away.
func (h *Hand) Close() error {
	if h.layout != nil {
		h.layout.close()
	}
	return h.conn.end()
}
