package capture

import (
	"cmp"
	"context"
	"errors"
	"image"
	"io"
	"os"
)

// X11Monitors gives the active monitors of a display: the primary one first,
// then from the left to the right. Of several that show the same it gives one.
// It promises what X11 does. ctx bounds the whole call.
func X11Monitors(ctx context.Context, config X11Config) ([]Monitor, error) {
	display := cmp.Or(config.Display, os.Getenv("DISPLAY"))
	conn, err := dialX(ctx, display, config.Xauthority)
	if err != nil {
		return nil, err
	}
	defer conn.conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.conn.Close() }) // ends what waits for a reply
	defer stop()
	r, err := openRandr(conn)
	if err != nil {
		return nil, wrapX(display, err)
	}
	all, err := r.monitors()
	if err != nil {
		return nil, wrapX(display, errors.Join(context.Cause(ctx), err))
	}
	return arranged(all), nil
}

// xrandr asks RANDR for the layout of monitors, over a capture's connection.
type xrandr struct {
	conn *xconn
	xextension
	lists bool // it has GetMonitors (1.5)
}

func openRandr(conn *xconn) (xrandr, error) {
	version := words(1, 5)
	e, err := conn.extension("RANDR", version)
	if err != nil {
		return xrandr{}, err
	}
	b, err := conn.call(e.major, 0, version)
	if err != nil {
		return xrandr{}, err
	}
	major, minor := le.Uint32(b[8:]), le.Uint32(b[12:])
	return xrandr{conn, e, major > 1 || major == 1 && minor >= 5}, nil
}

// follow asks for an event when the layout changes; a ConfigureNotify of the
// root window comes too.
func (r xrandr) follow() {
	const screenChange, crtcChange, outputChange = 1, 2, 4
	r.conn.request(r.major, 4, words(r.conn.screen.root, screenChange|crtcChange|outputChange)) // SelectInput
}

// told says whether an event is RANDR's: ScreenChangeNotify or Notify.
func (r xrandr) told(kind byte) bool { return kind == r.event || kind == r.event+1 }

// monitors gives the active monitors that show something of the display, in
// RANDR's order.
func (r xrandr) monitors() ([]Monitor, error) {
	b, err := r.conn.call(14, 0, words(r.conn.screen.root)) // GetGeometry
	if err != nil {
		return nil, err
	}
	root := image.Rect(0, 0, int(le.Uint16(b[16:])), int(le.Uint16(b[18:])))
	ask := r.crtcs
	if r.lists {
		ask = r.list
	}
	all, err := ask()
	if err != nil {
		return nil, err
	}
	var shown []Monitor
	for _, m := range all {
		if m.Area = m.Area.Intersect(root); !m.Area.Empty() {
			shown = append(shown, m)
		}
	}
	return namedMonitors(shown), nil
}

// list asks for the monitors as RANDR 1.5 knows them.
func (r xrandr) list() ([]Monitor, error) {
	const active = 1
	b, err := r.conn.call(r.major, 42, words(r.conn.screen.root, active)) // GetMonitors
	if err != nil {
		return nil, err
	}
	atoms, whole := parseMonitors(b)
	if !whole {
		return nil, io.ErrUnexpectedEOF
	}
	var all []Monitor
	for _, m := range atoms {
		if m.Name, err = r.conn.atomName(m.name); err != nil {
			return nil, err
		}
		all = append(all, m.Monitor)
	}
	return all, nil
}

// crtcs makes monitors of what RANDR 1.3 knows: a CRTC that shows something is
// one, with the name of its first output.
func (r xrandr) crtcs() ([]Monitor, error) {
	o, err := r.conn.outputs(r.xextension)
	if err != nil {
		return nil, err
	}
	b, err := r.conn.call(r.major, 31, words(r.conn.screen.root)) // GetOutputPrimary
	if err != nil {
		return nil, err
	}
	primary := le.Uint32(b[8:])
	var all []Monitor
	for _, crtc := range o.crtcs {
		b, err := r.conn.call(r.major, 20, words(crtc, o.configTime)) // GetCrtcInfo
		if err != nil {
			return nil, err
		}
		if mode, outputs := le.Uint32(b[20:]), le.Uint16(b[28:]); mode == 0 || outputs == 0 || len(b) < 36 {
			continue
		}
		output := le.Uint32(b[32:])
		name, err := r.outputName(output, o.configTime)
		if err != nil {
			return nil, err
		}
		all = append(all, Monitor{Name: name, Area: xrect(b[12:]), Primary: output == primary})
	}
	return all, nil
}

func (r xrandr) outputName(output, configTime uint32) (string, error) {
	b, err := r.conn.call(r.major, 9, words(output, configTime)) // GetOutputInfo
	if err != nil {
		return "", err
	}
	word := func(at int) int { return int(le.Uint16(b[at:])) }
	at := 36
	if len(b) >= at {
		at += 4 * (word(26) + word(28) + word(32)) // CRTCs, modes and clones
	}
	if len(b) < at || len(b) < at+word(34) {
		return "", io.ErrUnexpectedEOF
	}
	return string(b[at : at+word(34)]), nil
}
