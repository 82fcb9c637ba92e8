package hosttest

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"maps"
	"slices"

	"hither/fusion"
)

type memoryApps struct{ m *Memory }

// on refuses machines that are not there or have no apps. The caller holds mu.
func (p memoryApps) on(op, machine string) error {
	v, err := p.m.machine(op, machine)
	if err == nil && v.Kind != fusion.KindSelf {
		err = &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrUnsupported,
			Detail: "it has no agent", Hint: "install the guest agent in it"}
	}
	return err
}

func (p memoryApps) List(ctx context.Context, machine, _ string) ([]fusion.App, error) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if err := p.on("app.list", machine); err != nil {
		return nil, err
	}
	var list []fusion.App
	for _, id := range slices.Sorted(maps.Keys(p.m.apps)) {
		list = append(list, p.m.apps[id])
	}
	return list, ctx.Err()
}

func (p memoryApps) find(op, machine, app string) (fusion.App, error) {
	if err := p.on(op, machine); err != nil {
		return fusion.App{}, err
	}
	a, ok := p.m.apps[app]
	if !ok {
		return fusion.App{}, &fusion.Error{Op: op, Path: machine + "/" + app, Cause: fusion.ErrNotFound,
			Hint: "`hither app ls` shows the apps"}
	}
	return a, nil
}

func (p memoryApps) Icon(ctx context.Context, machine, app string) ([]byte, string, error) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if _, err := p.find("app.icon", machine, app); err != nil {
		return nil, "", err
	}
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, 16, 16))); err != nil {
		return nil, "", err
	}
	return out.Bytes(), "image/png", ctx.Err()
}

func (p memoryApps) Run(ctx context.Context, machine, app string, files []string) (fusion.Screen, error) {
	if err := ctx.Err(); err != nil {
		return fusion.Screen{}, err
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	a, err := p.find("app.run", machine, app)
	if err != nil {
		return fusion.Screen{}, err
	}
	handed, err := p.claim(files)
	if err != nil {
		return fusion.Screen{}, err
	}
	p.m.launched++
	s := fusion.Screen{Name: fmt.Sprintf("%s/%s-%d", machine, a.ID, p.m.launched), Machine: machine, Kind: fusion.ScreenApp,
		Title: a.Name, Width: memoryWidth, Height: memoryHeight, App: a.ID}
	p.m.running[s.Name] = s
	for _, h := range handed {
		h.screen = s.Name
	}
	p.m.emit(fusion.Event{Kind: fusion.EventScreen, Screen: &s})
	return s, nil
}

func (p memoryApps) End(ctx context.Context, screen string) error {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if _, ok := p.m.running[screen]; !ok {
		return &fusion.Error{Op: "app.end", Path: screen, Cause: fusion.ErrNotFound, Hint: "it may have ended already"}
	}
	p.m.endApp(screen)
	return ctx.Err()
}

// endApp ends an app and its views. The caller holds mu.
func (m *Memory) endApp(screen string) {
	s := m.running[screen]
	delete(m.running, screen)
	m.endViews(screen)
	for _, h := range m.handed {
		if h.screen == screen {
			h.ended = true
			h.tell()
		}
	}
	m.emit(fusion.Event{Kind: fusion.EventScreen, Removed: true, Screen: &fusion.Screen{Name: screen, Machine: s.Machine}})
}
