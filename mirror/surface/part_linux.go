package surface

import (
	"hither/fusion"
	"hither/mirror/wire"
)

// parts puts the frames of a window together. The frames of several windows may
// be under way at once, part by part.
type parts struct {
	frames wire.Assembler
	count  uint32 // of the frames that frames has had
	seq    uint32 // of the newest frame, as the host counts
	held   int    // bytes of a frame that is not whole yet
}

// keptFrame is how much memory a window keeps for its next frame.
const keptFrame = 1 << 20

// part takes a part of a frame. The frames that are not whole yet hold at most
// wire.MaxFrame bytes, all windows together.
func (v *view) part(m wire.FramePart) error {
	p := v.on
	if p == nil {
		return nil // of a window that is gone
	}
	if m.Part == 0 {
		p.parts.seq++
		p.parts.count++
	}
	if m.Seq != p.parts.seq {
		return opError(fusion.ErrInvalid, "frame number", "update the host")
	}
	m.Seq = p.parts.count
	frame, err := p.parts.frames.Add(m)
	if err != nil {
		return err
	}
	if frame == nil {
		return v.hold(p, len(m.Bytes))
	}
	v.forget(p)
	err = v.frame(p, frame)
	if len(frame) > keptFrame {
		p.parts.frames, p.parts.count = wire.Assembler{}, 0
	}
	return err
}

func (v *view) hold(p *pane, bytes int) error {
	p.parts.held += bytes
	if v.held += bytes; v.held > wire.MaxFrame {
		return opError(fusion.ErrInvalid, "the frames under way are too large together", "")
	}
	return nil
}

// forget counts what was held for a window's frame no more.
func (v *view) forget(p *pane) {
	v.held -= p.parts.held
	p.parts.held = 0
}
