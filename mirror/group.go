package mirror

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"hither/mirror/capture"
	"hither/mirror/codec"
)

// inStep is after how many frames made at the same time as those of another
// group a group becomes one with it. One that has just been left behind may be
// left behind again; a new one joins after its first frame.
const inStep = 16

// group is views that show the same: one frame is made for all of them. A view
// that cannot take a frame when the others can is left behind in a group of its
// own, and comes back when it keeps up again. So many viewers cost what one
// costs, and a slow one delays nobody.
type group struct {
	screen *screen

	encoder *codec.Encoder // of whoever set busy
	working *codec.Damage

	// Guarded by screen.mu.
	views  []*view
	damage *codec.Damage
	cursor bool        // the cursor is to be sent
	key    bool        // a key frame is to be sent
	rested bool        // what was video came to rest: encode without damage
	loose  bool        // views on a narrow path show something inexactly
	alarm  *time.Timer // sets rested
	busy   bool        // a frame is being made
	missed int         // changes since the last frame
	steps  int         // frames that missed no change
}

// newGroup adds a group without views. It needs screen.mu.
func newGroup(sc *screen) *group {
	g := &group{screen: sc, encoder: new(codec.Encoder), working: new(codec.Damage), damage: new(codec.Damage),
		key: true, cursor: true, steps: inStep}
	g.alarm = time.AfterFunc(time.Hour, g.rest)
	g.alarm.Stop()
	sc.groups = append(sc.groups, g)
	return g
}

// rest is the alarm's: what was video is to be sent exactly.
func (g *group) rest() {
	g.screen.mu.Lock()
	defer g.screen.mu.Unlock()
	g.rested = true
	g.screen.notify()
}

// add needs screen.mu.
func (g *group) add(v *view) {
	v.group = g
	g.views = append(g.views, v)
	g.screen.notify()
}

// remove needs screen.mu. The encoder of the last view is closed by whoever
// makes a frame, if somebody does.
func (g *group) remove(v *view) {
	g.views = slices.DeleteFunc(g.views, func(other *view) bool { return other == v })
	if len(g.views) == 0 {
		g.screen.drop(g)
		g.alarm.Stop()
		if !g.busy {
			g.close()
		}
	}
}

func (g *group) close() {
	if err := g.encoder.Close(); err != nil {
		g.screen.server.log.Warn("encoder closed", "screen", g.screen.name, "error", err)
	}
}

// note adds a change. It needs screen.mu, and the pixels locked.
func (g *group) note(change capture.Change) {
	g.damage.SetSize(change.Width, change.Height)
	g.damage.Turn()
	for _, r := range change.Damage {
		g.damage.Add(r)
	}
	for _, patch := range change.Patches {
		g.damage.Add(patch.Rect)
	}
	g.cursor = g.cursor || change.Cursor != nil
	g.missed++
}

// due says whether there is a frame to make. It needs screen.mu.
func (g *group) due() bool {
	return !g.busy && !g.screen.wanting && (g.key || g.cursor && g.screen.cursor != nil || g.rested || !g.damage.Empty())
}

// encode makes a frame of the newest pixels for the views that can take one.
// The caller has set busy.
func (g *group) encode() {
	sc := g.screen
	sc.pixels.RLock()
	defer sc.pixels.RUnlock()
	cursor, able, some := g.begin()
	var frame []byte
	var err error
	wait, due := time.Duration(0), false
	if some && sc.picture != nil { // else the screen has ended
		g.encoder.Able(able)
		frame, err = g.encoder.Encode(sc.picture, g.working, cursor)
		wait, due = g.encoder.Due()
	}
	sc.mu.Lock()
	defer sc.mu.Unlock()
	g.busy = false
	if len(g.views) == 0 {
		g.close()
		return
	}
	if errors.Is(err, codec.ErrUnseen) {
		g.again(cursor)
		return
	}
	g.loose = due && g.encoder.Most > 0
	switch {
	case due && wait == 0:
		g.rested = true
	case due:
		g.alarm.Reset(wait)
	}
	g.give(frame, err)
	sc.lookAhead(g.encoder)
	sc.unite()
	sc.wake.Broadcast()
}

// again leaves what a frame was to be made of to one that sees all of the
// picture. It needs screen.mu.
func (g *group) again(cursor *codec.Cursor) {
	g.damage.Join(g.working)
	g.cursor = g.cursor || cursor != nil
	g.rested = true
	g.screen.want()
	g.screen.wake.Broadcast()
}

// begin takes over what is to be sent and leaves behind who cannot take it.
// some is false if nobody can.
func (g *group) begin() (cursor *codec.Cursor, able codec.Able, some bool) {
	sc := g.screen
	sc.mu.Lock()
	defer sc.mu.Unlock()
	if g.split(); len(g.views) == 0 || !g.views[0].ready() {
		return nil, codec.Tiles, false
	}
	g.damage, g.working = g.working, g.damage
	if sc.picture != nil {
		g.damage.SetSize(sc.picture.Width, sc.picture.Height)
	}
	g.damage.Clear()
	if g.cursor {
		cursor = sc.cursor
	}
	if g.key {
		g.encoder.Refresh()
	}
	if g.missed > 1 {
		g.steps = 0
	}
	g.steps++
	g.key, g.cursor, g.rested, g.missed = false, g.cursor && cursor == nil, false, 0
	able, g.encoder.Room, g.encoder.Rate, g.encoder.Most = codec.VideoAll, mostRoom, 0, 0
	g.encoder.Seen = sc.seen
	g.encoder.Sure = len(sc.groups) > 1 // else they would not meet while it scrolls
	for _, v := range g.views {
		able = min(able, v.able)
		g.encoder.Room = min(g.encoder.Room, v.window.room())
		g.encoder.Rate = least(g.encoder.Rate, v.window.video())
		g.encoder.Most = least(g.encoder.Most, v.window.exact())
	}
	return cursor, able, true
}

// least is the smaller of two numbers, where 0 is not known.
func least(a, b int) int {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// split moves the views that can take no frame to a group that goes on from
// what they show. It needs screen.mu.
func (g *group) split() {
	var behind []*view
	g.views = slices.DeleteFunc(g.views, func(v *view) bool {
		ready := v.ready()
		if !ready {
			behind = append(behind, v)
		}
		return !ready
	})
	if len(behind) == 0 || len(g.views) == 0 { // nobody can
		g.views = append(g.views, behind...)
		return
	}
	other := newGroup(g.screen)
	other.encoder, other.steps = g.encoder.Fork(), 0
	other.key, other.cursor, other.rested, other.missed = g.key, g.cursor, g.rested, g.missed
	other.damage.Set(g.damage)
	for _, v := range behind {
		other.add(v)
	}
}

// give hands a frame to the views. It needs screen.mu.
func (g *group) give(frame []byte, err error) {
	switch {
	case err != nil:
		for _, v := range g.views {
			v.fail(err)
		}
	case frame != nil:
		if len(g.views) > 1 || g.views[0].busy() { // it may be sent after the next is made
			frame = bytes.Clone(frame)
		}
		for _, v := range g.views {
			v.give(frame)
		}
	}
}

// unite makes groups one that show the same and keep up. It needs mu.
func (sc *screen) unite() {
	for i := 0; i < len(sc.groups); i++ {
		for j := len(sc.groups) - 1; j > i; j-- {
			if sc.groups[i].with(sc.groups[j]) {
				sc.groups[i].absorb(sc.groups[j])
			}
		}
	}
}

// settled says that the views show the picture exactly, and lately kept up.
func (g *group) settled() bool {
	return !g.busy && !g.due() && !g.screen.wanting && !g.key && g.missed == 0 && g.steps > inStep && g.encoder.Exact()
}

func (g *group) with(other *group) bool { return g.settled() && other.settled() }

// absorb takes the views of another group over. From now on the encoder may not
// refer to what only some of them were told.
func (g *group) absorb(other *group) {
	g.encoder.Restart()
	for _, v := range slices.Clone(other.views) {
		other.remove(v)
		g.add(v)
	}
}
