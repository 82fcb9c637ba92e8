package vmctl

import (
	"bytes"
	"cmp"
	"io"
	"maps"
	"os"
	"slices"
	"sync"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// fake is a hypervisor in memory.
type fake struct {
	mu      sync.Mutex // guards the fields below
	all     map[string]domain
	changed func(uuid string)
	gone    chan struct{}
	closed  bool
	refuse  map[string]error // by method
	hang    chan struct{}    // when set, domain waits for it
	opened  int
	acting  chan fusion.Verb // when set, a start tells of itself and waits for goOn
	goOn    chan struct{}
	guest   interface {
		answer(command string) (string, error)
	}
	kept    map[string][]fusion.Snapshot // by UUID
	deaf    bool                         // guests do not listen when asked to shut down
	asked   [][]string                   // the arguments of stats
	count   func(domain) fusion.Stats    // the counters of a domain; default: one second of CPU
	late    bool                         // a machine is started while it is undefined, and runs on
	texts   map[string]*fakeTexts        // by UUID
	can     limits
	stiff   bool                 // guests let go of nothing, and give no memory back
	ports   map[string]*fakePort // open consoles by UUID
	opens   chan *fakePort       // tells of each
	plugged fakeNetworks
	stored  fakeStorage
	present []string // nodeDevices
	keyed   [][]uint16
	backed  fakeBackups
	moving  fakeMoves
}

func newFake() *fake {
	return &fake{
		all: map[string]domain{}, kept: map[string][]fusion.Snapshot{}, refuse: map[string]error{}, gone: make(chan struct{}),
		texts: map[string]*fakeTexts{}, can: limits{memoryBytes: 8 << 30, cpus: 16},
		ports: map[string]*fakePort{}, opens: make(chan *fakePort, 64),
	}
}

// open is a Config's opener. After a loss the fake is whole again.
func (f *fake) open(_ string, changed func(string)) (driver, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened++
	if err := f.refuse["open"]; err != nil {
		return nil, err
	}
	f.changed = changed
	f.closed = false
	if f.opened > 1 {
		f.gone = make(chan struct{})
	}
	return f, nil
}

func (f *fake) lose() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.gone)
}

// refuses lets a method fail with err from now on, or not any more.
func (f *fake) refuses(method string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refuse[method] = err
}

// put makes or changes a domain and tells of it.
func (f *fake) put(d domain) {
	f.mu.Lock()
	f.all[d.uuid] = d
	changed := f.changed
	f.mu.Unlock()
	if changed != nil {
		changed(d.uuid)
	}
}

func (f *fake) lost() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.gone
}

func (f *fake) domains() ([]domain, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.refuse["domains"]; err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Values(f.all), func(a, b domain) int { return cmp.Compare(a.uuid, b.uuid) }), nil
}

func (f *fake) domain(uuid string) (domain, error) {
	f.mu.Lock()
	hang := f.hang
	f.mu.Unlock()
	if hang != nil {
		<-hang
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.refuse["domain"]; err != nil {
		return domain{}, err
	}
	d, there := f.all[uuid]
	if !there {
		return d, &driverError{fusion.ErrNotFound, "no domain " + uuid}
	}
	return d, nil
}

func (f *fake) define(text string) error {
	if err := f.refusal("define"); err != nil {
		return err
	}
	info, err := domxml.ReadInfo(text)
	if err != nil {
		return &driverError{fusion.ErrInvalid, err.Error()}
	}
	name, uuid := nameAndUUID(text)
	f.mu.Lock()
	d, there := f.all[uuid]
	if !there {
		f.texts[uuid] = &fakeTexts{next: text}
	}
	f.mu.Unlock()
	if there {
		return f.redefine(d, text)
	}
	f.put(domain{uuid: uuid, name: name, state: fusion.Off, Info: info})
	return nil
}

func (f *fake) refusal(method string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refuse[method]
}

func (f *fake) undefine(uuid string) error {
	if err := f.refusal("undefine"); err != nil {
		return err
	}
	f.mu.Lock()
	d, changed := f.all[uuid], f.changed
	delete(f.all, uuid)
	if f.late {
		d.state, d.active = fusion.Running, true
		f.all[uuid] = d
	}
	f.mu.Unlock()
	changed(uuid)
	return nil
}

func (f *fake) startAs(text string) error {
	if err := f.refusal("startAs"); err != nil {
		return err
	}
	_, uuid := nameAndUUID(text)
	f.mu.Lock()
	f.texts[uuid].now = text
	d := f.all[uuid]
	f.mu.Unlock()
	d.state, d.active = fusion.Running, true
	f.put(d)
	return nil
}

func (f *fake) leave(uuid string) error { return f.undefine(uuid) }

func (f *fake) act(uuid string, verb fusion.Verb) error {
	if f.acting != nil && verb == fusion.Start {
		f.acting <- verb
		<-f.goOn
	}
	if err := f.refusal(string(verb)); err != nil {
		return err
	}
	f.mu.Lock()
	d, there := f.all[uuid]
	f.mu.Unlock()
	if !there {
		return &driverError{fusion.ErrNotFound, "no domain " + uuid}
	}
	if f.deaf && verb == fusion.Stop {
		return nil
	}
	states := map[fusion.Verb]fusion.MachineState{
		fusion.Start: fusion.Running, fusion.Stop: fusion.Off, fusion.ForceOff: fusion.Off,
		fusion.Pause: fusion.Paused, fusion.Resume: fusion.Running, fusion.Reboot: fusion.Running,
		fusion.Discard: fusion.Off,
	}
	d.state = states[verb]
	d.active = d.state != fusion.Off
	f.put(d)
	f.restart(uuid)
	return nil
}

func (f *fake) screenshot(_ string, w io.Writer) error {
	_, err := io.Copy(w, bytes.NewReader([]byte("P6\n1 2\n255\nabcdef")))
	return err
}

func (f *fake) graphics(string, int) (*os.File, error) {
	return nil, &driverError{fusion.ErrUnsupported, "a fake has no display"}
}

func (f *fake) agent(_, command string) (string, error) {
	if f.guest == nil {
		return "", &driverError{fusion.ErrUnsupported, "QEMU guest agent is not connected"}
	}
	return f.guest.answer(command)
}

func (f *fake) stats(uuids ...string) ([]domainStats, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, uuids)
	if err := f.refuse["stats"]; err != nil {
		return nil, err
	}
	var list []domainStats
	for uuid, d := range f.all {
		if d.active && (len(uuids) == 0 || slices.Contains(uuids, uuid)) {
			one := fusion.Stats{CPUs: d.CPUs, CPUSeconds: 1}
			if f.count != nil {
				one = f.count(d)
			}
			list = append(list, domainStats{uuid, one})
		}
	}
	return list, nil
}

func (f *fake) advertisesKVM() (bool, error) { return false, nil }

func (f *fake) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return nil
}
