package clip

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"hither/mirror/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeBoard is a clipboard in memory.
type fakeBoard struct {
	content map[string][]byte
	hold    bool // reads are not answered
	offered []string
	ask     func(string, Done)
}

func (b *fakeBoard) Read(mime string, done Done) {
	switch content, has := b.content[mime]; {
	case b.hold:
	case !has:
		done(nil, errGone)
	default:
		done(content, nil)
	}
}

func (b *fakeBoard) Offer(types []string, ask func(string, Done)) { b.offered, b.ask = types, ask }

// half is one side under test.
type half struct {
	*Exchange
	board fakeBoard
	moved []string
}

func newHalf(side wire.Side) *half {
	h := &half{}
	h.Exchange = New(side, &h.board, Config{Notify: func() {}, Display: string('a' + rune(side)),
		Moved: func(here bool, mime string, n int) { h.moved = append(h.moved, mime) }})
	h.Allow(true)
	return h
}

// paste asks for what was offered and tells when it is there.
func (h *half) paste(mime string) *pasted {
	p := &pasted{}
	h.board.ask(mime, func(content []byte, err error) { p.n++; p.content, p.err = content, err })
	return p
}

type pasted struct {
	n       int
	content []byte
	err     error
}

// talk carries messages until nobody has one, and counts them.
func talk(a, b *half) (n int) {
	for {
		m, back := a.Next(), b.Next()
		if m == nil && back == nil {
			return n
		}
		if m != nil {
			b.Take(m)
			n++
		}
		if back != nil {
			a.Take(back)
			n++
		}
	}
}

func TestContentMovesWhenPasted(t *testing.T) {
	host, viewer := newHalf(wire.HostSide), newHalf(wire.ViewerSide)
	text, picture := []byte("屏幕\xff"), bytes.Repeat([]byte("png!"), 1<<18)
	viewer.board.content = map[string][]byte{wire.PlainText: text, wire.PNG: picture}
	viewer.Have([]string{wire.PlainText, wire.PNG})
	if n := talk(host, viewer); n != 1 || len(host.moved)+len(viewer.moved) != 0 {
		t.Fatalf("%d messages for an offer, moved %q %q", n, host.moved, viewer.moved)
	}
	if !slices.Equal(host.board.offered, []string{wire.PlainText, wire.PNG}) {
		t.Fatalf("offered %q", host.board.offered)
	}
	first, second := host.paste(wire.PNG), host.paste(wire.PlainText)
	talk(host, viewer)
	if first.err != nil || !bytes.Equal(first.content, picture) {
		t.Errorf("%d bytes, %v", len(first.content), first.err)
	}
	if second.err != nil || string(second.content) != "屏幕\uFFFD" {
		t.Errorf("%q, %v", second.content, second.err)
	}
	if want := []string{wire.PNG, wire.PlainText}; !slices.Equal(host.moved, want) || !slices.Equal(viewer.moved, want) {
		t.Errorf("told of %q and %q", host.moved, viewer.moved)
	}
	if p := host.paste("text/html"); p.err == nil {
		t.Error("pasted what was not offered")
	}
}

func TestNothingMovesUnlessAllowed(t *testing.T) {
	host, viewer := newHalf(wire.HostSide), newHalf(wire.ViewerSide)
	viewer.board.content = map[string][]byte{wire.PlainText: []byte("mine")}
	viewer.Allow(false)
	viewer.Have([]string{wire.PlainText})
	host.Have([]string{wire.PlainText})
	talk(host, viewer)
	if host.board.offered != nil || viewer.board.offered != nil {
		t.Fatalf("offered %q and %q", host.board.offered, viewer.board.offered)
	}
	host.Take(wire.ClipOffer{From: wire.ViewerSide, Serial: viewer.serial, Types: []string{wire.PlainText}})
	p := host.paste(wire.PlainText)
	talk(host, viewer)
	if p.n != 1 || !errors.Is(p.err, errRefused) {
		t.Errorf("pasted %q, %v", p.content, p.err)
	}
	viewer.Allow(true)
	if !slices.Equal(viewer.board.offered, []string{wire.PlainText}) {
		t.Error("what the host offered meanwhile is not there")
	}
}

func TestOffersAreNotEchoed(t *testing.T) {
	host, viewer := newHalf(wire.HostSide), newHalf(wire.ViewerSide)
	host.Have([]string{wire.PlainText})
	viewer.Have([]string{wire.PNG})
	viewer.Take(host.Next())
	if m := viewer.Next(); m != nil {
		t.Errorf("said %#v after taking over an offer", m)
	}
	viewer.Take(wire.ClipWant{From: wire.HostSide, Serial: 1, Type: wire.PNG})
	if m := viewer.Next(); !reflect.DeepEqual(m, wire.ClipData{From: wire.ViewerSide, Serial: 1, Last: true, Refused: true}) {
		t.Errorf("gave %#v of what is gone", m)
	}
	self := newHalf(wire.ViewerSide)
	self.cfg.Display = host.cfg.Display
	host.Have([]string{wire.PNG})
	self.Take(host.Next())
	if self.board.offered != nil {
		t.Error("took the clipboard of the same display over")
	}
}

func TestOfTwoOffersThatCrossTheViewersStays(t *testing.T) {
	host, viewer := newHalf(wire.HostSide), newHalf(wire.ViewerSide)
	for range 3 {
		viewer.board.content = map[string][]byte{wire.PlainText: []byte("viewer's")}
		viewer.Have([]string{wire.PlainText})
		host.Have([]string{wire.PNG})
		host.board.offered, viewer.board.offered = nil, nil
		mine, theirs := viewer.Next(), host.Next()
		host.Take(mine)
		viewer.Take(theirs)
		talk(host, viewer)
		if viewer.board.offered != nil || !slices.Equal(host.board.offered, []string{wire.PlainText}) {
			t.Fatalf("offered %q here and %q there", viewer.board.offered, host.board.offered)
		}
		p := host.paste(wire.PlainText)
		if talk(host, viewer); string(p.content) != "viewer's" {
			t.Errorf("pasted %q, %v", p.content, p.err)
		}
		host.Have([]string{wire.PNG}) // a later one goes the other way
		talk(host, viewer)
		if !slices.Equal(viewer.board.offered, []string{wire.PNG}) {
			t.Errorf("offered %q after a later copy", viewer.board.offered)
		}
	}
}

func TestSilentSideFailsAPaste(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, viewer := newHalf(wire.HostSide), newHalf(wire.ViewerSide)
		viewer.board.hold = true
		viewer.Have([]string{wire.PlainText})
		talk(host, viewer)
		first, second := host.paste(wire.PlainText), host.paste(wire.PlainText)
		talk(host, viewer)
		time.Sleep(Patience + time.Second)
		synctest.Wait()
		if !errors.Is(first.err, errSilent) || !errors.Is(second.err, errSilent) {
			t.Fatalf("%v, %v", first.err, second.err)
		}
		if p := host.paste(wire.PlainText); !errors.Is(p.err, errSilent) {
			t.Errorf("waits again: %v", p.err)
		}
		viewer.board.hold, viewer.board.content = false, map[string][]byte{wire.PlainText: []byte("x")}
		viewer.Have([]string{wire.PlainText})
		talk(host, viewer)
		p := host.paste(wire.PlainText)
		if talk(host, viewer); string(p.content) != "x" {
			t.Errorf("after a new offer: %q, %v", p.content, p.err)
		}
	})
}

func TestTrickleFailsAPaste(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newHalf(wire.HostSide)
		host.Take(wire.ClipOffer{From: wire.ViewerSide, Serial: 1, Types: []string{wire.PlainText}})
		p := host.paste(wire.PlainText)
		host.Next()
		began := time.Now()
		for p.n == 0 {
			host.Take(wire.ClipData{From: wire.ViewerSide, Serial: 1, Bytes: []byte("x")})
			time.Sleep(Patience / 2)
			synctest.Wait()
		}
		if took := time.Since(began); !errors.Is(p.err, errSilent) || took > whole+2*Patience {
			t.Errorf("%v after %v", p.err, took)
		}
	})
}

func TestHostileSideIsBounded(t *testing.T) {
	host := newHalf(wire.HostSide)
	host.Take(wire.ClipOffer{From: wire.ViewerSide, Serial: 1, Types: []string{wire.PlainText}})
	all := []*pasted{}
	for range maxQuestions + 1 {
		all = append(all, host.paste(wire.PlainText))
	}
	if last := all[maxQuestions]; !errors.Is(last.err, errBusy) {
		t.Errorf("one too many gave %v", last.err)
	}
	host.Next()
	piece := wire.ClipData{From: wire.ViewerSide, Serial: 1, Bytes: make([]byte, wire.MaxClipChunk)}
	for range wire.MaxClip/wire.MaxClipChunk + 1 {
		host.Take(piece)
	}
	if !errors.Is(all[0].err, errLarge) || all[0].n != 1 {
		t.Errorf("too much gave %v", all[0].err)
	}
	for range 1000 {
		host.Take(wire.ClipWant{From: wire.ViewerSide, Serial: 7, Type: wire.PNG})
	}
	n := 0
	for host.Next() != nil {
		n++
	}
	if n != 1 {
		t.Errorf("%d answers wait", n)
	}
	host.Close()
	if p := host.paste(wire.PlainText); p.err == nil {
		t.Error("pasted after Close")
	}
}

func TestRestartTellsAgain(t *testing.T) {
	host, viewer := newHalf(wire.HostSide), newHalf(wire.ViewerSide)
	viewer.Have([]string{wire.PlainText})
	talk(host, viewer)
	p := host.paste(wire.PlainText)
	host.Close()
	if p.err == nil {
		t.Error("a paste outlives its view")
	}
	host = newHalf(wire.HostSide)
	viewer.Restart()
	if talk(host, viewer); len(host.board.offered) != 1 {
		t.Error("not offered to the new host")
	}
}
