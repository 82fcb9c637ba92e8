package app

import (
	"context"
	"errors"
	"image"
	"math"
	"sync"
	"time"

	"hither/fusion"
	"hither/mirror"
	"hither/mirror/capture"
	"hither/mirror/wire"
	"hither/remoteapp"
)

// openPatience bounds how long the capture of a window may take to begin.
const openPatience = 10 * time.Second

// appWindows are an app's windows for the mirror: remoteapp says where they are
// and moves them, capture takes their pixels and gives them input.
type appWindows struct {
	windows *remoteapp.Windows
	pixels  *capture.XWindows

	mu        sync.Mutex
	drawables map[uint32]uint32 // by ID; guarded by mu, as is the next
	below     map[uint32]uint32 // the drawables that popups belong to, by the popups' ID
}

var _ mirror.Windows = (*appWindows)(nil)

func newAppWindows(windows *remoteapp.Windows, pixels *capture.XWindows) *appWindows {
	return &appWindows{windows: windows, pixels: pixels, drawables: map[uint32]uint32{}, below: map[uint32]uint32{}}
}

func (a *appWindows) Next() ([]mirror.Window, error) {
	list, err := a.windows.Next()
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.drawables)
	clear(a.below)
	out := make([]mirror.Window, 0, len(list))
	for _, w := range list {
		a.drawables[w.ID] = w.Drawable
		if w.Popup {
			a.below[w.ID] = a.drawables[w.Parent] // parents come first
		}
		out = append(out, mirrored(w))
	}
	return out, nil
}

// mirrored says a window in the words of the wire.
func mirrored(w remoteapp.Window) mirror.Window {
	return mirror.Window{Icon: w.Icon, Window: wire.Window{
		ID: w.ID, Parent: w.Parent, Flags: flags(w), Title: w.Title,
		X: place(w.Area.Min.X), Y: place(w.Area.Min.Y), Width: length(w.Area.Dx()), Height: length(w.Area.Dy()),
		MinWidth: length(w.Min.X), MinHeight: length(w.Min.Y), MaxWidth: length(w.Max.X), MaxHeight: length(w.Max.Y)}}
}

func flags(w remoteapp.Window) (all wire.WindowFlags) {
	for flag, on := range map[wire.WindowFlags]bool{wire.Popup: w.Popup, wire.Modal: w.Modal, wire.FullScreen: w.FullScreen,
		wire.Maximized: w.Maximised, wire.Active: w.Active, wire.Minimized: w.Minimised, wire.Dialog: w.Dialog,
		wire.SelfDecorated: w.SelfDecorated} {
		if on {
			all |= flag
		}
	}
	return all
}

func stand(f wire.WindowFlags) remoteapp.Stand {
	return remoteapp.Stand{FullScreen: f&wire.FullScreen != 0, Maximised: f&wire.Maximized != 0,
		Minimised: f&wire.Minimized != 0, Active: f&wire.Active != 0}
}

func place(v int) int16 { return int16(min(max(v, math.MinInt16), math.MaxInt16)) }

func length(v int) uint16 { return uint16(min(max(v, 0), math.MaxUint16)) }

func (a *appWindows) drawable(id uint32) (uint32, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	d, there := a.drawables[id]
	return d, there
}

func (a *appWindows) Open(id uint32) (capture.Source, error) {
	d, there := a.drawable(id)
	if !there {
		return nil, &fusion.Error{Op: "window.open", Cause: fusion.ErrNotFound}
	}
	ctx, cancel := context.WithTimeout(context.Background(), openPatience)
	defer cancel()
	a.mu.Lock()
	below := a.below[id]
	a.mu.Unlock()
	return a.pixels.Open(ctx, d, below)
}

func (a *appWindows) Input(id uint32, event wire.Message) error {
	d, there := a.drawable(id)
	if id != 0 && !there {
		return nil
	}
	return a.pixels.Input(d, event)
}

func (a *appWindows) Do(wish wire.Message) error {
	switch m := wish.(type) {
	case wire.Place:
		corner := image.Pt(int(m.X), int(m.Y))
		return a.windows.Place(m.Window, image.Rectangle{Min: corner, Max: corner.Add(image.Pt(int(m.Width), int(m.Height)))})
	case wire.State:
		only := m.Flags >> 8
		if only == 0 {
			only = ^only
		}
		return a.windows.Stand(m.Window, stand(m.Flags), stand(only))
	case wire.Shut:
		return a.windows.Shut(m.Window)
	case wire.Desk:
		return a.windows.Desk(int(m.Width), int(m.Height))
	}
	return &fusion.Error{Op: "window", Cause: fusion.ErrInvalid, Detail: "no wish of a viewer"}
}

// Clipboard is the one of the app's display.
func (a *appWindows) Clipboard() capture.Clipboard { return a.pixels.Clipboard() }

func (a *appWindows) Close() error { return errors.Join(a.windows.Close(), a.pixels.Close()) }
