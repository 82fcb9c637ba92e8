//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

const (
	width, height = 1920, 1080
	lineHeight    = 15
	fontAscent    = 11
	columns       = 240
	perSecond     = 60
	sourceSize    = "1920x1080"
)

// patch is what scene "patch" fills; line is where scene "line" writes;
// lastLine is the newest line of the terminal.
var (
	patch    = image.Rect(600, 400, 664, 464)
	line     = image.Rect(60, 700, 60+80*6, 700+lineHeight)
	lastLine = image.Rect(0, height-lineHeight, 300, height)
)

// canvas is the usual app under test: an X client that covers its display and
// draws something for each key. It obeys one command a line on standard input
// and answers each with a line.
type canvas struct {
	conn   *xgb.Conn
	win    xproto.Window
	back   xproto.Pixmap // where scene "redraw" draws before it shows
	gc     xproto.Gcontext
	scene  string
	count  uint32
	random *rand.Rand
	film   film
}

func runApp(args []string) error {
	if len(args) != 1 {
		return errors.New("app wants a display")
	}
	conn, err := xgb.NewConnDisplay(args[0])
	if err != nil {
		return err
	}
	c := &canvas{conn: conn, random: rand.New(rand.NewPCG(1, 2))}
	if err := c.open(); err != nil {
		return err
	}
	commands := make(chan string)
	go func() {
		defer close(commands)
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			commands <- lines.Text()
		}
	}()
	events := make(chan xgb.Event)
	go func() {
		defer close(events)
		for {
			e, xerr := conn.WaitForEvent()
			if e == nil && xerr == nil {
				return
			}
			events <- e
		}
	}()
	return c.loop(commands, events)
}

func (c *canvas) open() error {
	screen := xproto.Setup(c.conn).DefaultScreen(c.conn)
	var err error
	if c.win, err = xproto.NewWindowId(c.conn); err != nil {
		return err
	}
	if c.gc, err = xproto.NewGcontextId(c.conn); err != nil {
		return err
	}
	font, err := xproto.NewFontId(c.conn)
	if err != nil {
		return err
	}
	err = xproto.CreateWindowChecked(c.conn, screen.RootDepth, c.win, screen.Root, 0, 0, width, height, 0,
		xproto.WindowClassInputOutput, screen.RootVisual,
		xproto.CwBackPixel|xproto.CwOverrideRedirect|xproto.CwEventMask,
		[]uint32{0x202830, 1, xproto.EventMaskKeyPress | xproto.EventMaskExposure}).Check()
	if err != nil {
		return err
	}
	const name = "fixed"
	if err := xproto.OpenFontChecked(c.conn, font, uint16(len(name)), name).Check(); err != nil {
		return err
	}
	err = xproto.CreateGCChecked(c.conn, c.gc, xproto.Drawable(c.win),
		xproto.GcForeground|xproto.GcBackground|xproto.GcFont|xproto.GcGraphicsExposures,
		[]uint32{0xe0e0e0, 0x101010, uint32(font), 0}).Check()
	if err != nil {
		return err
	}
	if c.back, err = xproto.NewPixmapId(c.conn); err != nil {
		return err
	}
	err = xproto.CreatePixmapChecked(c.conn, screen.RootDepth, c.back, xproto.Drawable(c.win), width, height).Check()
	if err != nil {
		return err
	}
	if err := xproto.MapWindowChecked(c.conn, c.win).Check(); err != nil {
		return err
	}
	if err := xproto.SetInputFocusChecked(c.conn, xproto.InputFocusPointerRoot, c.win, xproto.TimeCurrentTime).Check(); err != nil {
		return err
	}
	fmt.Println("ready")
	return nil
}

func (c *canvas) loop(commands <-chan string, events <-chan xgb.Event) error {
	for {
		select {
		case command, open := <-commands:
			if !open {
				return nil
			}
			answer, err := c.obey(command)
			if err != nil {
				return err
			}
			fmt.Println(answer)
		case e, open := <-events:
			if !open {
				return errors.New("the display is gone")
			}
			if _, ok := e.(xproto.KeyPressEvent); ok {
				c.key()
			}
		}
	}
}

// obey enters a scene: "patch", "line", "copy", "redraw" or "film". Then
// "scroll DURATION" scrolls in "copy" and "redraw": a terminal that moves its
// old lines as xterm does, which a server that is part of the X server sees, or
// one that draws all of itself anew, as most do now. "show DURATION" plays in
// "film".
func (c *canvas) obey(command string) (answer string, err error) {
	name, rest, _ := strings.Cut(command, " ")
	switch name {
	case "scroll", "show":
		length, err := time.ParseDuration(rest)
		if err != nil {
			return "", err
		}
		if name == "scroll" {
			answer = strconv.Itoa(c.scroll(length))
		} else {
			answer = c.play(length)
		}
		return answer, c.sync()
	}
	return "ok", c.enter(command)
}

func (c *canvas) enter(scene string) error {
	c.scene = scene
	xproto.ClearArea(c.conn, false, c.win, 0, 0, 0, 0)
	switch scene {
	case "copy", "redraw":
		c.fillBack()
		c.showBack()
	case "film":
		if err := c.film.load(c); err != nil {
			return err
		}
	}
	// An xterm that was there may have taken the focus with it.
	return xproto.SetInputFocusChecked(c.conn, xproto.InputFocusPointerRoot, c.win, xproto.TimeCurrentTime).Check()
}

// fillBack fills the back with lines of text.
func (c *canvas) fillBack() {
	xproto.ChangeGC(c.conn, c.gc, xproto.GcForeground, []uint32{0x101010})
	xproto.PolyFillRectangle(c.conn, xproto.Drawable(c.back), c.gc, []xproto.Rectangle{{Width: width, Height: height}})
	xproto.ChangeGC(c.conn, c.gc, xproto.GcForeground, []uint32{0xe0e0e0})
	for y := 0; y < height; y += lineHeight {
		c.text(xproto.Drawable(c.back), 0, y, words(c.random, columns))
	}
}

func (c *canvas) showBack() {
	xproto.CopyArea(c.conn, xproto.Drawable(c.back), xproto.Drawable(c.win), c.gc, 0, 0, 0, 0, width, height)
}

func (c *canvas) sync() error {
	_, err := xproto.GetInputFocus(c.conn).Reply()
	return err
}

// key draws what the scene draws for a key.
func (c *canvas) key() {
	c.count++
	switch c.scene {
	case "patch":
		color := 0xff8000 ^ (c.count%2)*0xffffff
		xproto.ChangeGC(c.conn, c.gc, xproto.GcForeground, []uint32{color})
		xproto.PolyFillRectangle(c.conn, xproto.Drawable(c.win), c.gc, []xproto.Rectangle{{
			X: int16(patch.Min.X), Y: int16(patch.Min.Y), Width: uint16(patch.Dx()), Height: uint16(patch.Dy())}})
		xproto.ChangeGC(c.conn, c.gc, xproto.GcForeground, []uint32{0xe0e0e0})
	case "line":
		c.text(xproto.Drawable(c.win), line.Min.X, line.Min.Y, words(c.random, 80))
	}
}

func (c *canvas) text(on xproto.Drawable, x, y int, s string) {
	xproto.ImageText8(c.conn, byte(len(s)), on, c.gc, int16(x), int16(y+fontAscent), s)
}

// scroll writes new lines at the bottom, 60 in a second, and gives their number.
func (c *canvas) scroll(length time.Duration) int {
	ticker := time.NewTicker(time.Second / perSecond)
	defer ticker.Stop()
	n := int(length.Seconds() * perSecond)
	for range n {
		<-ticker.C
		on := xproto.Drawable(c.win)
		if c.scene == "redraw" {
			on = xproto.Drawable(c.back)
		}
		xproto.CopyArea(c.conn, on, on, c.gc, 0, lineHeight, 0, 0, width, height-lineHeight)
		c.text(on, 0, height-lineHeight, words(c.random, columns))
		if c.scene == "redraw" {
			c.showBack()
		}
	}
	return n
}
