package remoteapp

import (
	"cmp"
	"errors"
	"image"
	"io"
	"slices"
	"sync"
	"time"

	"hither/remoteapp/x11"
)

// maxWindows bounds how many windows of an app are told of.
const maxWindows = 256

// Windows are the windows of one app, for one who sees each of them. Next is
// called from one goroutine; the other methods from any.
type Windows struct {
	conn    *x11.Conn
	manager x11.Window
	closed  chan struct{}
	once    sync.Once // closes closed
	begun   bool      // Next's own: it gave something
	last    []Window  // Next's own
	managed []x11.Window

	mu     sync.Mutex // guards the fields below
	known  map[x11.Window]*known
	ids    uint32
	active x11.Window
	fresh  bool // the windows were not apart before
}

// known is what was learnt of a window.
type known struct {
	id    uint32
	popup bool
	look  x11.Look
	icon  string

	wish wish
}

// wish is where Place put a window last, when, and what it was reckoned from.
type wish struct {
	area image.Rectangle
	at   time.Time
	from x11.Place
}

func (w *Windows) begin() (err error) {
	if err := w.conn.Watch(); err != nil {
		return err
	}
	w.manager, err = w.conn.Manager()
	return err
}

// Close ends Next. The windows stay.
func (w *Windows) Close() error {
	var err error
	w.once.Do(func() {
		close(w.closed)
		err = w.conn.Close()
	})
	return err
}

// Next waits for a change and gives all windows, parents before their children;
// at first it gives those there are. It returns io.EOF when the display ended or
// Close was called.
func (w *Windows) Next() ([]Window, error) {
	for {
		if w.begun {
			select {
			case <-w.conn.Changed():
			case <-w.conn.Done():
				return nil, io.EOF
			}
		}
		if err := w.learn(); err != nil {
			return nil, err
		}
		now := w.list()
		if w.begun && slices.Equal(now, w.last) {
			continue
		}
		w.begun, w.last = true, now
		return slices.Clone(now), nil
	}
}

// learn asks for what changed.
func (w *Windows) learn() error {
	changes := w.conn.Take()
	if changes.Listed {
		managed, active, err := w.conn.Managed()
		if err != nil {
			return w.lost(err)
		}
		w.managed = managed
		w.mu.Lock()
		w.active = active
		w.mu.Unlock()
	}
	present := map[x11.Window]bool{}
	for _, window := range w.managed {
		present[window] = true
		if err := w.see(window, false, changes.Windows[window]); err != nil {
			return err
		}
	}
	for _, window := range changes.Popups {
		if present[window] || w.conn.Sister(window, w.manager) {
			continue
		}
		present[window] = true
		if err := w.see(window, true, changes.Windows[window]); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for window := range w.known {
		if !present[window] {
			delete(w.known, window)
		}
	}
	return nil
}

// lost tells a display that ended from an error.
func (w *Windows) lost(err error) error {
	select {
	case <-w.conn.Done():
		return io.EOF
	case <-w.closed:
		return io.EOF
	default:
		return err
	}
}

// lostIf is lost of an error that there may be.
func (w *Windows) lostIf(err error) error {
	if err != nil {
		return w.lost(err)
	}
	return nil
}

// see asks a window for some parts of it, or for all when it is new. One that
// goes away meanwhile is forgotten.
func (w *Windows) see(window x11.Window, popup bool, what x11.What) error {
	w.mu.Lock()
	k := w.known[window]
	w.mu.Unlock()
	if k == nil {
		drawn, err := w.follow(window)
		if err != nil || !drawn {
			return w.gone(window, err)
		}
		k, what = &known{popup: popup}, x11.All
	}
	if what == 0 {
		return nil
	}
	now, err := w.ask(window, *k, what)
	if err != nil {
		return w.gone(window, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.id == 0 {
		if len(w.known) >= maxWindows {
			return nil
		}
		w.ids++
		now.id = w.ids
	}
	now.wish = k.wish
	w.known[window] = &now
	if now.misses(time.Now()) {
		now.wish.from = now.look.Place
		return w.lostIf(w.conn.Move(window, now.look.Place.Of(now.wish.area)))
	}
	return nil
}

// misses says whether a window was put in place just now, and has another size
// since it draws another shadow around itself: programs drop theirs while they
// are maximised or full.
func (k *known) misses(now time.Time) bool {
	return now.Sub(k.wish.at) < settle && k.look.Area.Size() != k.wish.area.Size() && !k.look.Place.SameShadow(k.wish.from) &&
		!k.look.FullScreen && !k.look.Maximised
}

// follow makes a new window tell its changes before it is asked.
func (w *Windows) follow(window x11.Window) (drawn bool, err error) {
	if err := w.conn.Follow(window); err != nil {
		return false, err
	}
	return w.conn.Drawn(window)
}

func (w *Windows) gone(window x11.Window, err error) error {
	w.mu.Lock()
	delete(w.known, window)
	w.mu.Unlock()
	if err = w.lost(err); errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

func (w *Windows) ask(window x11.Window, k known, what x11.What) (known, error) {
	var err error
	if what&x11.Renamed != 0 {
		place := k.look.Place
		if k.look, err = w.conn.Look(window); err != nil {
			return k, err
		}
		k.look.Place = place
	}
	if what&x11.Moved != 0 {
		if k.look.Place, err = w.conn.Place(window); err != nil {
			return k, err
		}
	}
	if what&x11.Painted != 0 && !k.popup {
		icon, err := w.conn.Icon(window)
		if err != nil {
			return k, err
		}
		k.icon = string(icon)
	}
	return k, nil
}

// list gives the windows that can be shown.
func (w *Windows) list() []Window {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []Window
	for x, k := range w.known {
		if area := k.look.Area; area.Dx() > 1 || area.Dy() > 1 {
			all = append(all, w.window(x, k))
		}
	}
	depth := w.depths(all)
	slices.SortFunc(all, func(a, b Window) int {
		return cmp.Or(cmp.Compare(depth[a.ID], depth[b.ID]), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// window needs mu.
func (w *Windows) window(x x11.Window, k *known) Window {
	l := &k.look
	limits := l.Limits.Shrink(l.Size.Sub(l.Inside.Size()))
	out := Window{ID: k.id, Drawable: uint32(x), Title: l.Title, Area: l.Area, Min: limits.Min, Max: limits.Max, Icon: k.icon,
		Stand:         Stand{l.FullScreen, l.Maximised, l.Minimised, x == w.active},
		SelfDecorated: l.SelfDecorated && !k.popup && !l.Popup,
		Popup:         k.popup || l.Popup, Dialog: l.Dialog && !k.popup && !l.Popup, Modal: l.Modal}
	parent := w.known[l.Parent]
	if parent == nil && k.popup {
		parent = w.known[w.active]
	}
	if parent != nil && parent != k {
		out.Parent = parent.id
	}
	return out
}

// depths says how far each window is from one without a parent, and makes
// windows that are their own ancestors have none.
func (w *Windows) depths(all []Window) map[uint32]int {
	parent := map[uint32]uint32{}
	for _, one := range all {
		parent[one.ID] = one.Parent
	}
	depth := map[uint32]int{}
	for i, one := range all {
		for at := one.ID; at != 0; at = parent[at] {
			if depth[one.ID]++; depth[one.ID] > len(all) {
				all[i].Parent, parent[one.ID], depth[one.ID] = 0, 0, 1
				break
			}
		}
	}
	return depth
}

// find gives a window that may be acted on; popups are the app's own business.
func (w *Windows) find(id uint32) (x11.Window, known, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for x, k := range w.known {
		if k.id == id && !k.popup {
			return x, *k, true
		}
	}
	return 0, known{}, false
}

// Place puts a window here. Its manager may round the size. A window that is
// gone is no error, here and below.
func (w *Windows) Place(id uint32, area image.Rectangle) error {
	window, k, there := w.find(id)
	if !there || k.look.FullScreen {
		return nil
	}
	w.mu.Lock()
	if k := w.known[window]; k != nil {
		k.wish = wish{area, time.Now(), k.look.Place}
	}
	w.mu.Unlock()
	if k.look.Area == area {
		return nil
	}
	return w.conn.Move(window, k.look.Place.Of(area))
}

// Stand makes a window stand so, as far as only says. One that is not to be
// active stays it until another one is.
func (w *Windows) Stand(id uint32, to, only Stand) error {
	window, k, there := w.find(id)
	if !there {
		return nil
	}
	now := k.look
	var errs []error
	if only.FullScreen && to.FullScreen != now.FullScreen {
		errs = append(errs, w.conn.SetFull(window, to.FullScreen))
	}
	if only.Maximised && to.Maximised != now.Maximised {
		errs = append(errs, w.conn.SetMaximised(window, to.Maximised))
	}
	switch {
	case only.Minimised && to.Minimised && !now.Minimised:
		errs = append(errs, w.conn.Minimise(window))
	case only.Minimised && !to.Minimised && now.Minimised, only.Active && to.Active && !to.Minimised:
		errs = append(errs, w.conn.Activate(window))
	}
	return errors.Join(errs...)
}

// Shut asks a window to close, as its close button does.
func (w *Windows) Shut(id uint32) error {
	window, _, there := w.find(id)
	if !there {
		return nil
	}
	return w.conn.CloseWindow(window)
}

// settle is how long the manager may take to put a window in place.
const settle = time.Second

// Desk gives the display the size of the desktop where its windows are seen, at
// most 3840 by 2160. Windows that were not apart before get their own size back
// and are put in the middle.
func (w *Windows) Desk(width, height int) error {
	width, height = min(max(width, 1), maxWidth), min(max(height, 1), maxHeight)
	w.mu.Lock()
	fresh := w.fresh
	w.fresh = false
	w.mu.Unlock()
	var managed []x11.Window
	var err error
	if fresh {
		if managed, _, err = w.conn.Managed(); err != nil {
			return err
		}
	}
	for _, window := range managed {
		if err := w.conn.Follow(window); err != nil {
			return err
		}
		w.await(func() bool { // what is maximised would grow with the display
			look, err := w.conn.Look(window)
			return err != nil || !look.Maximised
		})
	}
	had, hadHeight, err := w.conn.Size(w.conn.Root)
	if err == nil && (had != width || hadHeight != height) {
		err = w.conn.Resize(width, height)
	}
	for _, window := range managed {
		err = errors.Join(err, w.centre(window, image.Pt(width, height)))
	}
	return err
}

// centre puts a window in the middle and waits until it is.
func (w *Windows) centre(window x11.Window, desk image.Point) error {
	place, err := w.conn.Place(window)
	if err != nil {
		return nil // it went away
	}
	free := desk.Sub(place.Area.Size())
	to := image.Pt(max(0, free.X/2), max(0, free.Y/2))
	err = w.conn.MoveTo(window, to.Sub(place.Inside.Min))
	w.await(func() bool {
		place, err := w.conn.Place(window)
		return err != nil || place.Area.Min == to
	})
	return err
}

// await waits until something is so, for a while: a manager may do as it wants.
func (w *Windows) await(so func() bool) {
	end := time.NewTimer(settle)
	defer end.Stop()
	for !so() {
		select {
		case <-w.conn.Changed():
		case <-end.C:
			return
		case <-w.closed:
			return
		}
	}
}
