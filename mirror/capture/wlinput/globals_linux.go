//go:build amd64 || arm64

package wlinput

import (
	"hither/fusion"
)

// Interfaces of what is used.
const (
	seatInterface     = "wl_seat"
	outputInterface   = "wl_output"
	placesInterface   = "zxdg_output_manager_v1"
	pointerInterface  = "zwlr_virtual_pointer_manager_v1"
	keyboardInterface = "zwp_virtual_keyboard_manager_v1"
)

// global is something that the compositor offers.
type global struct {
	name, version uint32
}

// desk is what a compositor has that is needed here.
type desk struct {
	registry object
	globals  map[string][]global
	seat     object
	keyboard bool // the seat has one
	outputs  map[object]place
}

// place is where the compositor has put a screen.
type place struct {
	output object
	x, y   int
	known  bool
}

// survey asks what there is.
func survey(c *conn) (*desk, error) {
	d := &desk{registry: c.name(), globals: map[string][]global{}, outputs: map[object]place{}}
	if err := c.send(-1, write(display, 1, d.registry)); err != nil { // wl_display.get_registry
		return nil, err
	}
	if err := c.roundTrip(d.global); err != nil {
		return nil, err
	}
	for _, needed := range []string{seatInterface, pointerInterface, keyboardInterface} {
		if len(d.globals[needed]) == 0 {
			return nil, failed(fusion.ErrUnsupported, "the compositor lacks "+needed+", and the session a portal for input",
				"install the portal of your desktop (xdg-desktop-portal-gnome or -kde), and log in again")
		}
	}
	return d, d.look(c)
}

// global is wl_registry.global.
func (d *desk) global(e event) {
	if e.from != d.registry || e.code != 0 {
		return
	}
	name, kind := e.number(), e.text()
	d.globals[kind] = append(d.globals[kind], global{name, e.number()})
}

// bind makes an object of a global, of a version that is not above most.
func (d *desk) bind(c *conn, kind string, nth int, most uint32) (object, error) {
	g, o := d.globals[kind][nth], c.name()
	return o, c.send(-1, write(d.registry, 0, g.name, kind, min(g.version, most), o))
}

// look asks what the seat has and where the screens are.
func (d *desk) look(c *conn) (err error) {
	if d.seat, err = d.bind(c, seatInterface, 0, 3); err != nil {
		return err
	}
	var places object
	if len(d.globals[placesInterface]) > 0 {
		if places, err = d.bind(c, placesInterface, 0, 2); err != nil {
			return err
		}
	}
	for i := range d.globals[outputInterface] {
		output, err := d.bind(c, outputInterface, i, 1)
		if err != nil {
			return err
		}
		where := c.name() // xdg_output, or a number that says nothing
		d.outputs[where] = place{output: output}
		if places != 0 {
			if err := c.send(-1, write(places, 1, where, output)); err != nil { // get_xdg_output
				return err
			}
		}
	}
	return c.roundTrip(d.told)
}

func (d *desk) told(e event) {
	if e.from == d.seat && e.code == 0 { // wl_seat.capabilities
		const keyboard = 2
		d.keyboard = e.number()&keyboard != 0
	}
	if p, ok := d.outputs[e.from]; ok && e.code == 0 { // zxdg_output_v1.logical_position
		p.x, p.y, p.known = int(int32(e.number())), int(int32(e.number())), true
		d.outputs[e.from] = p
	}
}

// at gives the screen whose corner lies there, or the only one; 0 is none.
func (d *desk) at(x, y int) object {
	for _, p := range d.outputs {
		if len(d.outputs) == 1 || p.known && p.x == x && p.y == y {
			return p.output
		}
	}
	return 0
}
