package mirror

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"hither/fusion"
	"hither/mirror/capture"
	"hither/mirror/clip"
	"hither/mirror/files"
	"hither/mirror/wire"
)

// hands says for each clipboard which view it is for: the one whose person did
// something last. Several screens may show parts of one display.
type hands struct {
	mu sync.Mutex       // guards of; taken before all others
	of map[string]*seat // by the clipboard's display
}

func (h *hands) take(s *seat) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.of[s.display]
	if before == s {
		return
	}
	if before != nil {
		before.clip.Allow(false)
		before.notify()
	}
	h.of[s.display] = s
	s.clip.Allow(true)
	s.notify()
}

func (h *hands) leave(s *seat) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.of[s.display] == s {
		delete(h.of, s.display)
	}
}

// sharing is a display's clipboard and the views that share it.
type sharing struct {
	board capture.Clipboard // nil: the screen has none

	mu     sync.Mutex // guards the fields below
	copied []string   // what the screen's programs put into the clipboard
	giver  *seat      // whose clipboard the screen's has
	seats  []*seat
}

// share makes a source's clipboard one for views; a source may have none.
func share(source any) *sharing {
	h := &sharing{}
	if source, ok := source.(capture.Clipboarded); ok {
		h.board = source.Clipboard()
	}
	if h.board != nil {
		h.board.Watch(h.copy)
	}
	return h
}

// copy is told what the screen's programs put into its clipboard. Only the view
// that did something last hears of it.
func (h *sharing) copy(types []string) {
	h.mu.Lock()
	h.copied, h.giver = types, nil
	all := slices.Clone(h.seats)
	for _, s := range all {
		s.clip.Have(types)
	}
	h.mu.Unlock()
	notify(all)
}

func notify(seats []*seat) {
	for _, s := range seats {
		s.notify()
	}
}

// put makes the clipboard hold something else than the screen's programs do, of
// a view or, for nil, of none. Types that are empty take back what the view put.
func (h *sharing) put(from *seat, types []string, ask func(mime string, done clip.Done)) {
	h.mu.Lock()
	if len(types) == 0 && h.giver != from {
		h.mu.Unlock()
		return // it has nothing there
	}
	h.copied, h.giver = nil, from
	all := slices.Clone(h.seats)
	for _, s := range all {
		if s != from {
			s.clip.Have(nil)
		}
	}
	h.board.Offer(types, ask)
	h.mu.Unlock()
	notify(all)
}

// seat is what a view that may control has of its screen's clipboard, and of
// files. Its notify wakes the reader.
type seat struct {
	server  *Server
	name    string // of the screen
	display string // of its clipboard
	shared  *sharing
	clip    *clip.Exchange // without effect where there is no clipboard
	files   *files.Exchange
	notify  func()
}

// sit gives a view its seat; one that only looks has none. notify may be called
// at any time, and sit itself calls it not.
func (h *sharing) sit(server *Server, name string, options fusion.ViewOptions, notify func()) *seat {
	if options.ViewOnly {
		return nil
	}
	s := &seat{server: server, name: name, shared: h, notify: notify}
	s.files = files.New(wire.HostSide, files.Config{Notify: notify, Tell: s.filesMoved, Pasted: server.cfg.Pasted,
		Dropped: s.dropped(options), NoDrop: s.noDrop(options), Landed: s.landed})
	config := clip.Config{Notify: notify, Moved: s.moved}
	if h.board == nil {
		s.clip = clip.New(wire.HostSide, noBoard{}, config)
		return s
	}
	s.display = h.board.Display()
	config.Display = s.display
	s.clip = clip.New(wire.HostSide, files.NewBoard(seatBoard{h.board, s}, s.files), config)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seats = append(h.seats, s)
	s.clip.Have(h.copied)
	return s
}

// noBoard is the clipboard of a screen without one.
type noBoard struct{}

func (noBoard) Read(_ string, done clip.Done) { done(nil, fusion.ErrUnsupported) }

func (noBoard) Offer([]string, func(string, clip.Done)) {}

// seatBoard is the screen's clipboard as one view offers to it.
type seatBoard struct {
	capture.Clipboard
	seat *seat
}

// Offer takes the place of what the screen and its other views have.
func (b seatBoard) Offer(types []string, ask func(mime string, done clip.Done)) {
	b.seat.shared.put(b.seat, types, ask)
}

// dropped is where files go that are dropped onto the view.
func (s *seat) dropped(options fusion.ViewOptions) files.Place {
	if options.NoDrops || s.shared.board == nil {
		return nil
	}
	return s.server.cfg.Dropped
}

// noDrop says why dropped is nothing.
func (s *seat) noDrop(options fusion.ViewOptions) error {
	switch {
	case s.shared.board == nil:
		return &fusion.Error{Op: "files", Cause: fusion.ErrUnsupported, Detail: "the console of a virtual machine takes no files",
			Hint: "use a folder that it shares, or run Hither in it"}
	case options.NoDrops:
		return &fusion.Error{Op: "files", Cause: fusion.ErrPermission, Detail: "files may not be dropped there"}
	}
	return nil
}

// landed puts files that were dropped into the clipboard too, and says where
// they are.
func (s *seat) landed(paths []string) string {
	list := files.URIs(paths)
	s.shared.put(nil, []string{wire.Files}, func(_ string, done clip.Done) { done(list, nil) })
	dir := filepath.Dir(paths[0])
	if home, err := os.UserHomeDir(); err == nil {
		if rest, below := strings.CutPrefix(dir, home+string(filepath.Separator)); below {
			return "~/" + filepath.ToSlash(rest)
		}
	}
	return dir
}

func (s *seat) moved(here bool, mime string, bytes int) {
	s.server.log.Info("clipboard moved", "screen", s.name, "from", direction(here), "type", mime, "bytes", bytes)
}

func (s *seat) filesMoved(m files.Moving) {
	if m.Over {
		s.server.log.Info("files moved", "screen", s.name, "from", direction(m.Here), "files", m.Files, "bytes", m.Total,
			"dropped", m.Drop, "error", m.Err)
	}
}

// direction says who had it.
func direction(here bool) string {
	if here {
		return "viewer"
	}
	return "host"
}

// handOver makes the clipboard that of this view, whose person did something.
func (s *seat) handOver() {
	if s != nil && s.shared.board != nil {
		s.server.hands.take(s)
	}
}

// take handles a viewer's message about its clipboard or its files.
func (s *seat) take(m wire.Message) {
	if s == nil {
		return
	}
	switch m.(type) {
	case wire.ClipOffer, wire.FileDrop:
		s.handOver() // a viewer says it only while it has the focus
	}
	s.clip.Take(m)
	s.files.Take(m)
	s.notify()
}

// next gives what there is to say, or nil.
func (s *seat) next() wire.Message {
	if s == nil {
		return nil
	}
	if m := s.clip.Next(); m != nil {
		return m
	}
	return s.files.Next()
}

// leave ends what the view moves, and waits for it.
func (s *seat) leave() {
	if s == nil {
		return
	}
	s.clip.Close()
	s.files.Close()
	s.server.hands.leave(s)
	s.shared.mu.Lock()
	defer s.shared.mu.Unlock()
	s.shared.seats = slices.DeleteFunc(s.shared.seats, func(other *seat) bool { return other == s })
}
