package files

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"hither/fusion"
	"hither/mirror/clip"
	"hither/mirror/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// half is one side under test.
type half struct {
	*Exchange
	told chan Moving
	more chan struct{}
}

func newHalf(side wire.Side, cfg Config) *half {
	h := &half{told: make(chan Moving, 1000), more: make(chan struct{}, 1)}
	cfg.Notify = func() {
		select {
		case h.more <- struct{}{}:
		default:
		}
	}
	cfg.Tell = func(m Moving) { h.told <- m }
	h.Exchange = New(side, cfg)
	return h
}

// over waits for the end of a transfer.
func (h *half) over(t *testing.T) Moving {
	t.Helper()
	for {
		select {
		case m := <-h.told:
			if m.Over {
				return m
			}
		case <-time.After(30 * time.Second):
			t.Fatal("it does not end")
		}
	}
}

// line carries the messages of two sides, through their bytes, until the test
// ends. hook, if any, may look at each message and swallow it.
type line struct {
	t    *testing.T
	stop chan struct{}
	wait sync.WaitGroup
	hook func(wire.Message) (pass bool)
}

func connect(t *testing.T, a, b *half, hook func(wire.Message) bool) *line {
	l := &line{t: t, stop: make(chan struct{}), hook: hook}
	l.wait.Go(func() { l.carry(a, b) })
	l.wait.Go(func() { l.carry(b, a) })
	t.Cleanup(func() {
		a.Close()
		b.Close()
		close(l.stop)
		l.wait.Wait()
	})
	return l
}

func (l *line) carry(from, to *half) {
	for {
		select {
		case <-l.stop:
			return
		case <-from.more:
		}
		for m := from.Next(); m != nil; m = from.Next() {
			if l.hook != nil && !l.hook(m) {
				continue
			}
			parse := wire.ParseHost
			if from.side == wire.ViewerSide {
				parse = wire.ParseViewer
			}
			got, err := parse(m.Append(nil))
			if err != nil {
				l.t.Errorf("%#v: %v", m, err)
			}
			to.Take(got)
			to.cfg.Notify()
		}
	}
}

// tree makes files of random content.
func tree(t *testing.T, sizes map[string]int) string {
	t.Helper()
	dir := t.TempDir()
	r := rand.NewChaCha8([32]byte{1})
	for name, size := range sizes {
		b := make([]byte, size)
		_, _ = r.Read(b) // never fails
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, b, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// sums gives a sum for each file below a directory.
func sums(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, path))
		all[path] = fmt.Sprintf("%x", sha256.Sum256(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

type fetched struct {
	paths []string
	err   error
}

// fetch moves files from a to b as a paste does.
func fetch(t *testing.T, a, b *half, paths ...string) fetched {
	t.Helper()
	done := make(chan fetched, 1)
	a.Offer(paths, func(ticket []byte, err error) {
		if err != nil {
			done <- fetched{nil, err}
			return
		}
		parsed, err := wire.ParseFileTicket(ticket)
		if err != nil {
			t.Error(err)
		}
		b.Fetch(parsed, func(paths []string, err error) { done <- fetched{paths, err} })
	})
	select {
	case f := <-done:
		return f
	case <-time.After(30 * time.Second):
		t.Fatal("the files do not come")
		return fetched{}
	}
}

func TestDirectoriesArriveWhole(t *testing.T) {
	sizes := map[string]int{"top/empty": 0, "top/large": 5 << 20, "top/a/b/c": wire.MaxFilePiece, "top/a/ü": wire.MaxFilePiece + 1, "alone": 7}
	for n := range 300 {
		sizes[fmt.Sprintf("top/many/%d", n)] = n * 7
	}
	dir := tree(t, sizes)
	for _, link := range []string{"top/link", "top/a/dirlink"} {
		if err := os.Symlink(dir, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(filepath.Join(dir, "top/pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	host, viewer := newHalf(wire.HostSide, Config{}), newHalf(wire.ViewerSide, Config{Pasted: testStore(t)})
	most := 0
	connect(t, host, viewer, func(wire.Message) bool {
		viewer.mu.Lock()
		defer viewer.mu.Unlock()
		if in := viewer.in; in != nil {
			most = max(most, in.queued)
		}
		return true
	})
	got := fetch(t, host, viewer, filepath.Join(dir, "top"), filepath.Join(dir, "alone"))
	if got.err != nil || len(got.paths) != 2 {
		t.Fatalf("%q, %v", got.paths, got.err)
	}
	if !mapsEqual(sums(t, dir), sums(t, filepath.Dir(got.paths[0]))) {
		t.Error("not the same arrived")
	}
	if most > maxFlow+(64<<10) {
		t.Errorf("%d bytes waited in memory", most)
	}
	if m := host.over(t); m.Err != nil || m.Left != 3 || m.Files != 305 {
		t.Errorf("the sender was told %+v", m)
	}
	if m := viewer.over(t); m.Err != nil || !m.Here {
		t.Errorf("the receiver was told %+v", m)
	}
	info, err := os.Stat(filepath.Dir(got.paths[0]))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func mapsEqual(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return true
}

// cutAfter makes a hook that does something once so many pieces passed.
func cutAfter(pieces int, do func()) func(wire.Message) bool {
	var mu sync.Mutex
	n := 0
	return func(m wire.Message) bool {
		if _, is := m.(wire.FilePiece); !is {
			return true
		}
		mu.Lock()
		defer mu.Unlock()
		if n++; n == pieces {
			do()
		}
		return true
	}
}

func TestWhatEndsEarlyLeavesNothing(t *testing.T) {
	dir := tree(t, map[string]int{"d/a": 10, "d/b": 4 << 20})
	store := testStore(t)
	var host, viewer *half
	for _, c := range []struct {
		what string
		cut  func()
		want error // of the receiver
	}{
		{"the receiver cancels", func() { go viewer.Cancel() }, errStop},
		{"the sender cancels", func() { go host.Cancel() }, errStop},
		{"the view is lost", func() { go viewer.Restart() }, fusion.ErrOffline},
		{"the receiver closes", func() { go viewer.Close() }, fusion.ErrOffline},
		{"the file shrinks", func() {
			if err := os.Truncate(filepath.Join(dir, "d/b"), 1000); err != nil {
				t.Error(err)
			}
		}, nil},
	} {
		t.Run(c.what, func(t *testing.T) {
			host, viewer = newHalf(wire.HostSide, Config{}), newHalf(wire.ViewerSide, Config{Pasted: store})
			connect(t, host, viewer, cutAfter(9, c.cut))
			got := fetch(t, host, viewer, filepath.Join(dir, "d"))
			if got.err == nil || c.want != nil && !errors.Is(got.err, c.want) {
				t.Errorf("%q, %v", got.paths, got.err)
			}
			viewer.Close()
			if left, err := os.ReadDir(store.dir); err != nil || len(left) > 0 {
				t.Errorf("left %v, %v", left, err)
			}
			host.Close()
			if m := host.over(t); m.Err == nil {
				t.Errorf("the sender was told %+v", m)
			}
		})
	}
}

func TestNoRoom(t *testing.T) {
	dir := tree(t, map[string]int{"a": 100})
	store := testStore(t)
	store.bytes = 10
	host, viewer := newHalf(wire.HostSide, Config{}), newHalf(wire.ViewerSide, Config{Pasted: store})
	connect(t, host, viewer, nil)
	if got := fetch(t, host, viewer, filepath.Join(dir, "a")); !errors.Is(got.err, errNoRoom) || fusion.Hint(got.err) == "" {
		t.Errorf("%q, %v", got.paths, got.err)
	}
	if got := fetch(t, host, viewer, filepath.Join(dir, "none")); got.err == nil {
		t.Error("sent what is not there")
	}
	if got := fetch(t, viewer, host, filepath.Join(dir, "a")); !errors.Is(got.err, fusion.ErrUnsupported) {
		t.Errorf("a side without a place took %q, %v", got.paths, got.err)
	}
}

func TestDrop(t *testing.T) {
	dir := tree(t, map[string]int{"a": 100, "d/b": 100})
	downloads := filepath.Join(t.TempDir(), "Downloads")
	at := make(chan string, 1)
	host := newHalf(wire.HostSide, Config{Dropped: &Downloads{Dir: func() (string, error) { return downloads, nil }},
		Landed: func(paths []string) string { at <- paths[0]; return "Downloads" }})
	viewer := newHalf(wire.ViewerSide, Config{})
	connect(t, host, viewer, nil)
	viewer.Drop([]string{filepath.Join(dir, "a"), filepath.Join(dir, "d")})
	if m := viewer.over(t); m.Err != nil || !m.Drop || m.Where != "Downloads" || m.Files != 2 {
		t.Errorf("told %+v", m)
	}
	select {
	case path := <-at:
		if path != filepath.Join(downloads, "a") {
			t.Errorf("landed at %q", path)
		}
	default:
		t.Fatal("did not land")
	}
	if !mapsEqual(sums(t, dir), sums(t, downloads)) {
		t.Error("not the same arrived")
	}
}

func TestDropIsRefused(t *testing.T) {
	dir := tree(t, map[string]int{"a": 100})
	for _, why := range []error{fusion.ErrPermission, fusion.ErrUnsupported} {
		host := newHalf(wire.HostSide, Config{NoDrop: &fusion.Error{Cause: why, Detail: "not here"}})
		viewer := newHalf(wire.ViewerSide, Config{})
		connect(t, host, viewer, nil)
		viewer.Drop([]string{filepath.Join(dir, "a")})
		if m := viewer.over(t); !errors.Is(m.Err, why) || fusion.Hint(m.Err) == "" || !strings.Contains(m.Err.Error(), "not here") {
			t.Errorf("told %+v", m)
		}
	}
}

func TestSilentSideEndsATransfer(t *testing.T) {
	dir := tree(t, map[string]int{"a": 1 << 20})
	store := testStore(t)
	cfg := Config{Pasted: store, Stall: 50 * time.Millisecond}
	host, viewer := newHalf(wire.HostSide, cfg), newHalf(wire.ViewerSide, cfg)
	var once sync.Once
	silent := false
	var mu sync.Mutex
	connect(t, host, viewer, func(m wire.Message) bool {
		mu.Lock()
		defer mu.Unlock()
		if _, is := m.(wire.FilePiece); is {
			once.Do(func() { silent = true })
		}
		return !silent
	})
	if got := fetch(t, host, viewer, filepath.Join(dir, "a")); !errors.Is(got.err, fusion.ErrOffline) {
		t.Errorf("%q, %v", got.paths, got.err)
	}
	if m := host.over(t); !errors.Is(m.Err, fusion.ErrOffline) {
		t.Errorf("the sender was told %+v", m)
	}
}

func TestHostileSideIsBounded(t *testing.T) {
	viewer := newHalf(wire.ViewerSide, Config{Pasted: testStore(t)})
	defer viewer.Close()
	done := make(chan error, 1)
	viewer.Fetch(wire.FileTicket{ID: 1, Files: 1, Bytes: 1 << 20}, func(_ []string, err error) { done <- err })
	viewer.Fetch(wire.FileTicket{ID: 2}, func(_ []string, err error) {
		if !errors.Is(err, fusion.ErrBusy) {
			t.Errorf("two at once: %v", err)
		}
	})
	viewer.Take(wire.FileEntry{ID: 1, Path: "a", Size: 1 << 20})
	viewer.Take(wire.FilePiece{ID: 7, Bytes: []byte("of nobody")})
	for range 3 * maxFlow / wire.MaxFilePiece { // without waiting for what was got
		viewer.Take(wire.FilePiece{ID: 1, Bytes: make([]byte, wire.MaxFilePiece)})
	}
	if err := <-done; !errors.Is(err, fusion.ErrInvalid) {
		t.Errorf("a flood gave %v", err)
	}
	for n := range uint32(1000) {
		viewer.Take(wire.FileTake{ID: n})
		viewer.Take(wire.FileDrop{FileTicket: wire.FileTicket{ID: n}})
		viewer.Take(wire.FileNews{ID: n, Word: wire.FileWord(n), Count: 1 << 60})
	}
	n := 0
	for viewer.Next() != nil {
		n++
	}
	if n > maxSay+1 {
		t.Errorf("%d answers wait", n)
	}
}

// board is a clipboard in memory.
type board struct {
	list    []byte
	offered []string
	ask     func(string, clip.Done)
}

func (b *board) Read(_ string, done clip.Done)                     { done(b.list, nil) }
func (b *board) Offer(types []string, ask func(string, clip.Done)) { b.offered, b.ask = types, ask }

func TestFilesArePastedOnce(t *testing.T) {
	dir := tree(t, map[string]int{"a b": 100, "ü": 3})
	host, viewer := newHalf(wire.HostSide, Config{}), newHalf(wire.ViewerSide, Config{Pasted: testStore(t)})
	connect(t, host, viewer, nil)
	there := NewBoard(&board{list: URIs([]string{filepath.Join(dir, "a b"), filepath.Join(dir, "ü")})}, host.Exchange)
	tickets := 0
	raw := &board{}
	NewBoard(raw, viewer.Exchange).Offer([]string{wire.PlainText, wire.Files}, func(mime string, done clip.Done) {
		if mime == wire.PlainText {
			done([]byte("text"), nil)
			return
		}
		tickets++
		there.Read(mime, done)
	})
	if !slices.Equal(raw.offered, []string{wire.PlainText, wire.Files}) {
		t.Fatalf("offered %q", raw.offered)
	}
	raw.ask(wire.PlainText, func(b []byte, err error) {
		if string(b) != "text" || err != nil {
			t.Errorf("%q, %v", b, err)
		}
	})
	var lists [][]byte
	for range 2 {
		done := make(chan []byte, 2)
		for range 2 {
			raw.ask(wire.Files, func(list []byte, err error) {
				if err != nil {
					t.Error(err)
				}
				done <- list
			})
		}
		lists = append(lists, <-done, <-done)
	}
	for _, list := range lists {
		if paths := Paths(list); !bytes.Equal(list, lists[0]) || len(paths) != 2 || filepath.Base(paths[0]) != "a b" {
			t.Errorf("pasted %q", list)
		}
	}
	if tickets != 1 {
		t.Errorf("fetched %d times", tickets)
	}
	if err := os.RemoveAll(filepath.Dir(Paths(lists[0])[0])); err != nil {
		t.Fatal(err)
	}
	done := make(chan []byte, 1)
	raw.ask(wire.Files, func(list []byte, err error) { done <- list })
	if list := <-done; len(Paths(list)) != 2 || bytes.Equal(list, lists[0]) {
		t.Errorf("after they were removed: %q", list)
	}
}

func TestFlowFollowsThePath(t *testing.T) {
	f, now := newFlow(), time.Now()
	round := func(rtt time.Duration) {
		begin := f.sent
		for f.open() {
			f.send(16<<10, now)
		}
		now = now.Add(rtt)
		if !f.answer(f.sent, now) || f.sent == begin {
			t.Fatal("no answer")
		}
	}
	for range 20 {
		round(20 * time.Millisecond)
	}
	if f.size != maxFlow {
		t.Errorf("a path without a queue carries %d bytes", f.size)
	}
	for range 40 {
		round(200 * time.Millisecond)
	}
	if f.size != leastFlow {
		t.Errorf("a path with a queue carries %d bytes", f.size)
	}
	if f.answer(f.sent+1, now) || f.answer(f.got-1, now) {
		t.Error("took an answer that cannot be")
	}
}
