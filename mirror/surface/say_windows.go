package surface

import (
	"hither/fusion"
	"hither/mirror/wire"
)

// use makes pipe the one that input goes to; nil drops input.
func (v *view) use(pipe fusion.Pipe) {
	v.out.Lock()
	defer v.out.Unlock()
	v.pipe = pipe
}

// send writes messages at once. While offline they go nowhere. A pipe that
// fails is found by its reader.
func (v *view) send(messages ...wire.Message) {
	v.out.Lock()
	defer v.out.Unlock()
	for _, m := range messages {
		v.write(m)
	}
}

// input writes what the person did, unless the view is for looking only.
func (v *view) input(messages ...wire.Message) {
	if !v.viewOnly.Load() {
		v.send(messages...)
	}
}

// ping asks for a sign of life, unless a message is under way already.
func (v *view) ping(id uint64) {
	if v.out.TryLock() {
		defer v.out.Unlock()
		v.write(wire.Ping{ID: id})
	}
}

// write needs out.
func (v *view) write(m wire.Message) {
	if v.pipe == nil {
		return
	}
	v.buf = m.Append(v.buf[:0])
	if err := v.pipe.Write(v.buf); err != nil {
		v.cfg.Log.Debug("screen input lost", "err", err)
		v.pipe = nil
	}
}
