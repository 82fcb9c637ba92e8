package remoteapp

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hither/fusion"
)

const (
	// maxHanded is how many handed files there may be at once.
	maxHanded = 256
	// spare is what a handed file leaves free on the disk, in bytes.
	spare = 64 << 20
	// unusedFor is how long a file waits for its app, and keptFor how long what
	// an app wrote waits for its owner's computer once the app has ended.
	unusedFor = 15 * time.Minute
	keptFor   = 7 * 24 * time.Hour
)

// handed is one file of another computer that an app has here: Dir/files/ID/Name,
// and what must be known of it in Dir/files/ID.json.
type handed struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Instance string    `json:"instance,omitempty"` // of the app; "" before Run
	First    string    `json:"first"`              // its stamp as it was handed over
	Since    time.Time `json:"since"`              // it was handed over, or its app ended
	Ended    bool      `json:"ended"`              // the app has ended

	version string        // the stamp of the newest whole version, guarded by handover.mu
	changed chan struct{} // closed and made anew at a change, guarded by handover.mu
}

// handover holds the handed files. Its goroutine (watch) hears of writes and
// removes what nobody wants any more; the Store starts it and close ends it.
type handover struct {
	dir    string
	log    *slog.Logger
	notify *os.File // inotify

	mu  sync.Mutex // guards the fields below
	all map[string]*handed
	by  map[int32]*handed // by watch
}

// openHandover takes up what the last node left; settle follows it.
func openHandover(dir string, log *slog.Logger) (*handover, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("inotify: %w", err)
	}
	h := &handover{dir: dir, log: log, notify: os.NewFile(uintptr(fd), "inotify"), all: map[string]*handed{}, by: map[int32]*handed{}}
	if err := h.load(); err != nil {
		return nil, errors.Join(err, h.notify.Close())
	}
	return h, nil
}

// load reads the records. A directory without one was never handed over whole.
func (h *handover) load() error {
	entries, err := os.ReadDir(h.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		f, err := h.read(e.Name())
		if err != nil {
			h.log.Warn("a handed file has no record; it is removed", "file", e.Name(), "err", err)
			if err := h.erase(e.Name()); err != nil {
				return err
			}
			continue
		}
		if err := h.add(f); err != nil {
			return err
		}
	}
	return nil
}

func (h *handover) read(id string) (*handed, error) {
	data, err := os.ReadFile(h.record(id))
	if err != nil {
		return nil, err
	}
	f := &handed{}
	if err := json.Unmarshal(data, f); err != nil {
		return nil, err
	}
	if f.ID != id || safeName(f.Name) != f.Name {
		return nil, errors.New("it is another's")
	}
	return f, nil
}

func (h *handover) record(id string) string { return filepath.Join(h.dir, id+".json") }
func (h *handover) path(f *handed) string   { return filepath.Join(h.dir, f.ID, f.Name) }
func (h *handover) erase(id string) error {
	return errors.Join(os.RemoveAll(filepath.Join(h.dir, id)), removed(h.record(id)))
}
func (h *handover) gone(file string) error { return gone("app.take", file) }
func (h *handover) full(name, what string) error {
	return &fusion.Error{Op: "app.hand", Path: name, Cause: fusion.ErrInvalid, Detail: what,
		Hint: "free some space on that computer, or share the folder with it"}
}

func gone(op, file string) error {
	return &fusion.Error{Op: op, Path: file, Cause: fusion.ErrNotFound, Detail: "there is no such handed file",
		Hint: "its app has ended; open the file again"}
}

func removed(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// save writes a file's record; the caller holds mu.
func (h *handover) save(f *handed) error {
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	path := h.record(f.ID)
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return errors.Join(err, removed(path+".new"))
	}
	return os.Rename(path+".new", path)
}

// add begins to watch a file that is there.
func (h *handover) add(f *handed) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.save(f); err != nil {
		return err
	}
	wd, err := h.addWatch(filepath.Join(h.dir, f.ID))
	if err != nil {
		return fmt.Errorf("inotify: %w", err)
	}
	f.changed = make(chan struct{})
	h.all[f.ID], h.by[wd] = f, f
	h.look(f) // what was written while no node ran
	return nil
}

func (h *handover) addWatch(dir string) (wd int32, err error) {
	conn, err := h.notify.SyscallConn() // Fd would make reads block for good
	if err != nil {
		return 0, err
	}
	closed := conn.Control(func(fd uintptr) {
		var n int
		n, err = unix.InotifyAddWatch(int(fd), dir, unix.IN_CLOSE_WRITE|unix.IN_MOVED_TO|unix.IN_ONLYDIR)
		wd = int32(n)
	})
	return wd, errors.Join(closed, err)
}

// Hand copies a file of another computer; see fusion.Handover.
func (s *Store) Hand(ctx context.Context, name string, size int64, r io.Reader) (string, error) {
	name = safeName(name)
	h := s.handover
	f := &handed{ID: rand.Text(), Name: name, Since: time.Now()}
	if err := h.room(name, size); err != nil {
		return "", err
	}
	err := h.receive(ctx, f, size, r)
	if err == nil {
		err = h.add(f)
	}
	if err != nil {
		return "", errors.Join(handError(name, err), h.erase(f.ID))
	}
	return fusion.HandedPrefix + f.ID, nil
}

// room refuses what cannot fit.
func (h *handover) room(name string, size int64) error {
	if size < 0 {
		return &fusion.Error{Op: "app.hand", Path: name, Cause: fusion.ErrInvalid, Detail: "its size is not said", Hint: "update Hither on the other computer"}
	}
	h.mu.Lock()
	count := len(h.all)
	h.mu.Unlock()
	if count >= maxHanded {
		return &fusion.Error{Op: "app.hand", Path: name, Cause: fusion.ErrBusy, Detail: "too many files are open in apps there",
			Hint: "end apps that are no longer needed"}
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(h.dir, &disk); err != nil {
		return err
	}
	if free := int64(disk.Bavail) * disk.Bsize; size > free-spare {
		return h.full(name, fmt.Sprintf("%d MiB of its disk are free; the file's %d MiB and %d MiB to spare do not fit",
			max(free, 0)>>20, size>>20, spare>>20))
	}
	return nil
}

// receive writes the copy and takes its stamp.
func (h *handover) receive(ctx context.Context, f *handed, size int64, r io.Reader) error {
	if err := os.Mkdir(filepath.Join(h.dir, f.ID), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(h.path(f), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	got, err := io.Copy(file, io.LimitReader(bounded{ctx, r}, size+1))
	if err == nil && got != size {
		err = &fusion.Error{Op: "app.hand", Path: f.Name, Cause: fusion.ErrInvalid,
			Detail: fmt.Sprintf("%d bytes were announced, %d or more came", size, got), Hint: "open it again"}
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	f.First, err = stampOf(h.path(f))
	return err
}

// bounded ends between two reads when its context does.
type bounded struct {
	ctx context.Context
	r   io.Reader
}

func (u bounded) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

func handError(name string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return (&handover{}).full(name, "its disk is full")
	}
	if fusion.CauseName(err) != "" {
		return err
	}
	return &fusion.Error{Op: "app.hand", Path: name, Cause: err}
}

// stampOf tells one state of a file from another.
func stampOf(path string) (string, error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return "", err
	}
	return stamp(&st)
}

func stamp(st *unix.Stat_t) (string, error) {
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return "", errors.New("not a regular file")
	}
	return fmt.Sprintf("%d.%09d-%d-%d", st.Mtim.Sec, st.Mtim.Nsec, st.Size, st.Ino), nil
}

// claim gives the paths of files, of which some were handed over, for an app
// that is about to start.
func (h *handover) claim(files []string) (paths []string, mine []*handed, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, file := range files {
		id, isHanded := strings.CutPrefix(file, fusion.HandedPrefix)
		if !isHanded {
			paths = append(paths, file)
			continue
		}
		f := h.all[id]
		if f == nil || f.Instance != "" {
			return nil, nil, gone("app.run", file)
		}
		paths, mine = append(paths, h.path(f)), append(mine, f)
	}
	return paths, mine, nil
}

// lend says that an instance has the files.
func (h *handover) lend(mine []*handed, instance string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range mine {
		f.Instance = instance
		if err := h.save(f); err != nil {
			return err
		}
	}
	return nil
}

// ended says that an instance and all its processes have ended.
func (h *handover) ended(instance string) {
	h.settle(func(other string) bool { return other != instance })
}

// settle marks the files of instances that do not run.
func (h *handover) settle(runs func(instance string) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.all {
		if f.Instance == "" || f.Ended || runs(f.Instance) {
			continue
		}
		f.Ended, f.Since = true, time.Now()
		h.look(f)
		h.tell(f)
		if err := h.save(f); err != nil {
			h.log.Warn("a handed file's record was not written", "file", f.ID, "err", err)
		}
	}
}

// look compares a file with what is known of it; the caller holds mu.
func (h *handover) look(f *handed) {
	now, err := stampOf(h.path(f))
	if err != nil {
		return // the app removed it; what is known stays
	}
	if now == f.First {
		now = ""
	}
	if now != f.version {
		f.version = now
		h.tell(f)
	}
}

// tell wakes who waits for a file; the caller holds mu.
func (h *handover) tell(f *handed) {
	close(f.changed)
	f.changed = make(chan struct{})
}
