package tray

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"

	"hither/fusion"
)

// awayPause is between two looks for a node that went away.
const awayPause = time.Second

// agent keeps the tray. One goroutine watches the node, and some run for what a
// person chose; all end with ctx, and Run waits for them. Fyne's
// objects are touched on its own goroutine only.
type agent struct {
	app   fyne.App
	tray  desktop.App
	node  Node
	desk  Desk
	words Words
	icons map[Mood]fyne.Resource

	ctx context.Context
	wg  sync.WaitGroup

	mu    sync.Mutex
	state *State // guarded by mu

	// Of Fyne's goroutine.
	shown   []Item
	mood    Mood
	pairing *pairing
}

// Run shows the tray until the person quits. It must be called on the main
// goroutine; icon is the program's icon as PNG.
func Run(app fyne.App, node Node, desk Desk, words Words, icon []byte) error {
	tray, ok := app.(desktop.App)
	if !ok {
		return &fusion.Error{Op: "tray", Cause: fusion.ErrUnsupported, Hint: "open the library instead: hither-desktop"}
	}
	a := &agent{app: app, tray: tray, node: node, desk: desk, words: words, state: NewState(), icons: map[Mood]fyne.Resource{}}
	for _, mood := range []Mood{Fine, Working, NeedsYou} {
		picture, err := Icon(icon, mood)
		if err != nil {
			return err
		}
		a.icons[mood] = fyne.NewStaticResource([]string{"fine.png", "working.png", "needs-you.png"}[mood], picture)
	}
	app.SetIcon(a.icons[Fine]) // of its windows
	ctx, cancel := context.WithCancel(context.Background())
	defer a.wg.Wait()
	defer cancel()
	a.ctx = ctx
	a.show(Menu(a.state, words), Fine)
	app.Lifecycle().SetOnStarted(func() {
		a.wg.Go(a.start)
		a.wg.Go(a.watch)
	})
	app.Run()
	return nil
}

// watch follows the node until ctx ends.
func (a *agent) watch() {
	for a.ctx.Err() == nil {
		fresh := NewState()
		ready := false
		var failed error
		for e, err := range a.node.Watch(a.ctx) {
			if failed = err; err != nil {
				break
			}
			ready = ready || e.Kind == fusion.EventReady
			if !ready {
				fresh.Apply(e)
				continue
			}
			a.update(func() { // the present state replaces the old one at once
				if fresh != nil {
					a.state, fresh = fresh, nil
				}
				a.state.Apply(e)
			})
		}
		if a.ctx.Err() != nil {
			return
		}
		a.update(func() {
			if !a.state.Away { // else the reason is known, and may be better
				a.state.Away, a.state.Note = true, words(failed)
			}
		})
		select {
		case <-a.ctx.Done():
		case <-time.After(awayPause):
		}
	}
}

// start starts a node if none runs.
func (a *agent) start() {
	if err := a.node.Start(a.ctx); err != nil && a.ctx.Err() == nil {
		a.update(func() { a.state.Away, a.state.Note = true, words(err) })
	}
}

// words says an error to a person: what happened and what to do.
func words(err error) string {
	if err == nil {
		return ""
	}
	var known *fusion.Error
	text := err.Error()
	if errors.As(err, &known) && known.Detail != "" {
		text = known.Detail
	}
	if hint := fusion.Hint(err); hint != "" {
		text += "; " + hint
	}
	return text
}

// update changes the state and shows it, if that makes a difference.
func (a *agent) update(change func()) {
	a.mu.Lock()
	change()
	items, mood := Menu(a.state, a.words), a.state.Mood()
	a.mu.Unlock()
	fyne.Do(func() { a.show(items, mood) })
}

// show puts a menu and an icon into the tray.
func (a *agent) show(items []Item, mood Mood) {
	first := a.shown == nil
	if first || !reflect.DeepEqual(items, a.shown) {
		a.shown = items
		a.tray.SetSystemTrayMenu(fyne.NewMenu("Hither", a.menu(items)...))
	}
	if first || mood != a.mood {
		a.mood = mood
		a.tray.SetSystemTrayIcon(a.icons[mood])
	}
}

func (a *agent) menu(items []Item) []*fyne.MenuItem {
	var all []*fyne.MenuItem
	for _, item := range items {
		if item.Label == "" {
			all = append(all, fyne.NewMenuItemSeparator())
			continue
		}
		m := fyne.NewMenuItem(item.Label, func() { a.choose(item) })
		m.Disabled = item.Verb == None && len(item.Children) == 0
		m.IsQuit = item.Verb == Quit
		if len(item.Children) > 0 {
			m.ChildMenu = fyne.NewMenu(item.Label, a.menu(item.Children)...)
		}
		all = append(all, m)
	}
	return all
}

// choose does what an item says; it is called on Fyne's goroutine.
func (a *agent) choose(item Item) {
	switch item.Verb {
	case View:
		a.do(func(ctx context.Context) error { return a.desk.View(ctx, item.Address) })
	case End:
		a.do(func(ctx context.Context) error { return a.node.End(ctx, item.Address) })
	case Stop:
		a.do(func(ctx context.Context) error { return a.node.Stop(ctx, item.Address) })
	case Library:
		a.do(a.desk.Library)
	case Start:
		a.wg.Go(a.start)
	case Pair:
		a.pair()
	case Quit:
		a.app.Quit()
	}
}

// do runs something that a person chose, and says so if it did not work.
func (a *agent) do(what func(context.Context) error) {
	a.wg.Go(func() {
		err := what(fusion.WithTrace(a.ctx, fusion.NewTrace()))
		if err != nil && a.ctx.Err() == nil {
			fyne.Do(func() { a.app.SendNotification(fyne.NewNotification(a.words.Failed, words(err))) })
		}
	})
}

// pair opens the pairing window, or brings the open one forward.
func (a *agent) pair() {
	if a.pairing == nil {
		a.pairing = newPairing(a.ctx, a.wg.Go, fyne.Do, a.app, a.node, a.words, func() { a.pairing = nil })
	}
	a.pairing.window.Show()
	a.pairing.window.RequestFocus()
}
