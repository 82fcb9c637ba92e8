package tray

import (
	"bytes"
	"context"
	"errors"
	"image/png"
	"iter"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"

	"hither/fusion"
)

// sample is what a node with two other computers tells.
func sample() []fusion.Event {
	host := func(id, name string, local, online bool) fusion.Event {
		return fusion.Event{Kind: fusion.EventHost, Host: &fusion.HostInfo{ID: fusion.HostID(id), Name: name, Local: local, Online: online}}
	}
	machine := func(host, name string, kind fusion.MachineKind, state fusion.MachineState) fusion.Event {
		return fusion.Event{Kind: fusion.EventMachine, Machine: &fusion.Machine{Host: host, Name: name, Kind: kind, State: state, Screen: true}}
	}
	return []fusion.Event{
		host("2", "nas", false, true), host("1", "laptop", true, true), host("3", "attic", false, false),
		machine("laptop", "self", fusion.KindSelf, fusion.Running), machine("laptop", "off", fusion.KindVM, fusion.Off),
		machine("nas", "win11", fusion.KindVM, fusion.Running), machine("nas", "self", fusion.KindSelf, fusion.Running),
		machine("nas", "old", fusion.KindVM, fusion.Paused), machine("attic", "x", fusion.KindVM, fusion.Starting),
		{Kind: fusion.EventScreen, Screen: &fusion.Screen{Host: "nas", Name: "self/xcalc-1", Machine: "self", Kind: fusion.ScreenApp, Title: "Calculator\n", App: "xcalc"}},
		{Kind: fusion.EventSession, Session: &fusion.Session{ID: "V1", Name: "nas", What: "/screen", ViewOnly: true}},
		{Kind: fusion.EventSession, Session: &fusion.Session{ID: "V2", Name: "attic", What: "/terminal"}},
		{Kind: fusion.EventSession, Session: &fusion.Session{ID: "V3", Name: "nas", What: "/hither/folder/1"}},
		{Kind: fusion.EventReady},
	}
}

func stateOf(events ...fusion.Event) *State {
	s := NewState()
	for _, e := range events {
		s.Apply(e)
	}
	return s
}

// text draws a menu for comparison.
func text(items []Item, indent string) string {
	var b strings.Builder
	for _, i := range items {
		line := i.Label
		if line == "" {
			line = "---"
		}
		if i.Verb != None {
			line += " [" + strings.TrimSpace(string(i.Verb)+" "+i.Address) + "]"
		}
		b.WriteString(indent + line + "\n" + text(i.Children, indent+"  "))
	}
	return b.String()
}

func TestMenu(t *testing.T) {
	for tag, want := range map[string]string{
		"en-GB": `Everything is fine
---
attic controls this computer
  End it [stop V2]
nas sees this computer
  End it [stop V1]
---
laptop (this computer)
  Nothing is running
attic (offline)
nas
  Desktop [view nas/self]
  old (paused) [view nas/old]
  win11 [view nas/win11]
  Calculator 
    Bring back [view nas/self/xcalc-1]
    End [end nas/self/xcalc-1]
---
Open library [library]
Pair a computer… [pair]
---
Quit [quit]
`,
		"zh_CN.UTF-8": `一切正常
---
attic 正在控制本机
  结束 [stop V2]
nas 正在查看本机
  结束 [stop V1]
---
laptop（本机）
  没有正在运行的内容
attic（离线）
nas
  桌面 [view nas/self]
  old（已暂停） [view nas/old]
  win11 [view nas/win11]
  Calculator 
    重新显示 [view nas/self/xcalc-1]
    结束 [end nas/self/xcalc-1]
---
打开资源库 [library]
配对一台电脑… [pair]
---
退出 [quit]
`,
	} {
		if got := text(Menu(stateOf(sample()...), WordsFor(tag)), ""); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", tag, got, want)
		}
	}
	s := stateOf(sample()...)
	s.Away, s.Note = true, "no node runs here"
	if got, want := text(Menu(s, english), ""), "Hither is not running\nno node runs here\nStart Hither [start]\n---\nQuit [quit]\n"; got != want {
		t.Errorf("away:\n%s", got)
	}
	if got := Menu(NewState(), english); len(got) != 6 {
		t.Errorf("empty: %s", text(got, ""))
	}
}

func TestMoodAndRemoval(t *testing.T) {
	machine := func(state fusion.MachineState) fusion.Event {
		return fusion.Event{Machine: &fusion.Machine{Host: "nas", Name: "win11", State: state}}
	}
	folder := func(state string) fusion.Event {
		return fusion.Event{Folder: &fusion.Folder{Name: "f", State: state}}
	}
	for name, c := range map[string]struct {
		event fusion.Event
		want  Mood
	}{
		"nothing":      {fusion.Event{Kind: fusion.EventReady}, Fine},
		"starting":     {machine(fusion.Starting), Working},
		"stopping":     {machine(fusion.Stopping), Working},
		"failed":       {machine(fusion.Failed), NeedsYou},
		"syncing":      {folder("syncing"), Working},
		"waiting":      {folder("waiting"), Fine},
		"folder error": {folder("error"), NeedsYou},
		"a request":    {fusion.Event{Request: &fusion.AccessRequest{ID: "R", Name: "nas"}}, NeedsYou},
	} {
		if got := stateOf(append(sample(), c.event)...).Mood(); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	gone := fusion.Event{Kind: fusion.EventHost, Removed: true, Host: &fusion.HostInfo{ID: "2", Name: "nas"}}
	if got := text(Menu(stateOf(append(sample(), gone)...), english), ""); strings.Contains(got, "\nnas\n") || strings.Contains(got, "Calc") {
		t.Errorf("a host that is gone is shown:\n%s", got)
	}
}

func TestWordsAreComplete(t *testing.T) {
	for tag, w := range map[string]Words{"en": english, "zh": chinese} {
		v := reflect.ValueOf(w)
		for i := range v.NumField() {
			text, name := v.Field(i).String(), v.Type().Field(i).Name
			if text == "" || strings.Count(text, "%s") != strings.Count(reflect.ValueOf(english).Field(i).String(), "%s") {
				t.Errorf("%s: %s is %q", tag, name, text)
			}
		}
	}
	for tag, want := range map[string]Words{"": english, "C": english, "zh": chinese, "zh-Hans-CN": chinese, "zh_TW.UTF-8": english, "zh-Hant": english, "de": english, "zha": english} {
		if WordsFor(tag) != want {
			t.Errorf("%q: wrong language", tag)
		}
	}
	if got := english.left(65*time.Second + 400*time.Millisecond); got != "Valid for 1:05" {
		t.Errorf("left %q", got)
	}
}

func TestIcon(t *testing.T) {
	base, err := os.ReadFile("../icon.png")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, mood := range []Mood{Fine, Working, NeedsYou} {
		picture, err := Icon(base, mood)
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(picture))
		if err != nil || img.Bounds().Dx() != iconSize || seen[string(picture)] {
			t.Errorf("mood %v: %v, %v", mood, img.Bounds(), err)
		}
		seen[string(picture)] = true
	}
	if _, err := Icon([]byte("no"), Fine); err == nil {
		t.Error("took a broken icon")
	}
}

// fakeNode shows one code, and pairs with one.
type fakeNode struct {
	Node
	used chan fusion.HostInfo
}

func (f *fakeNode) Offer(ctx context.Context) iter.Seq2[Offer, error] {
	return func(yield func(Offer, error) bool) {
		if !yield(Offer{Code: "4711-apple-river-stone", Expires: time.Now().Add(time.Hour)}, nil) {
			return
		}
		select {
		case h := <-f.used:
			yield(Offer{Host: &h}, nil)
		case <-ctx.Done():
		}
	}
}

func (f *fakeNode) Join(_ context.Context, code string) (fusion.HostInfo, error) {
	if code == "1-right" {
		return fusion.HostInfo{Name: "nas", Fingerprint: "ab-cd"}, nil
	}
	return fusion.HostInfo{}, &fusion.Error{Op: "pair", Cause: fusion.ErrInvalid, Detail: "wrong code", Hint: "ask for a new one"}
}

func TestPairingWindow(t *testing.T) {
	app := test.NewTempApp(t)
	node := &fakeNode{used: make(chan fusion.HostInfo, 1)}
	var wg sync.WaitGroup
	closed := false
	var ui sync.Mutex // Fyne's goroutine, for a driver that has none
	draw := func(f func()) {
		ui.Lock()
		defer ui.Unlock()
		f()
	}
	p := newPairing(t.Context(), wg.Go, draw, app, node, english, func() { closed = true })
	until := func(what string, ok func() bool) {
		t.Helper()
		deadline := time.Now().Add(30 * time.Second)
		for done := false; !done; {
			draw(func() { done = ok() })
			if time.Now().After(deadline) {
				t.Fatal("not in time: ", what)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	until("code", func() bool { return p.code.Text == "4711-apple-river-stone" })
	draw(func() { test.Type(p.entry, " 1-wrong "); test.Tap(p.join) })
	until("refusal", func() bool { return p.result.Text == "wrong code; ask for a new one" && !p.join.Disabled() })
	draw(func() { p.entry.SetText("1-right"); test.Tap(p.join) })
	until("joined", func() bool { return strings.Contains(p.result.Text, "ab-cd") })
	node.used <- fusion.HostInfo{Name: "cloud", Fingerprint: "ef"}
	until("used", func() bool { return strings.Contains(p.result.Text, "cloud") && p.again.Visible() })
	draw(p.window.Close)
	wg.Wait()
	if !closed {
		t.Error("closed was not told")
	}
}

func TestErrorsInWords(t *testing.T) {
	err := &fusion.Error{Op: "pair", Path: "x", Cause: fusion.ErrBusy, Hint: "wait"}
	if got := words(err); got != "pair x: busy; wait" {
		t.Errorf("%q", got)
	}
	if got := words(errors.New("plain")); got != "plain" {
		t.Errorf("%q", got)
	}
}
