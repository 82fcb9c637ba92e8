package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"hither/fusion"
	"hither/mirror/wire"
)

// console is a VM's screen that can be shot and typed on.
type console struct {
	shots  int
	shade  byte
	err    error
	struck [][]uint16
}

func (c *console) shot(context.Context) ([]byte, error) {
	c.shots++
	if c.err != nil {
		return nil, c.err
	}
	picture := image.NewRGBA(image.Rect(0, 0, 80, 70))
	picture.Set(79, 69, color.RGBA{c.shade, 2, 3, 255})
	var b bytes.Buffer
	err := png.Encode(&b, picture)
	return b.Bytes(), err
}

func (c *console) strike(_ context.Context, keys []uint16) error {
	c.struck = append(c.struck, keys)
	return nil
}

func (c *console) open(t *testing.T) Source {
	t.Helper()
	s, err := Shots(t.Context(), ShotsConfig{Shot: c.shot, Strike: c.strike})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestShotsTellOfChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &console{shade: 9}
		s := c.open(t)
		change, err := s.Next()
		if err != nil || change.Width != 80 || change.Height != 70 {
			t.Fatalf("%+v, %v", change, err)
		}
		if at := change.Whole.Pix[69*change.Whole.Stride+79*4:]; at[0] != 3 || at[1] != 2 || at[2] != 9 {
			t.Errorf("the pixel is % x", at[:3])
		}
		if c.shots != 1 {
			t.Errorf("%d screenshots for one picture", c.shots)
		}
		// At rest it is looked at once a second, and soon after a key.
		c.shots = 0
		time.AfterFunc(10*time.Second, s.Wake)
		if change, err := s.Next(); err != nil || change.Whole != nil || c.shots < 8 || c.shots > 13 {
			t.Errorf("%d looks in 10 s, %+v, %v", c.shots, change, err)
		}
		time.AfterFunc(300*time.Millisecond, func() {
			c.shade = 200
			if err := s.Input(wire.Key{Code: 30, Down: true}); err != nil {
				t.Error(err)
			}
		})
		start := time.Now()
		if change, err := s.Next(); err != nil || change.Whole == nil || time.Since(start) > 600*time.Millisecond {
			t.Errorf("after %v: %+v, %v", time.Since(start), change, err)
		}
		// Nobody waits, nobody looks.
		c.shots = 0
		time.Sleep(time.Minute)
		if c.shots != 0 {
			t.Errorf("%d looks for nobody", c.shots)
		}
		c.err = &fusion.Error{Op: "screen.shot", Cause: fusion.ErrInvalid, Detail: "it is off"}
		if _, err := s.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("the end is %v", err)
		}
	})
}

func TestShotsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("libvirt is busy")
		c := &console{err: broken}
		if _, err := Shots(t.Context(), ShotsConfig{Shot: c.shot, Strike: c.strike}); !errors.Is(err, broken) {
			t.Errorf("opened with %v", err)
		}
		c.err = nil
		s := c.open(t)
		if _, err := s.Next(); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, func() { _ = s.Close() }) // it promises nothing else
		if _, err := s.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("after Close: %v", err)
		}
		if err := s.Resize(1, 1); !errors.Is(err, fusion.ErrUnsupported) {
			t.Errorf("resized: %v", err)
		}
	})
}

func TestKeysOfShots(t *testing.T) {
	const a, shift, ctrl, alt, meta, enter = 30, 42, 29, 56, 125, 28
	c := &console{}
	s := c.open(t)
	defer s.Close()
	for _, key := range []struct {
		code uint16
		down bool
		says string // what is struck by then
	}{
		{a, true, "[30]"}, {a, false, ""}, {a, true, "[30]"}, {a, true, "[30]"}, // it repeats
		{shift, true, ""}, {a, true, "[42 30]"}, {shift, false, ""},
		{ctrl, true, ""}, {ctrl, true, ""}, {alt, true, ""}, {111, true, "[29 56 111]"}, {alt, false, ""}, {ctrl, false, ""},
		{meta, true, ""}, {meta, false, "[125]"}, // alone
		{ctrl, true, ""}, {meta, true, ""}, {meta, false, "[29 125]"}, {ctrl, false, ""},
		{shift, false, ""}, {enter, true, "[28]"},
	} {
		c.struck = nil
		if err := s.Input(wire.Key{Code: key.code, Down: key.down}); err != nil {
			t.Fatal(err)
		}
		said := ""
		for _, keys := range c.struck {
			said += fmt.Sprint(keys)
		}
		if said != key.says {
			t.Errorf("%d, down %v: struck %q, want %q", key.code, key.down, said, key.says)
		}
	}
	c.struck = nil
	var untyped *UntypedError
	if err := s.Input(wire.Text{Text: "aÄ!\n"}); !errors.As(err, &untyped) || untyped.Text != "Ä" {
		t.Errorf("typed: %v", err)
	}
	if said := fmt.Sprint(c.struck); said != "[[30] [42 2] [28]]" {
		t.Errorf("struck %s", said)
	}
	c.struck = nil
	for _, event := range []wire.Message{wire.Pointer{X: 1}, wire.Button{Button: wire.LeftButton, Down: true}, wire.Wheel{DY: 120}} {
		if err := s.Input(event); err != nil || len(c.struck) > 0 {
			t.Errorf("%T: %v, %v", event, err, c.struck)
		}
	}
	if err := s.Input(wire.Ping{}); !errors.Is(err, fusion.ErrInvalid) {
		t.Errorf("a ping is input: %v", err)
	}
}

func TestScreenshotsThatAreNone(t *testing.T) {
	whole, err := (&console{}).shot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for what, data := range map[string][]byte{"nothing": nil, "text": []byte("P6 1 1"), "half": whole[:len(whole)/2]} {
		if _, err := fromPNG(data, nil); !errors.Is(err, fusion.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	grey := image.NewGray(image.Rect(0, 0, 3, 2))
	grey.Set(2, 1, color.Gray{7})
	var b bytes.Buffer
	if err := png.Encode(&b, grey); err != nil {
		t.Fatal(err)
	}
	p, err := fromPNG(b.Bytes(), nil)
	if err != nil || p.Pix[p.Stride+8] != 7 || p.Pix[p.Stride+10] != 7 {
		t.Errorf("grey: %v, %v", p, err)
	}
	again, err := fromPNG(b.Bytes(), p)
	if err != nil || again != p {
		t.Errorf("a picture of its size was not used: %v", err)
	}
}
