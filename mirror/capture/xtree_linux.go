package capture

import "io"

// maxDepth bounds how deep in the tree of windows one is looked for.
const maxDepth = 32

// atom gives the number of a name.
func (x *xconn) atom(name string) (uint32, error) {
	if a, known := x.atoms[name]; known {
		return a, nil
	}
	b := le.AppendUint16(nil, uint16(len(name)))
	r, err := x.call(16, 0, append(append(b, 0, 0), name...)) // InternAtom
	if err != nil {
		return 0, err
	}
	if x.atoms == nil {
		x.atoms = map[string]uint32{}
	}
	x.atoms[name] = le.Uint32(r[8:])
	return x.atoms[name], nil
}

// atomName gives the name of a number.
func (x *xconn) atomName(atom uint32) (string, error) {
	b, err := x.call(17, 0, words(atom)) // GetAtomName
	if err != nil {
		return "", err
	}
	n := int(le.Uint16(b[8:]))
	if len(b) < 32+n {
		return "", io.ErrUnexpectedEOF
	}
	return string(b[32 : 32+n]), nil
}

func (x *xconn) parent(window uint32) (uint32, error) {
	b, err := x.call(15, 0, words(window)) // QueryTree
	if err != nil {
		return 0, err
	}
	return le.Uint32(b[12:]), nil
}

// top gives the child of the root that a window is in: itself, or its frame.
func (x *xconn) top(window uint32) (uint32, error) {
	for range maxDepth {
		parent, err := x.parent(window)
		if err != nil || parent == x.screen.root || parent == 0 {
			return window, err
		}
		window = parent
	}
	return window, nil
}

// inside says whether window is outer or a part of it.
func (x *xconn) inside(window, outer uint32) (bool, error) {
	const none, pointerRoot = 0, 1
	for range maxDepth {
		if window == outer {
			return true, nil
		}
		if window == none || window == pointerRoot || window == x.screen.root {
			return false, nil
		}
		var err error
		if window, err = x.parent(window); err != nil {
			return false, err
		}
	}
	return false, nil
}

// pointed gives the child of the root that the pointer is in, or 0.
func (x *xconn) pointed() (uint32, error) {
	b, err := x.call(38, 0, words(x.screen.root)) // QueryPointer
	if err != nil {
		return 0, err
	}
	return le.Uint32(b[12:]), nil
}
