package x11

import (
	"errors"
	"fmt"
	"io"
)

// Minor opcodes of RANDR 1.3 (randrproto.txt).
const (
	rrQueryVersion       = 0
	rrSetScreenSize      = 7
	rrGetScreenResources = 8
	rrCreateMode         = 16
	rrDestroyMode        = 17
	rrAddOutputMode      = 18
	rrDeleteOutputMode   = 19
	rrSetCrtcConfig      = 21
)

// resources are what RANDR knows of a display.
type resources struct {
	configTime     uint32
	crtcs, outputs []uint32
	modes          []mode
}

type mode struct {
	id            uint32
	width, height int
}

// Resize gives the display another size, up to the one it was started with. Its
// one monitor gets a mode of the same size, so that toolkits and the window
// manager agree with the root window.
func (c *Conn) Resize(width, height int) (err error) {
	if width < 1 || height < 1 || width > 32767 || height > 32767 {
		return fmt.Errorf("x11: size %dx%d", width, height)
	}
	c.call.Lock()
	defer c.call.Unlock()
	if err := c.openRandr(); err != nil {
		return err
	}
	// Clients see the change at once, not its steps.
	if err := c.send(opGrabServer, 0, nil, false); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.send(opUngrabServer, 0, nil, false)) }()
	res, err := c.resources()
	if err != nil {
		return err
	}
	if len(res.crtcs) == 0 || len(res.outputs) == 0 {
		return errors.New("x11: the display has no monitor")
	}
	target, err := c.findMode(res, width, height)
	if err != nil {
		return err
	}
	if err := c.setCrtc(res, 0); err != nil {
		return err
	}
	const dotsPerInch = 96
	size := uint32(height)<<16 | uint32(width)
	body := words(uint32(c.Root), size, uint32(width*254/dotsPerInch/10), uint32(height*254/dotsPerInch/10))
	if err := c.send(c.randr, rrSetScreenSize, body, false); err != nil {
		return err
	}
	if err := c.setCrtc(res, target); err != nil {
		return err
	}
	return c.forgetModes(res, target)
}

func (c *Conn) openRandr() error {
	if c.randr != 0 {
		return nil
	}
	const name = "RANDR"
	body := append(order.AppendUint16(nil, uint16(len(name))), 0, 0)
	reply, err := c.ask(opQueryExtension, 0, append(body, name...), 12)
	if err != nil {
		return err
	}
	if reply[8] == 0 {
		return errors.New("x11: the display has no RANDR extension")
	}
	c.randr = reply[9]
	_, err = c.ask(c.randr, rrQueryVersion, words[uint32](1, 3), 32)
	return err
}

func (c *Conn) resources() (resources, error) {
	reply, err := c.ask(c.randr, rrGetScreenResources, words(c.Root), 32)
	if err != nil {
		return resources{}, err
	}
	return parseResources(reply)
}

func parseResources(reply []byte) (resources, error) {
	if len(reply) < 32 {
		return resources{}, io.ErrUnexpectedEOF
	}
	r := resources{configTime: order.Uint32(reply[12:])}
	crtcs, outputs, modes := int(order.Uint16(reply[16:])), int(order.Uint16(reply[18:])), int(order.Uint16(reply[20:]))
	rest := reply[32:]
	if len(rest) < 4*crtcs+4*outputs+32*modes {
		return resources{}, io.ErrUnexpectedEOF
	}
	take := func(n int) (ids []uint32) {
		for range n {
			ids, rest = append(ids, order.Uint32(rest)), rest[4:]
		}
		return ids
	}
	r.crtcs, r.outputs = take(crtcs), take(outputs)
	for range modes {
		r.modes = append(r.modes, mode{order.Uint32(rest), int(order.Uint16(rest[4:])), int(order.Uint16(rest[6:]))})
		rest = rest[32:]
	}
	return r, nil
}

// findMode gives the mode of a size, and makes it if the monitor lacks it.
func (c *Conn) findMode(res resources, width, height int) (uint32, error) {
	for _, m := range res.modes {
		if m.width == width && m.height == height {
			return m.id, nil
		}
	}
	name := fmt.Sprintf("%dx%d", width, height)
	info := words(0, uint32(height)<<16|uint32(width), uint32(width*height*60))
	for _, n := range []int{width, width, width, 0, height, height, height, len(name), 0, 0} {
		info = order.AppendUint16(info, uint16(n))
	}
	body := append(append(words(c.Root), info...), name...)
	reply, err := c.ask(c.randr, rrCreateMode, body, 12)
	if err != nil {
		return 0, err
	}
	id := order.Uint32(reply[8:])
	return id, c.send(c.randr, rrAddOutputMode, words(res.outputs[0], id), false)
}

// setCrtc shows a mode on the monitor; mode 0 turns it off.
func (c *Conn) setCrtc(res resources, mode uint32) error {
	const rotate0 = 1
	body := words(res.crtcs[0], 0, res.configTime, 0, mode, rotate0)
	if mode != 0 {
		body = append(body, words(res.outputs[0])...)
	}
	reply, err := c.ask(c.randr, rrSetCrtcConfig, body, 12)
	if err == nil && reply[1] != 0 {
		err = fmt.Errorf("x11: the monitor refused a mode (status %d)", reply[1])
	}
	return err
}

// forgetModes drops the modes that earlier sizes made.
func (c *Conn) forgetModes(res resources, keep uint32) error {
	for _, m := range res.modes {
		if m.id == keep {
			continue
		}
		for _, request := range []struct {
			minor byte
			body  []byte
		}{{rrDeleteOutputMode, words(res.outputs[0], m.id)}, {rrDestroyMode, words(m.id)}} {
			if err := c.send(c.randr, request.minor, request.body, false); err != nil {
				return err // the server refuses to drop its own mode, which is as well
			}
		}
	}
	return nil
}
