package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"hither/fusion"
)

// Config says where a log is. The zero values take the defaults.
type Config struct {
	Dir string // required; made with mode 0700
	// MaxBytes bounds all files together; default 64 MiB, at least 64 KiB.
	MaxBytes int64
	// Now is the clock; default time.Now.
	Now func() time.Time
	Log *slog.Logger // nil is silent
}

const (
	defaultBytes = 64 << 20
	leastBytes   = 64 << 10
	// filesAtMost is how many files a log is in.
	filesAtMost = 16
	// syncWithin is how long a record that nobody waits for may be in memory alone.
	syncWithin = 200 * time.Millisecond
)

// Log is the audit log of one node, open. Close it when done. Its methods may be called
// from many goroutines.
//
// Two goroutines at most are its own: timers that sync (syncing) and write what was
// counted (calm). Close waits for both.
type Log struct {
	cfg Config

	mu     sync.Mutex // guards the fields below
	file   *os.File
	size   int64     // of what was written whole
	half   bool      // something may lie after it
	all    []segment // oldest first; the last is file
	seq    uint64
	hash   hash
	subs   map[*subscriber]bool
	closed bool
	timer  *time.Timer // of a sync that is due

	syncing sync.Mutex // held while the disk is waited for; guards synced
	synced  uint64

	running  sync.WaitGroup // timers that fired
	calm     calm
	sessions sessions
}

// Open opens the log of a directory. A line that a crash cut is dropped, and a record says
// so; a line that was changed stays, and a record says that too.
func Open(cfg Config) (*Log, error) {
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = defaultBytes
	}
	cfg.MaxBytes = max(cfg.MaxBytes, leastBytes)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	l := &Log{cfg: cfg, subs: map[*subscriber]bool{}}
	if err := l.open(); err != nil {
		return nil, &fusion.Error{Op: "audit.open", Path: cfg.Dir, Cause: err, Hint: "see who owns the folder, and whether the disk is full"}
	}
	return l, nil
}

func (l *Log) open() (err error) {
	if err := os.MkdirAll(l.cfg.Dir, 0o700); err != nil {
		return err
	}
	if l.all, err = segments(l.cfg.Dir); err != nil {
		return err
	}
	var found scanned
	for len(l.all) > 0 {
		last := &l.all[len(l.all)-1]
		if found, err = scan(last.path, nil); err != nil {
			return err
		}
		if found.good > 0 {
			break
		}
		// It was cut before its header was written: it holds nothing.
		if err := os.Remove(last.path); err != nil {
			return err
		}
		l.all = l.all[:len(l.all)-1]
	}
	if len(l.all) == 0 {
		return l.begin()
	}
	l.seq, l.hash = found.last.Seq, found.hash
	last := &l.all[len(l.all)-1]
	if l.file, err = os.OpenFile(last.path, os.O_WRONLY, 0o600); err != nil {
		return err
	}
	if err := l.file.Truncate(found.good); err != nil {
		return errors.Join(err, l.file.Close())
	}
	last.size, l.size, l.synced = found.good, found.good, l.seq
	return l.tellFound(found)
}

// tellFound writes down what was wrong with the last file.
func (l *Log) tellFound(found scanned) error {
	name := filepath.Base(l.all[len(l.all)-1].path)
	if found.lost { // a chain cannot go on after what is no record
		if err := l.rotate(); err != nil {
			return err
		}
	}
	if found.bad > 0 {
		l.cfg.Log.Warn("a record of the audit log was changed", "file", name, "line", found.bad, "why", found.why)
		return l.append(Record{What: Damaged, Object: name, Detail: fmt.Sprintf("line %d: %s", found.bad, found.why), Result: Failed}, true)
	}
	if found.cut > 0 {
		l.cfg.Log.Warn("the last record of the audit log was cut by a crash", "bytes", found.cut)
		return l.append(Record{What: Repaired, Object: name, Detail: fmt.Sprintf("%d bytes of a cut record were dropped", found.cut), Result: OK}, true)
	}
	return nil
}

// begin starts a file after the last record. mu is held, or nobody else knows l yet. When
// it fails the file before goes on.
func (l *Log) begin() error {
	line, err := json.Marshal(header{Hither: "audit", Version: version, First: l.seq + 1, Prev: l.hash})
	if err != nil {
		return err
	}
	path := segmentPath(l.cfg.Dir, l.seq+1)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err = file.Write(append(line, '\n')); err == nil {
		err = file.Sync()
	}
	if err != nil {
		return errors.Join(err, file.Close(), os.Remove(path))
	}
	if dir, err := os.Open(l.cfg.Dir); err == nil {
		_ = dir.Sync() // not every system can sync a directory
		_ = dir.Close()
	}
	l.file, l.size, l.half = file, int64(len(line))+1, false
	l.all = append(l.all, segment{path, l.size})
	return nil
}

// rotate begins the next file and drops the oldest that no longer fit.
func (l *Log) rotate() error {
	old := l.file
	err := old.Sync()
	if err == nil {
		err = l.begin()
	}
	if err != nil {
		return err
	}
	if err := old.Close(); err != nil {
		l.cfg.Log.Warn("a file of the audit log", "err", err)
	}
	var sum int64
	for i := len(l.all) - 1; i >= 0; i-- {
		if sum += l.all[i].size; sum <= l.cfg.MaxBytes-l.cfg.MaxBytes/filesAtMost {
			continue
		}
		for _, gone := range l.all[:i+1] {
			if err := os.Remove(gone.path); err != nil {
				l.cfg.Log.Warn("an old file of the audit log stays", "err", err)
			}
		}
		l.all = l.all[i+1:]
		break
	}
	return nil
}

// append writes a record, and waits for the disk when it is to be durable. When it fails
// nothing was written.
func (l *Log) append(r Record, durable bool) error {
	seq, err := l.write(r)
	if err == nil && durable {
		err = l.sync(seq)
	}
	if err == nil {
		return nil
	}
	return &fusion.Error{Op: "audit", Path: l.cfg.Dir, Cause: fusion.ErrBusy, Detail: "it cannot be written down: " + err.Error(),
		Hint: "make room on that computer's disk; what other computers do there with admin is refused until then"}
}

func (l *Log) write(r Record) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, os.ErrClosed
	}
	r.Seq, r.Time = l.seq+1, l.cfg.Now().UTC().Truncate(time.Millisecond)
	line, h, err := encode(r, l.hash)
	if err != nil {
		return 0, err
	}
	if l.size+int64(len(line)) > l.cfg.MaxBytes/filesAtMost {
		if err := l.rotate(); err != nil {
			return 0, err
		}
	}
	if l.half { // an earlier write left it
		if err := l.file.Truncate(l.size); err != nil {
			return 0, err
		}
		l.half = false
	}
	// Not O_APPEND: Windows cannot cut such a file.
	if _, err := l.file.WriteAt(line, l.size); err != nil {
		l.half = l.file.Truncate(l.size) != nil
		return 0, err
	}
	l.seq, l.hash = r.Seq, h
	l.size += int64(len(line))
	l.all[len(l.all)-1].size = l.size
	l.publish(r)
	if l.timer == nil {
		l.running.Add(1)
		l.timer = time.AfterFunc(syncWithin, l.syncDue)
	}
	return r.Seq, nil
}

// syncDue syncs what nobody waited for.
func (l *Log) syncDue() {
	defer l.running.Done()
	l.mu.Lock()
	seq := l.seq
	l.timer = nil
	l.mu.Unlock()
	if err := l.sync(seq); err != nil {
		l.cfg.Log.Warn("the audit log is not on the disk yet", "err", err)
	}
}

// sync waits until a record is on the disk. Those who wait meanwhile share the next one.
func (l *Log) sync(seq uint64) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if l.synced >= seq {
		return nil
	}
	l.mu.Lock()
	file, written := l.file, l.seq
	l.mu.Unlock()
	// A file that was rotated meanwhile was synced then.
	if err := file.Sync(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	l.synced = max(l.synced, written)
	return nil
}

// Close writes what was counted, and what is in memory, and ends the log.
func (l *Log) Close() error {
	l.calm.flush(l, true)
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	if l.timer != nil && l.timer.Stop() {
		l.running.Done()
	}
	for sub := range l.subs {
		close(sub.records)
		delete(l.subs, sub)
	}
	l.mu.Unlock()
	l.running.Wait()
	return errors.Join(l.file.Sync(), l.file.Close())
}
