package vmctl

import (
	"sync"

	"hither/fusion"
)

// fakePort is a serial console in memory.
type fakePort struct {
	f     *fake
	uuid  string
	got   func([]byte)
	gone  chan struct{}
	once  sync.Once
	typed chan string // what was typed
}

func (f *fake) console(uuid string, got func([]byte)) (serialPort, error) {
	if err := f.refusal("console"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !f.all[uuid].active:
		return nil, &driverError{fusion.ErrInvalid, "domain is not running"}
	case f.ports[uuid] != nil:
		return nil, &driverError{fusion.ErrBusy, "another program has its console open"}
	}
	p := &fakePort{f: f, uuid: uuid, got: got, gone: make(chan struct{}), typed: make(chan string, 64)}
	f.ports[uuid] = p
	f.opens <- p
	return p, nil
}

func (p *fakePort) Write(b []byte) (int, error) {
	p.typed <- string(b)
	return len(b), nil
}

// hangUp is the end of the machine's process.
func (p *fakePort) hangUp() { p.once.Do(func() { close(p.gone) }) }

func (p *fakePort) ended() <-chan struct{} { return p.gone }

func (p *fakePort) close() error {
	p.hangUp()
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	delete(p.f.ports, p.uuid)
	return nil
}
