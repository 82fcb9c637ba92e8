package surface

import (
	"image"
	"unsafe"

	"golang.org/x/sys/windows"
)

// What is used of user32 and gdi32; the names are Windows' own (winuser.h,
// wingdi.h).
var (
	user32 = windows.NewLazySystemDLL("user32.dll")
	gdi32  = windows.NewLazySystemDLL("gdi32.dll")

	registerClass     = user32.NewProc("RegisterClassExW")
	createWindow      = user32.NewProc("CreateWindowExW")
	defWindowProc     = user32.NewProc("DefWindowProcW")
	destroyWindow     = user32.NewProc("DestroyWindow")
	showWindow        = user32.NewProc("ShowWindow")
	getMessage        = user32.NewProc("GetMessageW")
	peekMessage       = user32.NewProc("PeekMessageW")
	dispatchMessage   = user32.NewProc("DispatchMessageW")
	postMessage       = user32.NewProc("PostMessageW")
	postQuitMessage   = user32.NewProc("PostQuitMessage")
	setWindowText     = user32.NewProc("SetWindowTextW")
	setWindowPos      = user32.NewProc("SetWindowPos")
	setWindowLong     = user32.NewProc("SetWindowLongW")
	getWindowRect     = user32.NewProc("GetWindowRect")
	getClientRect     = user32.NewProc("GetClientRect")
	adjustWindowRect  = user32.NewProc("AdjustWindowRectEx")
	monitorFromWindow = user32.NewProc("MonitorFromWindow")
	getMonitorInfo    = user32.NewProc("GetMonitorInfoW")
	setDPIAwareness   = user32.NewProc("SetProcessDpiAwarenessContext")
	setCapture        = user32.NewProc("SetCapture")
	releaseCapture    = user32.NewProc("ReleaseCapture")
	loadCursor        = user32.NewProc("LoadCursorW")
	setCursor         = user32.NewProc("SetCursor")
	createIcon        = user32.NewProc("CreateIconIndirect")
	destroyIcon       = user32.NewProc("DestroyIcon")
	screenToClient    = user32.NewProc("ScreenToClient")
	getDC             = user32.NewProc("GetDC")
	releaseDC         = user32.NewProc("ReleaseDC")
	beginPaint        = user32.NewProc("BeginPaint")
	endPaint          = user32.NewProc("EndPaint")
	fillRect          = user32.NewProc("FillRect")

	createSolidBrush = gdi32.NewProc("CreateSolidBrush")
	stretchDIBits    = gdi32.NewProc("StretchDIBits")
	gdiFlush         = gdi32.NewProc("GdiFlush")
	createBitmap     = gdi32.NewProc("CreateBitmap")
	deleteObject     = gdi32.NewProc("DeleteObject")
)

// Messages of a window.
const (
	wmNull        = 0x0000
	wmDestroy     = 0x0002
	wmSize        = 0x0005
	wmKillFocus   = 0x0008
	wmPaint       = 0x000f
	wmClose       = 0x0010
	wmErase       = 0x0014
	wmSetCursor   = 0x0020
	wmKeyDown     = 0x0100
	wmKeyUp       = 0x0101
	wmSysKeyDown  = 0x0104
	wmSysKeyUp    = 0x0105
	wmSysChar     = 0x0106
	wmMouseMove   = 0x0200
	wmLeftDown    = 0x0201
	wmLeftUp      = 0x0202
	wmRightDown   = 0x0204
	wmRightUp     = 0x0205
	wmMiddleDown  = 0x0207
	wmMiddleUp    = 0x0208
	wmWheel       = 0x020a
	wmXDown       = 0x020b
	wmXUp         = 0x020c
	wmWheelAcross = 0x020e
	wmWishes      = 0x8001 // ours: see window.wishes
)

const (
	styleWindow = 0x00cf0000 // WS_OVERLAPPEDWINDOW
	styleFull   = 0x80000000 // WS_POPUP
	styleShown  = 0x10000000 // WS_VISIBLE
)

// winClass is WNDCLASSEXW.
type winClass struct {
	size, style        uint32
	proc               uintptr
	clsExtra, wndExtra int32
	instance, icon     uintptr
	cursor, background uintptr
	menu, name         *uint16
	smallIcon          uintptr
}

// winMessage is MSG.
type winMessage struct {
	window          uintptr
	message         uint32
	wParam, lParam  uintptr
	time            uint32
	x, y            int32
	private, unused uint32
}

// winRect is RECT.
type winRect struct{ left, top, right, bottom int32 }

func (r winRect) size() image.Point { return image.Pt(int(r.right-r.left), int(r.bottom-r.top)) }

func toRect(r image.Rectangle) winRect {
	return winRect{int32(r.Min.X), int32(r.Min.Y), int32(r.Max.X), int32(r.Max.Y)}
}

// winMonitor is MONITORINFO.
type winMonitor struct {
	size        uint32
	whole, work winRect
	flags       uint32
}

// winPaint is PAINTSTRUCT.
type winPaint struct {
	device   uintptr
	erase    int32
	paint    winRect
	reserved [40]byte
}

// winIcon is ICONINFO.
type winIcon struct {
	icon, hotX, hotY uint32
	mask, color      uintptr
}

// winBitmap is BITMAPINFOHEADER.
type winBitmap struct {
	size          uint32
	width, height int32
	planes, bits  uint16
	compression   uint32
	imageSize     uint32
	xPels, yPels  int32
	used, needed  uint32
}

// topDown describes rows of B G R X from the top.
func topDown(width, height int) winBitmap {
	b := winBitmap{width: int32(width), height: -int32(height), planes: 1, bits: 32}
	b.size = uint32(unsafe.Sizeof(b))
	return b
}

func low(n uintptr) int  { return int(int16(n)) }
func high(n uintptr) int { return int(int16(n >> 16)) }
