package vmctl

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"hither/fusion"
	"hither/vmctl/devxml"
	"hither/vmctl/domxml"
	"hither/vmctl/imagepool"
)

// USBPeer is another host whose USB devices machines of this one can be given.
type USBPeer interface {
	ID() fusion.HostID
	Name() string // what it is called here
	Devices(context.Context) ([]fusion.Device, error)
	// Borrow asks for a device, and gives the connection over which it is spoken for. It
	// promises Lend's errors, ErrOffline and ErrPermission.
	Borrow(context.Context, LoanRequest) (net.Conn, error)
}

// redirections are the USB devices of other hosts that machines of this one have. They are
// kept in DIR/redirections.json and are in no definition: while a machine runs, QEMU has a
// device for each (redirdev) that listens on a socket, and a keeper joins that with the other
// host whenever it can be reached (redirect_keep.go, docs/decisions/0030).
//
// run, a goroutine of the Store's, follows the machines. It starts a keeper, a goroutine too,
// for each redirection of a machine that runs, and ends them all.
type redirections struct {
	s    *Store
	work sync.WaitGroup // keepers

	mu      sync.Mutex // guards the fields below and the runtime part of the entries
	entries []*redirection
	broken  error // why the file could not be read; then it is not written over

	woken chan struct{} // capacity 1: something ended that held a redirection
}

// redirection is one device of another host that a machine has.
type redirection struct {
	Device   string        `json:"device"` // a fusion.Device's ID
	Name     string        `json:"name"`
	From     fusion.HostID `json:"from"`
	FromName string        `json:"fromName"`
	UUID     string        `json:"uuid"` // of the domain
	URI      string        `json:"uri"`  // of the hypervisor that has it

	keeper *redirector // nil while nothing is to be kept
	held   bool        // a change is at work on it: no keeper begins
	why    error       // why it is not there though the machine runs, nil when it is
}

const (
	redirectionsFile = "redirections.json"
	// maxRedirections bounds those of one host, and portsForDevices those of one machine:
	// an xHCI controller of QEMU's has four ports, and one of them has the tablet.
	maxRedirections = 256
	portsForDevices = 3
)

// newRedirections reads what was kept.
func newRedirections(s *Store) *redirections {
	r := &redirections{s: s, woken: make(chan struct{}, 1)}
	text, err := os.ReadFile(filepath.Join(s.config.Dir, redirectionsFile))
	if err == nil {
		err = json.Unmarshal(text, &r.entries)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		r.broken = err
		s.config.Log.Error("the devices of other computers cannot be read", "file", redirectionsFile, "error", err)
	}
	r.entries = slices.DeleteFunc(r.entries, func(e *redirection) bool {
		return e == nil || !fusion.GoodDevice(e.Device) || !soundUUID(e.UUID) || e.From == ""
	})
	return r
}

// saveLocked writes the file whole. mu is held.
func (r *redirections) saveLocked() error {
	if r.broken != nil {
		return &fusion.Error{Op: opChange, Path: redirectionsFile, Cause: r.broken, Hint: "repair or remove that file in the node's home, then start the node again"}
	}
	text, err := json.MarshalIndent(r.entries, "", "  ")
	if err != nil {
		return err
	}
	return imagepool.WriteWhole(r.s.config.Dir, redirectionsFile, text)
}

// of gives a machine's redirections as they are kept.
func (r *redirections) of(uuid string) (list []*redirection) {
	uri := r.s.URI()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.entries {
		if e.UUID == uuid && e.URI == uri {
			list = append(list, e)
		}
	}
	return list
}

// parts are a machine's devices of other hosts.
func (r *redirections) parts(uuid string, runs bool) (parts []fusion.DevicePart) {
	list := r.of(uuid)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range list {
		p := fusion.DevicePart{ID: e.Device, Name: e.Name, From: e.From, FromName: e.FromName}
		if runs && e.why != nil {
			p.Note, p.Hint = reasonOf(e.why)
		}
		parts = append(parts, p)
	}
	return parts
}

// reasonOf gives an error for people.
func reasonOf(err error) (note, hint string) {
	e := (*fusion.Error)(nil)
	if !errors.As(err, &e) {
		return err.Error(), backHint
	}
	note = e.Detail
	if note == "" && errors.Is(err, fusion.ErrOffline) {
		note = "its computer is offline"
	}
	if note == "" {
		note = e.Cause.Error()
	}
	if e.Hint == "" {
		return note, backHint
	}
	return note, e.Hint
}

const backHint = "it comes back by itself when its computer can be reached"

// add keeps a redirection; nothing is kept when the file cannot be written.
func (r *redirections) add(e *redirection) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.entries) >= maxRedirections {
		return invalid(opChange, e.Device, fmt.Sprintf("machines of this computer have %d devices of others already", maxRedirections), "take some away that are not needed")
	}
	r.entries = append(r.entries, e)
	if err := r.saveLocked(); err != nil {
		r.entries = r.entries[:len(r.entries)-1]
		return err
	}
	return nil
}

// forget ends some redirections for good. What they have in QEMU goes with the machine, or
// was taken out before.
func (r *redirections) forget(which func(*redirection) bool) error {
	for _, e := range r.all(which) {
		r.stop(e)
		r.s.dropSocket(e)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	before := slices.Clone(r.entries)
	if r.entries = slices.DeleteFunc(r.entries, which); len(r.entries) == len(before) {
		return nil
	}
	if err := r.saveLocked(); err != nil {
		r.entries = before
		return err
	}
	return nil
}

func (r *redirections) all(which func(*redirection) bool) (list []*redirection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.entries {
		if which(e) {
			list = append(list, e)
		}
	}
	return list
}

// tag tells the redirections of one machine apart.
func (e *redirection) tag() string {
	sum := sha256.Sum256([]byte(string(e.From) + " " + e.Device))
	return fmt.Sprintf("%x", sum[:4])
}

// USBPairHint says what two hosts need of each other for a USB device.
const USBPairHint = "pair the machine's host with the one that has the device, with admin there"

// lender gives the other host that a change names, nil when it is this one.
func (s *Store) lender(id fusion.HostID) (USBPeer, error) {
	if id == "" {
		return nil, nil
	}
	if s.config.USBPeer == nil {
		return nil, fusion.NotPaired(opChange, fusion.HostID(fusionClip(string(id))), USBPairHint)
	}
	return s.config.USBPeer(id)
}

// redirected finds the redirection that a detach is about.
func (c *changing) redirected() (*redirection, error) {
	mine := c.hostdev(c.next) != nil || c.hostdev(c.now) != nil
	var found []*redirection
	for _, e := range c.redirections.of(c.r.uuid) {
		if devxml.Same(e.Device, c.change.Device) && (c.change.From == "" && !mine || c.change.From == e.From) {
			found = append(found, e)
		}
	}
	if len(found) > 1 {
		return nil, c.bad("several devices are called that", "say of which computer it is: hither machine device rm --from HOST")
	}
	if len(found) == 1 {
		return found[0], nil
	}
	if c.change.From == "" {
		return nil, nil
	}
	peer, err := c.lender(c.change.From)
	if err == nil && peer != nil {
		err = c.missing(fmt.Sprintf("it has no device %q", fusionClip(c.change.Device)))
	}
	return nil, err
}

// redirect gives the machine a USB device of another host: at once when it runs, which tells
// whether that host gives it, else when it starts.
func (c *changing) redirect(ctx context.Context, peer USBPeer) (fusion.Changed, error) {
	e, err := c.toBorrow(ctx, peer)
	if err != nil {
		return fusion.Changed{}, err
	}
	e.held = true
	defer c.redirections.letGo(e)
	if c.now == nil {
		if err := c.redirections.add(e); err != nil {
			return fusion.Changed{}, err
		}
		return fusion.Changed{When: fusion.Now, Part: e.Device}, nil
	}
	conn, err := peer.Borrow(ctx, e.request(c.name))
	if err != nil {
		return fusion.Changed{}, err
	}
	ctx, cancel := withinCall(ctx)
	defer cancel()
	if err := c.redirections.add(e); err != nil {
		return fusion.Changed{}, errors.Join(err, conn.Close())
	}
	if err := c.plugIn(ctx, e, c.now); err != nil {
		is := func(other *redirection) bool { return other == e }
		return fusion.Changed{}, errors.Join(c.noPort(err), conn.Close(), c.redirections.forget(is))
	}
	c.redirections.keep(e, c.name, conn)
	return fusion.Changed{When: fusion.Now, Part: e.Device}, nil
}

// toBorrow finds the device at its host and refuses what cannot be given.
func (c *changing) toBorrow(ctx context.Context, peer USBPeer) (*redirection, error) {
	list, err := peer.Devices(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, d := range list {
		ids = append(ids, d.ID)
	}
	at, err := pick(ids, opChange, c.name, c.change.Device)
	if err != nil {
		return nil, err
	}
	d := list[at]
	if d.FarNote != "" {
		return nil, &fusion.Error{Op: opChange, Path: c.name, Cause: fusion.ErrUnsupported, Detail: d.FarNote, Hint: d.FarHint}
	}
	has := c.redirections.of(c.r.uuid)
	if slices.ContainsFunc(has, func(e *redirection) bool { return e.From == peer.ID() && devxml.Same(e.Device, d.ID) }) {
		return nil, &fusion.Error{Op: opChange, Path: c.name, Cause: fusion.ErrExists, Detail: "it has that device", Hint: "hither machine hw shows what it has"}
	}
	if len(has) >= portsForDevices {
		return nil, c.bad(fmt.Sprintf("it has %d devices of other computers already", portsForDevices), "take one away first: hither machine device rm")
	}
	if _, err := c.socketOf(c.r.uuid, "x"); err != nil {
		return nil, err
	}
	return &redirection{Device: d.ID, Name: d.Name, From: peer.ID(), FromName: peer.Name(), UUID: c.r.uuid, URI: c.URI()}, nil
}

func (e *redirection) request(machine string) LoanRequest {
	return LoanRequest{Device: e.Device, Machine: machine, UUID: e.UUID}
}

// takeBack ends a redirection: the device goes out of the machine, then out of the file.
func (c *changing) takeBack(ctx context.Context, e *redirection) (fusion.Changed, error) {
	ctx, cancel := withinCall(ctx)
	defer cancel()
	c.redirections.hold(e)
	defer c.redirections.letGo(e)
	if err := c.pullOut(ctx, e, c.now); err != nil {
		return fusion.Changed{}, err
	}
	if err := c.redirections.forget(func(other *redirection) bool { return other == e }); err != nil {
		return fusion.Changed{}, err
	}
	return fusion.Changed{When: fusion.Now}, nil
}

// unplug takes all devices of other computers out of a machine whose memory is about to be
// written: QEMU could not go on with what they were in the middle of. After plug they come
// back to a machine that runs.
func (r *redirections) unplug(d driver, uuid string) (plug func(), err error) {
	list := r.of(uuid)
	plug = func() {
		for _, e := range list {
			r.letGo(e)
		}
	}
	for _, e := range list {
		r.hold(e)
	}
	for _, e := range list {
		if err = r.s.unplugOne(d, e); err != nil {
			plug()
			return nil, err
		}
	}
	return plug, nil
}

func (s *Store) unplugOne(d driver, e *redirection) error {
	text, _, err := d.definitions(e.UUID)
	if err != nil || text == "" {
		return err
	}
	now, err := domxml.Parse(text)
	if err != nil {
		return err
	}
	n, err := s.redirdev(e, now)
	if n == nil || err != nil {
		return err
	}
	return d.detach(e.UUID, n.Source(), true)
}
