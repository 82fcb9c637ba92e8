package capture

import (
	"slices"
	"time"

	"hither/mirror/wire"
)

// xsend is a program that pastes what we offer.
type xsend struct {
	window, target, property, time uint32

	begun bool // its pieces are on their way
	until time.Time
	rest  []byte
}

const (
	atomAtom       = 4
	replace        = 0
	propertyEvents = 1 << 22
)

// requested takes a program's wish for what we offer.
func (c *XClipboard) requested(b []byte) {
	s := &xsend{time: le.Uint32(b[4:]), window: le.Uint32(b[12:]), target: le.Uint32(b[20:]), property: le.Uint32(b[24:])}
	if s.property == 0 {
		s.property = s.target // an obsolete program, says the ICCCM
	}
	mime := c.mime(s.target)
	switch {
	case c.offer == nil || le.Uint32(b[16:]) != c.atoms["CLIPBOARD"]:
		c.answer(s, false)
	case s.target == c.atoms["TARGETS"]:
		list := c.list()
		c.change(s, atomAtom, 32, words(list...))
		c.answer(s, true)
	case !slices.Contains(c.offer.types, mime) || len(c.sends) >= maxClipSends:
		c.answer(s, false)
	default:
		c.sends = append(c.sends, s)
		c.offer.ask(mime, func(content []byte, err error) {
			c.leave(maxClipTodo+maxClipSends, func() { c.deliver(s, content, err) })
		})
	}
}

// mime is what a target means.
func (c *XClipboard) mime(target uint32) string {
	switch target {
	case c.atoms["UTF8_STRING"], c.atoms["text/plain"], c.atoms[wire.PlainText]:
		return wire.PlainText
	case c.atoms[wire.PNG]:
		return wire.PNG
	case c.atoms[uriList], c.atoms[copiedFiles]:
		return wire.Files
	}
	return ""
}

// list gives the targets of our offer.
func (c *XClipboard) list() []uint32 {
	list := []uint32{c.atoms["TARGETS"], c.atoms[clipMark]}
	for _, mime := range c.offer.types {
		switch mime {
		case wire.PlainText:
			list = append(list, c.atoms["UTF8_STRING"], c.atoms["text/plain"])
		case wire.Files:
			list = append(list, c.atoms[uriList], c.atoms[copiedFiles])
		}
		if atom := c.atoms[mime]; atom != 0 {
			list = append(list, atom)
		}
	}
	return list
}

// deliver gives a program what it pastes, whole or in pieces.
func (c *XClipboard) deliver(s *xsend, content []byte, err error) {
	if !slices.Contains(c.sends, s) {
		return
	}
	if err != nil {
		c.drop(s)
		c.answer(s, false)
		return
	}
	if s.target == c.atoms[copiedFiles] {
		content = asCopied(content)
	}
	if len(content) <= clipChunk {
		c.drop(s)
		c.change(s, s.target, 8, content)
		c.answer(s, true)
		return
	}
	s.begun, s.rest, s.until = true, content, time.Now().Add(clipPatience)
	c.conn.request(2, 0, words(s.window, 1<<11, propertyEvents)) // ChangeWindowAttributes: event mask
	c.change(s, c.atoms["INCR"], 32, words(uint32(len(content))))
	c.answer(s, true)
}

// taken gives the next piece once a program took the one before; an empty one
// is the last.
func (c *XClipboard) taken(window, property uint32) {
	for _, s := range c.sends {
		if !s.begun || s.window != window || s.property != property {
			continue
		}
		n := min(len(s.rest), clipChunk)
		c.change(s, s.target, 8, s.rest[:n])
		s.rest, s.until = s.rest[n:], time.Now().Add(clipPatience)
		if n == 0 {
			c.drop(s)
		}
		return
	}
}

func (c *XClipboard) drop(s *xsend) {
	c.sends = slices.DeleteFunc(c.sends, func(other *xsend) bool { return other == s })
}

// change writes the property of a program (ChangeProperty).
func (c *XClipboard) change(s *xsend, kind uint32, format byte, content []byte) {
	b := words(s.window, s.property, kind, uint32(format), uint32(len(content)/int(format/8)))
	c.conn.request(18, replace, append(b, content...))
}

// answer says that the property is there, or that there is none.
func (c *XClipboard) answer(s *xsend, yes bool) {
	property := s.property
	if !yes {
		property = 0
	}
	event := words(31, s.time, s.window, c.atoms["CLIPBOARD"], s.target, property, 0, 0)
	c.conn.request(25, 0, append(words(s.window, 0), event...)) // SendEvent
}
