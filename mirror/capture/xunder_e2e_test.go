//go:build e2e && linux

package capture

import (
	"testing"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// TestAPopupsClearPlacesShowTheWindowBelow has what a popover has: an alpha
// channel, an edge that is clear, and a window that it belongs to.
func TestAPopupsClearPlacesShowTheWindowBelow(t *testing.T) {
	display, _ := xvfb(t, "-screen", "0", "400x300x24")
	conn, err := xgb.NewConnDisplay(display)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		for {
			if e, err := conn.WaitForEvent(); e == nil && err == nil {
				return
			}
		}
	})
	screen := xproto.Setup(conn).DefaultScreen(conn)
	visual := xproto.Visualid(0)
	for _, depth := range screen.AllowedDepths {
		if depth.Depth == 32 {
			visual = depth.Visuals[0].VisualId
		}
	}
	must := func(c interface{ Check() error }) {
		t.Helper()
		if err := c.Check(); err != nil {
			t.Fatal(err)
		}
	}
	parent, _ := xproto.NewWindowId(conn)
	popup, _ := xproto.NewWindowId(conn)
	colours, _ := xproto.NewColormapId(conn)
	gc, _ := xproto.NewGcontextId(conn)
	must(xproto.CreateWindowChecked(conn, 24, parent, screen.Root, 50, 60, 100, 80, 0, xproto.WindowClassInputOutput,
		screen.RootVisual, xproto.CwBackPixel, []uint32{0x204060}))
	must(xproto.MapWindowChecked(conn, parent))
	must(xproto.CreateColormapChecked(conn, xproto.ColormapAllocNone, colours, screen.Root, visual))
	must(xproto.CreateWindowChecked(conn, 32, popup, screen.Root, 130, 100, 60, 20, 0, xproto.WindowClassInputOutput, visual,
		xproto.CwBackPixel|xproto.CwBorderPixel|xproto.CwOverrideRedirect|xproto.CwColormap, []uint32{0, 0, 1, uint32(colours)}))
	must(xproto.MapWindowChecked(conn, popup))
	fill := func(pixel uint32, r xproto.Rectangle) {
		t.Helper()
		must(xproto.ChangeGCChecked(conn, gc, xproto.GcForeground, []uint32{pixel}))
		must(xproto.PolyFillRectangleChecked(conn, xproto.Drawable(popup), gc, []xproto.Rectangle{r}))
	}
	must(xproto.CreateGCChecked(conn, gc, xproto.Drawable(popup), 0, nil))
	fill(0xffaabbcc, xproto.Rectangle{X: 2, Y: 2, Width: 56, Height: 16})

	all, err := X11Windows(t.Context(), X11Config{Display: display})
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	below, err := all.Open(t.Context(), uint32(parent), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer below.Close()
	s, err := all.Open(t.Context(), uint32(popup), uint32(parent))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	change, err := s.Next()
	if err != nil || change.Whole == nil {
		t.Fatalf("%+v %v", change, err)
	}
	pixel := func(x, y int) uint32 { return le.Uint32(change.Whole.Pix[y*change.Whole.Stride+x*4:]) & 0xffffff }
	for _, at := range [][2]int{{0, 0}, {1, 19}, {19, 0}, {59, 19}} { // the last one is beside the parent
		if got := pixel(at[0], at[1]); got != 0x204060 {
			t.Errorf("the clear edge at %v is %06x", at, got)
		}
	}
	if got := pixel(30, 10); got != 0xaabbcc {
		t.Errorf("the middle is %06x", got)
	}

	fill(0x80400000, xproto.Rectangle{X: 0, Y: 0, Width: 5, Height: 5}) // a shadow
	change, err = s.Next()
	if err != nil || len(change.Patches) != 1 {
		t.Fatalf("%+v %v", change, err)
	}
	if got := le.Uint32(change.Patches[0].Pix) & 0xffffff; got != 0x502030 {
		t.Errorf("the shadow is %06x", got)
	}
}
