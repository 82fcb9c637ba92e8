package hosttest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"hither/fusion"
)

// memoryHanded is one handed file.
type memoryHanded struct {
	data    []byte
	version string
	screen  string // of the app that has it
	ended   bool
	changed chan struct{} // closed and made anew at a change
}

func (h *memoryHanded) tell() {
	close(h.changed)
	h.changed = make(chan struct{})
}

func noFile(op, file string) error {
	return &fusion.Error{Op: op, Path: file, Cause: fusion.ErrNotFound, Hint: "the app has ended"}
}

func (p memoryApps) Hand(ctx context.Context, name string, size int64, r io.Reader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(r, size+1))
	if err != nil {
		return "", err
	}
	if int64(len(data)) != size {
		return "", &fusion.Error{Op: "app.hand", Path: name, Cause: fusion.ErrInvalid, Hint: "open it again"}
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	p.m.launched++
	id := fmt.Sprintf("%d", p.m.launched)
	p.m.handed[id] = &memoryHanded{data: data, changed: make(chan struct{})}
	return fusion.HandedPrefix + id, ctx.Err()
}

// claim gives the handed files among files. The caller holds mu.
func (p memoryApps) claim(files []string) ([]*memoryHanded, error) {
	var all []*memoryHanded
	for _, file := range files {
		id, handed := strings.CutPrefix(file, fusion.HandedPrefix)
		if !handed {
			continue
		}
		h := p.m.handed[id]
		if h == nil || h.screen != "" {
			return nil, noFile("app.run", file)
		}
		all = append(all, h)
	}
	return all, nil
}

func (p memoryApps) Take(ctx context.Context, file, after string) (fusion.Taken, error) {
	id := strings.TrimPrefix(file, fusion.HandedPrefix)
	for {
		p.m.mu.Lock()
		h := p.m.handed[id]
		switch {
		case h == nil:
			p.m.mu.Unlock()
			return fusion.Taken{}, noFile("app.take", file)
		case h.version != after:
			defer p.m.mu.Unlock()
			return fusion.Taken{ReadCloser: io.NopCloser(bytes.NewReader(h.data)), Version: h.version, Size: int64(len(h.data))}, nil
		case h.ended:
			defer p.m.mu.Unlock()
			delete(p.m.handed, id)
			return fusion.Taken{}, noFile("app.take", file)
		}
		changed := h.changed
		p.m.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return fusion.Taken{}, ctx.Err()
		}
	}
}

func (p memoryApps) Drop(_ context.Context, file string) error {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	id := strings.TrimPrefix(file, fusion.HandedPrefix)
	h := p.m.handed[id]
	if h == nil {
		return noFile("app.drop", file)
	}
	delete(p.m.handed, id)
	h.tell()
	return nil
}

// Write is what an app does when it saves a handed file.
func (m *Memory) Write(file string, data []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.launched++
	h := m.handed[strings.TrimPrefix(file, fusion.HandedPrefix)]
	h.data, h.version = bytes.Clone(data), fmt.Sprintf("v%d", m.launched)
	h.tell()
}
