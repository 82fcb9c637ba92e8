package surface

import (
	"image"

	"github.com/jezek/xgb/xproto"

	"hither/mirror/files"
)

// xdndVersion is the version of the XDND protocol that a window speaks
// (freedesktop.org, "Drag-and-Drop Protocol for the X Window System").
const xdndVersion = 5

// dragging is something that another program drags over a window of the view.
// It belongs to the event loop.
type dragging struct {
	pane   *pane
	source xproto.Window
	files  bool // it offers them
	at     image.Point
}

// dropMessage handles a message of a program that drags; false says that it is
// another kind of message.
func (v *view) dropMessage(h *hands, e xproto.ClientMessageEvent) bool {
	data := e.Data.Data32
	p := v.find(e.Window)
	if p == nil || len(data) < 5 {
		return false
	}
	source := xproto.Window(data[0])
	switch e.Type {
	case v.display.atoms["XdndEnter"]:
		h.drag = &dragging{pane: p, source: source, files: v.display.offersFiles(source, data)}
	case v.display.atoms["XdndPosition"]:
		if d := h.drag; d != nil && d.source == source && d.pane == p {
			d.at = image.Pt(int(data[2]>>16), int(data[2]&0xffff))
			v.display.answerDrag(d, "XdndStatus", v.takesFiles(d))
		}
	case v.display.atoms["XdndLeave"]:
		h.drag = nil
	case v.display.atoms["XdndDrop"]:
		d := h.drag
		if d == nil || d.source != source || d.pane != p || !v.takesFiles(d) {
			v.display.answerDrag(&dragging{pane: p, source: source}, "XdndFinished", false)
			h.drag = nil
			return true
		}
		xproto.ConvertSelection(v.display.conn, p.win.outer, v.display.atoms["XdndSelection"], v.display.atoms["text/uri-list"],
			v.display.atoms["HITHER_DROP"], xproto.Timestamp(data[2]))
	default:
		return false
	}
	return true
}

// offersFiles says whether what is dragged is files: the first three of its
// types stand in the message, or all in a property.
func (d *display) offersFiles(source xproto.Window, data []uint32) bool {
	types := data[2:5]
	if data[1]&1 != 0 {
		types = d.cardinals(source, "XdndTypeList")
	}
	for _, kind := range types {
		if kind == uint32(d.atoms["text/uri-list"]) {
			return true
		}
	}
	return false
}

func (v *view) takesFiles(d *dragging) bool {
	return d.files && v.clip != nil && v.online() && !v.viewOnly.Load() && !d.pane.stale
}

// answerDrag tells the program that drags whether its files are taken.
func (d *display) answerDrag(drag *dragging, kind string, yes bool) {
	accepted, action := uint32(0), uint32(0)
	if yes {
		accepted, action = 1, uint32(d.atoms["XdndActionCopy"])
	}
	values := []uint32{uint32(drag.pane.win.outer), accepted, 0, 0, action}
	if kind == "XdndFinished" {
		values = []uint32{uint32(drag.pane.win.outer), accepted, action, 0, 0}
	}
	e := xproto.ClientMessageEvent{Format: 32, Window: drag.source, Type: d.atoms[kind], Data: xproto.ClientMessageDataUnionData32New(values)}
	xproto.SendEvent(d.conn, false, drag.source, 0, string(e.Bytes()))
}

// dropped takes the list of what was dropped and sends it to the host.
func (v *view) dropped(h *hands, e xproto.SelectionNotifyEvent) {
	d := h.drag
	if d == nil || e.Requestor != d.pane.win.outer || e.Selection != v.display.atoms["XdndSelection"] {
		return
	}
	h.drag = nil
	paths := files.Paths(v.display.takeProperty(e))
	v.display.answerDrag(d, "XdndFinished", len(paths) > 0)
	if len(paths) == 0 {
		v.overlay.note(d.pane, "No files of this computer were dropped")
		return
	}
	area, err := xproto.TranslateCoordinates(v.display.conn, v.display.screen.Root, d.pane.win.area, int16(d.at.X), int16(d.at.Y)).Reply()
	if err != nil {
		return // the window went meanwhile
	}
	v.input(d.pane, pointerAt(d.pane, image.Pt(int(area.DstX), int(area.DstY)))) // a drag moves only the pointer here
	v.clip.files.Drop(paths)
}

// takeProperty reads what a program put into a property of ours, and deletes it.
// One that comes in pieces is nothing: it would be a list of thousands.
func (d *display) takeProperty(e xproto.SelectionNotifyEvent) []byte {
	const most = 4 << 20
	if e.Property == 0 {
		return nil
	}
	reply, err := xproto.GetProperty(d.conn, true, e.Requestor, e.Property, xproto.GetPropertyTypeAny, 0, most/4).Reply()
	if err != nil || reply.Format != 8 {
		return nil
	}
	return reply.Value
}
