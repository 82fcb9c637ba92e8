package remoteapp

import (
	"context"
	"errors"
	"image"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"hither/fusion"
	"hither/remoteapp/x11"
)

const (
	// windowless is how long an app whose first process has ended, or whose
	// windows are seen one by one, may be without a window: launchers end
	// before the program they start shows.
	windowless = 5 * time.Second
	// closeGrace is how long an app may take to close its windows.
	closeGrace = 3 * time.Second
	recheck    = 300 * time.Millisecond
)

var errEnded = errors.New("it ended")

// instance is one running app. Its loop owns the server and is started by the
// Store, which waits for it; the loop's one helper waits for the app's process.
type instance struct {
	*server
	store *Store

	ending chan struct{}   // closed by askEnd: the app shall end
	apart  chan chan apart // questions of askApart
	once   sync.Once       // closes ending
	ready  chan struct{}   // closed by the loop: the first window is there
	ended  chan struct{}   // closed by the loop: nothing is left

	lastWords string // of the app's output; set before ended is closed

	mu     sync.Mutex
	screen fusion.Screen // guarded by mu; Name is empty until ready

	// The loop's own.
	appGone  bool
	nobody   bool // appGone, and no other process of the app was found either
	observed map[x11.Window]bool
	nudged   map[x11.Window]int
	dialog   x11.Window // that the display was sized to before a normal window came
	started  time.Time
	bare     time.Time // since when there has been no window
}

func newInstance(store *Store, s *server) *instance {
	return &instance{server: s, store: store, ending: make(chan struct{}), apart: make(chan chan apart), ready: make(chan struct{}),
		ended: make(chan struct{}), observed: map[x11.Window]bool{}, nudged: map[x11.Window]int{}, started: time.Now()}
}

func (i *instance) askEnd() { i.once.Do(func() { close(i.ending) }) }

// Screen gives the present screen; ok is false before the first window.
func (i *instance) Screen() (fusion.Screen, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.screen, i.screen.Name != ""
}

// run watches the app until it ends, or leaves it running when ctx ends.
func (i *instance) run(ctx context.Context) {
	gone := make(chan struct{})
	helper, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := i.Process.Done(helper); err == nil {
			close(gone)
		}
	})
	left := i.watch(ctx, gone)
	if !left {
		i.finish()
	}
	cancel()
	wg.Wait()
	if left {
		_ = i.conn.Close() // the display may be gone already
	}
}

// watch is the loop. It gives true when the app was left running.
func (i *instance) watch(ctx context.Context, gone <-chan struct{}) (left bool) {
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	soon := time.NewTimer(0)
	defer soon.Stop()
	for {
		select {
		case <-ctx.Done():
			return true
		case <-i.ending:
			i.closeWindows()
			return false
		case <-i.conn.Done():
			return false
		case answer := <-i.apart:
			answer <- i.setApart()
			continue
		case <-gone:
			i.appGone, gone = true, nil
		case <-i.conn.Changed():
		case <-soon.C:
		case <-minute.C:
			if err := i.trimLogs(); err != nil {
				i.store.cfg.Log.Warn("app log not trimmed", "instance", i.Instance, "err", err)
			}
			if !i.Manager.Alive() {
				return false // nobody would see its windows any more
			}
			continue
		}
		again, alive := i.look()
		if !alive {
			return false
		}
		if again {
			soon.Reset(recheck)
		}
	}
}

// look compares the display with what is known. again asks for another look
// soon; alive is false when the app has ended.
func (i *instance) look() (again, alive bool) {
	clients, err := i.clients()
	if err != nil {
		return true, true // the display went: conn.Done says so
	}
	if len(clients) > 0 {
		i.bare = time.Time{}
	} else if i.bare.IsZero() {
		i.bare = time.Now()
	}
	if i.appGone && len(clients) == 0 {
		// One that has just been forked, or begins another program, may not be
		// found the first time.
		nobody := len(i.appProcesses()) == 0
		if nobody && i.nobody {
			return false, false
		}
		i.nobody = nobody
		_, shown := i.Screen()
		return true, !shown || time.Since(i.bare) < windowless
	}
	main := mainWindow(clients)
	if main == nil {
		_, shown := i.Screen()
		if shown && i.Windows && len(clients) == 0 {
			return true, time.Since(i.bare) < windowless // nobody could open one any more
		}
		return !shown, true
	}
	if i.Windows {
		return !i.publish(*main), true
	}
	if err := errors.Join(i.fit(*main), i.nudge(clients, *main)); err != nil {
		i.store.cfg.Log.Warn("app display not fitted", "instance", i.Instance, "err", err)
	}
	return !i.publish(*main), true
}

// clients lists the windows, and sees to it that their changes are told.
func (i *instance) clients() ([]x11.Client, error) {
	for {
		clients, err := i.conn.Clients()
		if err != nil {
			return nil, err
		}
		var fresh []x11.Window
		for _, c := range clients {
			if !i.observed[c.Window] {
				fresh = append(fresh, c.Window)
				i.observed[c.Window] = true
			}
		}
		if len(fresh) == 0 {
			return clients, nil
		}
		if err := i.conn.Observe(fresh...); err != nil {
			return nil, err
		}
	}
}

// mainWindow is the active normal window, else the newest normal one, else the
// newest dialog; a splash screen is none.
func mainWindow(clients []x11.Client) *x11.Client {
	var main *x11.Client
	rank := func(c *x11.Client) int {
		switch {
		case c == nil || c.Splash:
			return 0
		case !c.Normal:
			return 1
		case !c.Active:
			return 2
		}
		return 3
	}
	for n := range clients {
		if c := &clients[n]; rank(c) > 0 && rank(c) >= rank(main) {
			main = c
		}
	}
	return main
}

// fit gives the display the size of the first normal window, once, and lets
// windows fill it from then on. A dialog that comes first is fitted for itself.
func (i *instance) fit(c x11.Client) error {
	if i.Fitted || !c.Normal && i.dialog == c.Window {
		return nil
	}
	const least = 16
	if err := i.conn.Resize(min(max(c.Width, least), maxWidth), min(max(c.Height, least), maxHeight)); err != nil {
		return err
	}
	if err := i.conn.MoveTo(c.Window, image.Point{}); err != nil {
		return err
	}
	if !c.Normal {
		i.dialog = c.Window
		return nil
	}
	i.Fitted = true
	if err := i.conn.Maximise(c.Window); err != nil {
		return err
	}
	if err := i.configure(); err != nil {
		return err
	}
	i.Manager.Signal(unix.SIGUSR2) // openbox reads its configuration again
	return i.store.keep(i.record)
}

// nudge undoes what a program's own title bar can do to its only view: normal
// windows fill the display again, and the last one does not stay minimised. A
// window that insists is left alone after some tries.
func (i *instance) nudge(clients []x11.Client, main x11.Client) error {
	const tries = 20
	if !i.Fitted || i.nudged[main.Window] >= tries {
		return nil
	}
	width, height, err := i.conn.Size(i.conn.Root)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(clients, func(c x11.Client) bool { return c.Active }) {
		i.nudged[main.Window]++
		err = i.conn.Activate(main.Window)
	}
	if main.Normal && (main.Width != width || main.Height != height) {
		i.nudged[main.Window]++
		err = errors.Join(err, i.conn.Maximise(main.Window))
	}
	return err
}

// publish tells what the screen is now, if it changed. It gives false while the
// first window still has no title and little time has passed.
func (i *instance) publish(main x11.Client) (shown bool) {
	const untitled = 2 * time.Second
	_, before := i.Screen()
	if !before && main.Title == "" && time.Since(i.started) < untitled {
		return false
	}
	width, height, err := i.conn.Size(i.conn.Root)
	if err != nil {
		return before
	}
	title := main.Title
	if title == "" {
		title = i.Name
	}
	screen := fusion.Screen{Name: fusion.Self + "/" + i.Instance, Machine: fusion.Self, Kind: fusion.ScreenApp,
		Title: title, Width: width, Height: height, App: i.App}
	i.mu.Lock()
	changed := screen != i.screen
	i.screen = screen
	i.mu.Unlock()
	if !before {
		close(i.ready)
	}
	if changed {
		i.store.watchers.tell(screen, false)
	}
	return true
}

// closeWindows asks the windows to close and waits a while for the app to end.
func (i *instance) closeWindows() {
	clients, err := i.conn.Clients()
	if err != nil {
		return // no display, no windows
	}
	for _, c := range slices.Backward(clients) {
		if err := i.conn.CloseWindow(c.Window); err != nil {
			return
		}
	}
	deadline := time.Now().Add(closeGrace)
	for time.Now().Before(deadline) && len(i.appProcesses()) > 0 {
		time.Sleep(recheck / 6) // processes of others do not tell when they end
	}
}

// finish ends everything and tells the watchers.
func (i *instance) finish() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	i.lastWords = i.tail("log")
	if err := i.end(ctx); err != nil {
		i.store.cfg.Log.Error("app left something behind", "instance", i.Instance, "err", err)
	}
	i.store.forget(i)
	if screen, shown := i.Screen(); shown {
		i.store.watchers.tell(fusion.Screen{Name: screen.Name, Machine: screen.Machine, Kind: screen.Kind, App: screen.App}, true)
		i.store.cfg.Log.Info("app ended", "instance", i.Instance)
	}
	close(i.ended)
}
