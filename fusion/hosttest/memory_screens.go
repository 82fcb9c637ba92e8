package hosttest

import (
	"context"
	"encoding/binary"
	"io"
	"maps"
	"slices"
	"sync"

	"hither/fusion"
)

type memoryScreens struct{ m *Memory }

// List gives the desktop with its monitors or the console, then the running apps.
func (p memoryScreens) List(ctx context.Context, machine string) ([]fusion.Screen, error) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	v, err := p.m.machine("screen.list", machine)
	if err != nil {
		return nil, err
	}
	list := append([]fusion.Screen{v.screen()}, v.monitors()...)
	for _, name := range slices.Sorted(maps.Keys(p.m.running)) {
		if s := p.m.running[name]; s.Machine == machine {
			list = append(list, s)
		}
	}
	return list, ctx.Err()
}

func (v *memoryMachine) screen() fusion.Screen {
	kind := fusion.ScreenConsole
	if v.Kind == fusion.KindSelf {
		kind = fusion.ScreenMonitor
	}
	return fusion.Screen{Name: v.Name, Machine: v.Name, Kind: kind, Title: v.Name, Width: memoryWidth, Height: memoryHeight}
}

// monitors are the two halves of a computer's desktop.
func (v *memoryMachine) monitors() []fusion.Screen {
	if v.Kind != fusion.KindSelf {
		return nil
	}
	var list []fusion.Screen
	for _, name := range []string{"LEFT", "RIGHT"} {
		list = append(list, fusion.Screen{Name: v.Name + "/" + name, Machine: v.Name, Kind: fusion.ScreenMonitor,
			Title: name, Width: memoryWidth / 2, Height: memoryHeight})
	}
	return list
}

// find gives the screen of a name. The caller holds mu.
func (m *Memory) find(name string) (fusion.Screen, error) {
	if screen, ok := m.running[name]; ok {
		return screen, nil
	}
	for _, screen := range m.machines[fusion.Self].monitors() {
		if screen.Name == name {
			return screen, nil
		}
	}
	v, err := m.machine("screen.open", name)
	if err != nil {
		return fusion.Screen{}, err
	}
	if v.State != fusion.Running && v.State != fusion.Paused {
		return fusion.Screen{}, isOff("screen.open", name)
	}
	return v.screen(), nil
}

// Open starts a view that shows one colour.
func (p memoryScreens) Open(ctx context.Context, name string, options fusion.ViewOptions) (fusion.Pipe, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	screen, err := p.m.find(name)
	if err != nil {
		return nil, err
	}
	view := &memoryView{m: p.m, screen: screen, done: make(chan struct{}), out: make(chan []byte, maxUnread)}
	view.hello(options.ViewOnly)
	view.keyFrame()
	p.m.views[view] = struct{}{}
	return view, nil
}

// endViews ends the views of a screen, as its source ended. The caller holds mu.
func (m *Memory) endViews(screen string) {
	for v := range m.views {
		if v.screen.Name == screen {
			v.send(append([]byte{0x05, 0}, "the screen is gone"...))
			delete(m.views, v)
			close(v.out)
		}
	}
}

// maxUnread messages wait for a viewer that does not read; more are dropped.
const maxUnread = 64

// memoryView is one viewer's pipe, see docs/wire.md.
type memoryView struct {
	m      *Memory
	screen fusion.Screen
	once   sync.Once
	done   chan struct{} // closed by the viewer's Close
	out    chan []byte   // sent to and closed under m.mu; closed once not in m.views
	frames uint32        // guarded by m.mu
}

// send queues a message for the viewer. The caller holds m.mu.
func (v *memoryView) send(message []byte) {
	select {
	case v.out <- message:
	default: // nobody reads
	}
}

func (v *memoryView) hello(viewOnly bool) {
	message := []byte{0x01, 1, 0}
	if viewOnly {
		message[2] = 1
	}
	message = binary.BigEndian.AppendUint16(message, uint16(v.screen.Width))
	message = binary.BigEndian.AppendUint16(message, uint16(v.screen.Height))
	v.send(append(message, v.screen.Title...))
}

// keyFrame sends the whole picture as one fill.
func (v *memoryView) keyFrame() {
	u16 := binary.BigEndian.AppendUint16
	width, height := uint16(v.screen.Width), uint16(v.screen.Height)
	v.frames++
	message := binary.BigEndian.AppendUint32([]byte{0x02}, v.frames)
	message = u16(u16(message, 0), 1)                     // part 0 of 1
	message = u16(u16(append(message, 1), width), height) // key
	message = u16(u16(u16(u16(append(message, 2), 0), 0), width), height)
	v.send(append(message, 0x20, 0x40, 0x80))
}

func (v *memoryView) Read() ([]byte, error) {
	select {
	case <-v.done:
		return nil, io.EOF
	default:
	}
	select {
	case message, ok := <-v.out:
		if !ok {
			return nil, io.EOF
		}
		return message, nil
	case <-v.done:
		return nil, io.EOF
	}
}

// lengths of the viewer's messages, type included.
var lengths = map[byte]int{0x81: 4, 0x82: 5, 0x83: 3, 0x84: 5, 0x85: 5, 0x86: 5, 0x87: 1, 0x88: 1, 0x89: 1, 0x8a: 9}

func (v *memoryView) Write(message []byte) error {
	v.m.mu.Lock()
	defer v.m.mu.Unlock()
	if _, open := v.m.views[v]; !open || len(message) == 0 {
		return io.ErrClosedPipe
	}
	length, known := lengths[message[0]]
	if !known {
		return nil
	}
	if len(message) != length {
		v.send(append([]byte{0x05, 2}, "a message of wrong length"...))
		delete(v.m.views, v)
		close(v.out)
		return nil
	}
	switch message[0] {
	case 0x88:
		v.keyFrame()
	case 0x89:
		if v.screen.Kind == fusion.ScreenApp {
			v.m.endApp(v.screen.Name)
		} else {
			delete(v.m.views, v)
			close(v.out)
		}
	case 0x8a:
		v.send(append([]byte{0x06}, message[1:]...))
	}
	return nil
}

func (v *memoryView) Close() error {
	v.once.Do(func() {
		v.m.mu.Lock()
		delete(v.m.views, v)
		v.m.mu.Unlock()
		close(v.done)
	})
	return nil
}
