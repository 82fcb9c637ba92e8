package surface

import (
	"hither/fusion"
	"hither/mirror/wire"
)

// use makes pipe the one that input goes to; nil drops input.
func (v *view) use(pipe fusion.Pipe) {
	v.out.Lock()
	defer v.out.Unlock()
	v.pipe, v.over = pipe, 0
}

func (v *view) online() bool {
	v.out.Lock()
	defer v.out.Unlock()
	return v.pipe != nil
}

// send writes a message at once. While offline it goes nowhere. A pipe that
// fails is found by its reader.
func (v *view) send(m wire.Message) {
	v.out.Lock()
	defer v.out.Unlock()
	v.write(m, false)
}

// tell writes messages about a window.
func (v *view) tell(p *pane, messages ...wire.Message) { v.tellOver(p.id, messages...) }

func (v *view) tellOver(id uint32, messages ...wire.Message) {
	v.out.Lock()
	defer v.out.Unlock()
	if v.over != id {
		v.over = id
		v.write(wire.Over{Window: id}, true)
	}
	for i, m := range messages {
		v.write(m, i < len(messages)-1)
	}
}

// input writes what the person did, unless the view is for looking only.
func (v *view) input(p *pane, messages ...wire.Message) {
	if !v.viewOnly.Load() {
		v.tell(p, messages...)
	}
}

// ping asks for a sign of life, unless a message is under way already.
func (v *view) ping(id uint64) {
	if v.out.TryLock() {
		defer v.out.Unlock()
		v.meter.pinged(id)
		v.write(wire.Ping{ID: id}, false)
	}
}

// write needs out. More says that another message follows at once.
func (v *view) write(m wire.Message, more bool) {
	if v.pipe == nil {
		return
	}
	v.buf = m.Append(v.buf[:0])
	var err error
	if batch, ok := v.pipe.(wire.Batcher); ok && more {
		err = batch.WriteMore(v.buf)
	} else {
		err = v.pipe.Write(v.buf)
	}
	if err != nil {
		v.cfg.Log.Debug("screen input lost", "err", err)
		v.pipe = nil
	}
}
