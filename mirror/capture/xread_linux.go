package capture

import (
	"time"

	"hither/mirror/wire"
)

// xread is a question to the program that has the selection. Only the first one
// that waits is asked.
type xread struct {
	target   uint32
	done     func(content []byte, err error)
	property uint32
	until    time.Time
	parts    bool // the content comes in pieces
	content  []byte
}

// read asks for what another program has.
func (c *XClipboard) read(mime string, done func([]byte, error)) {
	target, has := c.targets[mime]
	switch {
	case !has || c.offer != nil:
		done(nil, errClipGone)
	case len(c.reads) >= maxClipReads:
		done(nil, errClipBusy)
	default:
		c.begin(&xread{target: target, done: done})
	}
}

func (c *XClipboard) begin(r *xread) {
	c.reads = append(c.reads, r)
	if len(c.reads) == 1 {
		c.askNext()
	}
}

// askNext asks the first question (ConvertSelection).
func (c *XClipboard) askNext() {
	r := c.reads[0]
	r.property = c.atoms[clipProperty(c.nth)]
	c.nth++
	r.until = time.Now().Add(clipPatience)
	c.conn.request(24, 0, words(c.window, c.atoms["CLIPBOARD"], r.target, r.property, 0))
}

// finish answers the first question, and asks the next.
func (c *XClipboard) finish(content []byte, err error) {
	r := c.reads[0]
	c.reads = c.reads[1:]
	if len(c.reads) > 0 {
		c.askNext()
	}
	r.done(content, err)
}

// converted takes the owner's answer: it stands in the property, if any.
func (c *XClipboard) converted(target, property uint32) {
	if len(c.reads) == 0 || c.reads[0].target != target || c.reads[0].parts {
		return
	}
	r := c.reads[0]
	if property == 0 {
		c.finish(nil, errClipGone)
		return
	}
	if property != r.property {
		return // too late an answer to another question
	}
	kind, content, err := c.fetch(property)
	switch {
	case err != nil:
		c.finish(nil, err)
	case kind == c.atoms["INCR"]:
		r.parts, r.until = true, time.Now().Add(clipPatience)
	default:
		c.finish(content, nil)
	}
}

// fetch reads a property of ours and deletes it.
func (c *XClipboard) fetch(property uint32) (kind uint32, content []byte, err error) {
	const remove = 1
	b, err := c.conn.call(20, remove, words(c.window, property, 0, 0, wire.MaxClip/4+1)) // GetProperty
	if err != nil {
		return 0, nil, err
	}
	size := int64(le.Uint32(b[16:])) * int64(b[1]/8)
	if le.Uint32(b[12:]) > 0 || size > wire.MaxClip {
		c.conn.request(19, 0, words(c.window, property)) // DeleteProperty
		return 0, nil, errClipLarge
	}
	if int64(len(b)-32) < size {
		return 0, nil, errClipGone
	}
	return le.Uint32(b[8:]), b[32 : 32+size], nil
}

// property follows a transfer in pieces, of either direction.
func (c *XClipboard) property(window, atom uint32, deleted bool) {
	if window != c.window {
		if deleted {
			c.taken(window, atom)
		}
		return
	}
	if deleted || len(c.reads) == 0 || !c.reads[0].parts || c.reads[0].property != atom {
		return
	}
	r := c.reads[0]
	_, piece, err := c.fetch(atom)
	switch {
	case err == nil && len(r.content)+len(piece) > wire.MaxClip:
		err = errClipLarge
		fallthrough
	case err != nil:
		c.finish(nil, err)
	case len(piece) == 0:
		c.finish(r.content, nil)
	default:
		r.content = append(r.content, piece...)
		r.until = time.Now().Add(clipPatience)
	}
}
