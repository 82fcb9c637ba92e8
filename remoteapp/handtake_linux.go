package remoteapp

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"hither/fusion"
)

// Take waits for the next version of a handed file; see fusion.Handover.
func (s *Store) Take(ctx context.Context, file, after string) (fusion.Taken, error) {
	h := s.handover
	for {
		taken, changed, err := h.next(file, after)
		if err != nil || taken.ReadCloser != nil {
			return taken, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fusion.Taken{}, ctx.Err()
		case <-s.ctx.Done():
			return fusion.Taken{}, &fusion.Error{Op: "app.take", Path: file, Cause: fusion.ErrOffline, Detail: "the node is stopping"}
		}
	}
}

// next gives a version other than after, or what to wait for.
func (h *handover) next(file, after string) (fusion.Taken, <-chan struct{}, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.all[strings.TrimPrefix(file, fusion.HandedPrefix)]
	if f == nil {
		return fusion.Taken{}, nil, h.gone(file)
	}
	if f.version != after && f.version != "" {
		taken, err := h.open(f)
		if err == nil || !errors.Is(err, errWriting) {
			return taken, nil, err
		}
		if !f.Ended {
			return fusion.Taken{}, f.changed, nil
		}
	}
	if f.Ended {
		return fusion.Taken{}, nil, errors.Join(h.gone(file), h.remove(f))
	}
	return fusion.Taken{}, f.changed, nil
}

// errWriting: the file is not, or not yet again, what was looked at.
var errWriting = errors.New("the app is writing the file")

// open gives the version that was looked at; the caller holds mu.
func (h *handover) open(f *handed) (fusion.Taken, error) {
	file, err := os.OpenFile(h.path(f), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return fusion.Taken{}, errors.Join(errWriting, err)
	}
	v := &versionReader{file: file, version: f.version}
	var st unix.Stat_t
	err = unix.Fstat(int(file.Fd()), &st)
	if err == nil {
		err = v.same(&st)
	}
	if err != nil {
		return fusion.Taken{}, errors.Join(errWriting, err, file.Close())
	}
	return fusion.Taken{ReadCloser: v, Version: f.version, Size: st.Size}, nil
}

// versionReader reads a file and ends with errWriting when it changed meanwhile.
type versionReader struct {
	file    *os.File
	version string
}

func (v *versionReader) same(st *unix.Stat_t) error {
	now, err := stamp(st)
	if err == nil && now != v.version {
		err = errWriting
	}
	return err
}

func (v *versionReader) Read(p []byte) (int, error) {
	n, err := v.file.Read(p)
	if err == io.EOF {
		var st unix.Stat_t
		if err := errors.Join(unix.Fstat(int(v.file.Fd()), &st), v.same(&st)); err != nil {
			return n, err
		}
	}
	return n, err
}

func (v *versionReader) Close() error { return v.file.Close() }

// remove takes a file away; the caller holds mu.
func (h *handover) remove(f *handed) error {
	delete(h.all, f.ID)
	for wd, other := range h.by {
		if other == f {
			delete(h.by, wd) // the kernel drops the watch with the directory
		}
	}
	h.tell(f)
	return h.erase(f.ID)
}

// Drop removes a handed file; see fusion.Handover.
func (s *Store) Drop(_ context.Context, file string) error {
	h := s.handover
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.all[strings.TrimPrefix(file, fusion.HandedPrefix)]
	if f == nil {
		return gone("app.drop", file)
	}
	return h.remove(f)
}

// watch hears of writes until close.
func (h *handover) watch() {
	const most = 64 * (unix.SizeofInotifyEvent + unix.NAME_MAX + 1)
	buffer := make([]byte, most)
	for {
		if err := h.notify.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			return // closed
		}
		n, err := h.notify.Read(buffer)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			h.sweep(time.Now())
		case err != nil:
			if !errors.Is(err, os.ErrClosed) {
				h.log.Warn("handed files are no longer watched", "err", err)
			}
			return
		default:
			h.heard(buffer[:n])
		}
	}
}

// heard takes events in as inotify(7) lays them out.
func (h *handover) heard(events []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(events) >= unix.SizeofInotifyEvent {
		wd := int32(binary.NativeEndian.Uint32(events))
		mask := binary.NativeEndian.Uint32(events[4:])
		end := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(events[12:]))
		if end > len(events) {
			return
		}
		name := strings.TrimRight(string(events[unix.SizeofInotifyEvent:end]), "\x00")
		events = events[end:]
		if mask&unix.IN_Q_OVERFLOW != 0 { // some were lost: look at all
			for _, f := range h.all {
				h.look(f)
			}
			continue
		}
		if f := h.by[wd]; f != nil && name == f.Name {
			h.look(f)
		}
	}
}

// sweep removes files that no app was run with, and what nobody fetched.
func (h *handover) sweep(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.all {
		unused := f.Instance == "" && now.Sub(f.Since) > unusedFor
		forgotten := f.Ended && now.Sub(f.Since) > keptFor
		if !unused && !forgotten {
			continue
		}
		if forgotten && f.version != "" {
			h.log.Warn("what an app wrote was not fetched for a week; it is removed", "file", filepath.Join(f.ID, f.Name))
		}
		if err := h.remove(f); err != nil {
			h.log.Warn("a handed file was not removed", "file", f.ID, "err", err)
		}
	}
}

func (h *handover) close() error { return h.notify.Close() }
