package surface

import (
	"fmt"
	"image"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"
)

// window is a window of the session. It belongs to the thread of run, which
// alone may change it; others leave wishes.
type window struct {
	hwnd   uintptr
	hear   func(message uint32, wParam, lParam uintptr) (answer uintptr, done bool)
	closed chan struct{} // when it is gone

	// Owned by run's thread.
	full   bool
	before winRect // its place before full screen
	cursor uintptr // shown over the picture; 0 is the arrow

	mu   sync.Mutex // guards the field below
	wish wishes
}

// wishes are what the window is to become; the newest of each counts.
type wishes struct {
	title  *string
	area   *image.Point // of the picture and its frame
	cursor *uintptr
	shut   bool
}

// opened are the windows by their handles: Windows calls one function for all.
var opened sync.Map

// procedure is called by Windows.
var procedure = windows.NewCallback(func(hwnd, message, wParam, lParam uintptr) uintptr {
	if w, ok := opened.Load(hwnd); ok {
		if answer, done := w.(*window).heard(uint32(message), wParam, lParam); done {
			return answer
		}
	}
	answer, _, _ := defWindowProc.Call(hwnd, message, wParam, lParam)
	return answer
})

// class registers the class of our windows once.
var class = sync.OnceValues(func() (*uint16, error) {
	const perMonitorV2 = ^uintptr(3) // -4
	if setDPIAwareness.Find() == nil {
		setDPIAwareness.Call(perMonitorV2) // a pixel of the host is one here; older systems scale
	}
	name, err := windows.UTF16PtrFromString("hither")
	if err != nil {
		return nil, err
	}
	c := winClass{proc: procedure, name: name}
	c.size = uint32(unsafe.Sizeof(c))
	if ok, _, err := registerClass.Call(uintptr(unsafe.Pointer(&c))); ok == 0 {
		return nil, err
	}
	return name, nil
})

// openWindow makes a window whose inside has a size, and shows it. hear is
// called on the window's own thread.
func openWindow(title string, size image.Point, hear func(uint32, uintptr, uintptr) (uintptr, bool)) (*window, error) {
	w := &window{hear: hear, closed: make(chan struct{})}
	made := make(chan error, 1)
	go w.run(title, size, made) // ends when the window is gone
	if err := <-made; err != nil {
		<-w.closed
		return nil, err
	}
	return w, nil
}

func (w *window) run(title string, size image.Point, made chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(w.closed)
	err := w.create(title, size)
	made <- err
	if err != nil {
		return
	}
	defer opened.Delete(w.hwnd)
	var m winMessage
	for {
		// Without TranslateMessage: keys count by their place, not by their letter.
		if more, _, _ := getMessage.Call(uintptr(unsafe.Pointer(&m)), 0, 0, 0); int32(more) <= 0 {
			return
		}
		dispatchMessage.Call(uintptr(unsafe.Pointer(&m)))
	}
}

func (w *window) create(title string, size image.Point) error {
	name, err := class()
	if err != nil {
		return fmt.Errorf("window class: %w", err)
	}
	text, err := windows.UTF16PtrFromString(title)
	if err != nil {
		return err
	}
	const anywhere = 0x80000000 // CW_USEDEFAULT
	outer := framed(image.Rectangle{Max: size}).size()
	w.hwnd, _, err = createWindow.Call(0, uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(text)), styleWindow,
		anywhere, anywhere, uintptr(outer.X), uintptr(outer.Y), 0, 0, 0, 0)
	if w.hwnd == 0 {
		return fmt.Errorf("window: %w", err)
	}
	opened.Store(w.hwnd, w)
	const normal = 1
	showWindow.Call(w.hwnd, normal)
	return nil
}

// framed gives the place of a window with its title and borders around an area.
func framed(area image.Rectangle) winRect {
	r := toRect(area)
	adjustWindowRect.Call(uintptr(unsafe.Pointer(&r)), styleWindow, 0, 0)
	return r
}

func (w *window) heard(message uint32, wParam, lParam uintptr) (uintptr, bool) {
	const inside = 1 // HTCLIENT
	switch {
	case message == wmWishes:
		w.fulfil()
		return 0, true
	case message == wmDestroy:
		postQuitMessage.Call(0)
		return 0, true
	case message == wmSetCursor && low(lParam) == inside:
		w.point()
		return 1, true
	}
	return w.hear(message, wParam, lParam)
}

// want leaves wishes.
func (w *window) want(change func(*wishes)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.wish)
	postMessage.Call(w.hwnd, wmWishes, 0, 0)
}

// fulfil makes the window what was wished.
func (w *window) fulfil() {
	w.mu.Lock()
	wish := w.wish
	w.wish = wishes{}
	w.mu.Unlock()
	if wish.title != nil {
		if text, err := windows.UTF16PtrFromString(*wish.title); err == nil { // plainTitle left no zero
			setWindowText.Call(w.hwnd, uintptr(unsafe.Pointer(text)))
		}
	}
	if wish.area != nil && !w.full {
		const noMove, noOrder, noActivate = 0x0002, 0x0004, 0x0010
		size := framed(image.Rectangle{Max: *wish.area}).size()
		setWindowPos.Call(w.hwnd, 0, 0, 0, uintptr(size.X), uintptr(size.Y), noMove|noOrder|noActivate)
	}
	if wish.cursor != nil {
		old := w.cursor
		w.cursor = *wish.cursor
		w.point()
		if old != 0 {
			destroyIcon.Call(old)
		}
	}
	if wish.shut {
		destroyWindow.Call(w.hwnd)
	}
}

// point shows the cursor.
func (w *window) point() {
	cursor := w.cursor
	if cursor == 0 {
		const arrow = 32512
		cursor, _, _ = loadCursor.Call(0, arrow)
	}
	setCursor.Call(cursor)
}

// toggleFull fills the monitor, or goes back. Only the window's thread may call
// it.
func (w *window) toggleFull() {
	const noOrder, changed = 0x0004, 0x0020
	style, style16 := uintptr(styleFull|styleShown), ^uintptr(15) // GWL_STYLE is -16
	to := w.before
	if w.full = !w.full; w.full {
		getWindowRect.Call(w.hwnd, uintptr(unsafe.Pointer(&w.before)))
		to = w.monitor().whole
	} else {
		style = styleWindow | styleShown
	}
	setWindowLong.Call(w.hwnd, style16, style)
	size := to.size()
	setWindowPos.Call(w.hwnd, 0, uintptr(to.left), uintptr(to.top), uintptr(size.X), uintptr(size.Y), noOrder|changed)
}

// monitor gives the one that the window is on; 0 is the primary one.
func (w *window) monitor() winMonitor {
	const nearest = 2
	at, _, _ := monitorFromWindow.Call(w.hwnd, nearest)
	m := winMonitor{}
	m.size = uint32(unsafe.Sizeof(m))
	getMonitorInfo.Call(at, uintptr(unsafe.Pointer(&m)))
	return m
}

// close takes the window away and waits for its thread.
func (w *window) close() {
	w.want(func(wish *wishes) { wish.shut = true })
	<-w.closed
	if w.cursor != 0 {
		destroyIcon.Call(w.cursor)
	}
}
