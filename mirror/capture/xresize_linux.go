package capture

import (
	"fmt"
	"slices"

	"hither/fusion"
)

// xoutputs is what RANDR says of a display.
type xoutputs struct {
	time, configTime uint32
	crtcs, outputs   []uint32
	modes            []byte // 32 bytes each
}

func (s *x11) Resize(width, height int) error {
	in := s.input
	if !in.resizable {
		return failed("screen.resize", "", fusion.ErrUnsupported, "this display has a size of its own", "")
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.resize(width, height); err != nil {
		return failed("screen.resize", "", err, "", "")
	}
	return nil
}

// resize gives the first output a mode of this size, within what the server
// can be: Xvfb is never larger than it began.
func (in *xinput) resize(width, height int) error {
	root := in.conn.screen.root
	b, err := in.conn.call(in.randr.major, 6, words(root)) // GetScreenSizeRange
	if err != nil {
		return err
	}
	width = min(max(width, int(le.Uint16(b[8:])), 1), int(le.Uint16(b[12:])))
	height = min(max(height, int(le.Uint16(b[10:])), 1), int(le.Uint16(b[14:])))
	o, err := in.conn.outputs(in.randr)
	if err != nil {
		return err
	}
	mode, err := in.mode(o, width, height)
	if err != nil {
		return err
	}
	if err := in.setCrtc(o, 0); err != nil {
		return err
	}
	in.conn.request(in.randr.major, 7, words(root, shorts(width, height), uint32(width*254/960), uint32(height*254/960)))
	if err := in.setCrtc(o, mode); err != nil {
		return err
	}
	return in.forget(o, mode)
}

// forget removes the modes that earlier sizes left, so that their number stays
// small however often a viewer asks.
func (in *xinput) forget(o xoutputs, used uint32) error {
	in.made = slices.DeleteFunc(in.made, func(mode uint32) bool {
		if mode == used {
			return false
		}
		in.conn.request(in.randr.major, 19, words(o.outputs[0], mode)) // DeleteOutputMode
		in.conn.request(in.randr.major, 17, words(mode))               // DestroyMode
		return true
	})
	return in.conn.sync()
}

func (x *xconn) outputs(randr xextension) (xoutputs, error) {
	b, err := x.call(randr.major, 25, words(x.screen.root)) // GetScreenResourcesCurrent
	if err != nil {
		return xoutputs{}, err
	}
	o := xoutputs{time: le.Uint32(b[8:]), configTime: le.Uint32(b[12:])}
	crtcs, outputs, modes := int(le.Uint16(b[16:])), int(le.Uint16(b[18:])), int(le.Uint16(b[20:]))
	b = b[32:]
	if len(b) < (crtcs+outputs)*4+modes*32 || crtcs == 0 || outputs == 0 {
		return o, failed("", "", fusion.ErrUnsupported, "no output", "")
	}
	for i := range crtcs {
		o.crtcs = append(o.crtcs, le.Uint32(b[i*4:]))
	}
	for i := range outputs {
		o.outputs = append(o.outputs, le.Uint32(b[(crtcs+i)*4:]))
	}
	o.modes = b[(crtcs+outputs)*4:][:modes*32]
	return o, nil
}

// mode finds or makes a mode of this size for the first output.
func (in *xinput) mode(o xoutputs, width, height int) (uint32, error) {
	size := shorts(width, height)
	for m := o.modes; len(m) > 0; m = m[32:] {
		if le.Uint32(m[4:]) == size {
			return le.Uint32(m), nil
		}
	}
	name := fmt.Sprintf("hither-%dx%d", width, height)
	clock := uint32(width * height * 60)
	body := words(in.conn.screen.root, 0, size, clock, shorts(width, width), shorts(width, 0),
		shorts(height, height), shorts(height, len(name)), 0)
	b, err := in.conn.call(in.randr.major, 16, append(body, name...)) // CreateMode
	if err != nil {
		return 0, err
	}
	mode := le.Uint32(b[8:])
	in.made = append(in.made, mode)
	in.conn.request(in.randr.major, 18, words(o.outputs[0], mode)) // AddOutputMode
	return mode, nil
}

// setCrtc shows a mode on the first output; mode 0 turns it off.
func (in *xinput) setCrtc(o xoutputs, mode uint32) error {
	body := words(o.crtcs[0], 0, o.configTime, 0, mode, 1)
	if mode != 0 {
		body = append(body, words(o.outputs[0])...)
	}
	b, err := in.conn.call(in.randr.major, 21, body) // SetCrtcConfig
	if err == nil && b[1] != 0 {
		err = failed("", "", fusion.ErrInvalid, fmt.Sprintf("RANDR status %d", b[1]), "")
	}
	return err
}
