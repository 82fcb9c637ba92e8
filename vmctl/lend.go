package vmctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"hither/fusion"
	"hither/vmctl/devxml"
	"hither/vmctl/imagepool"
	"hither/vmctl/usbredir"
)

// USBHost gives away the USB devices of this computer. The real one is usbredir.Host, whose
// documentation says what is promised.
type USBHost interface {
	List() ([]usbredir.Device, error)
	// Check says why a device cannot be given away.
	Check(usbredir.Device) error
	Open(usbredir.Device) (usbredir.Session, error)
	Restore(usbredir.Device) error
}

// LoanRequest asks for a USB device of this computer, for a machine of another host.
type LoanRequest struct {
	Device  string `json:"device"`  // a fusion.Device's ID
	Machine string `json:"machine"` // its name there
	UUID    string `json:"uuid"`    // of its domain
}

const opLend = "device.lend"

// loans are the devices of this computer that machines of other hosts have now. What is
// taken from the kernel's drivers is written down before, so that the next node gives back
// what a killed one could not (DIR/loans).
type loans struct {
	s *Store

	mu   sync.Mutex       // guards held
	held map[string]*Loan // by the device's node
}

// Loan is a device that a machine of another host has. Serve or Close it.
type Loan struct {
	loans   *loans
	device  usbredir.Device
	from    fusion.HostID
	request LoanRequest
	holder  string // HOST/MACHINE
	session usbredir.Session

	cut  context.CancelFunc // ends Serve
	ctx  context.Context
	done chan struct{} // closed when the device is given back
}

func (c Config) loans() string { return filepath.Join(c.Dir, "loans") }

// newLoans gives back what a node that was killed had lent. A device that may not be used
// just now is tried again by the next node.
func newLoans(s *Store) *loans {
	l := &loans{s: s, held: map[string]*Loan{}}
	imagepool.Sweep(s.config.loans())
	entries, err := os.ReadDir(s.config.loans())
	if err != nil {
		s.config.Log.Warn("devices that were lent may be without a driver", "error", err)
	}
	for _, entry := range entries {
		l.restore(entry.Name())
	}
	return l
}

// restore gives one device back that is noted in a file, if it is still the same one.
func (l *loans) restore(file string) {
	var d usbredir.Device
	text, err := os.ReadFile(filepath.Join(l.s.config.loans(), file))
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	var list []usbredir.Device
	if err == nil {
		list, err = l.s.config.USB.List()
	}
	if err == nil && slices.ContainsFunc(list, func(now usbredir.Device) bool { return now.Node() == d.Node() && sameKind(now, d) }) {
		err = l.s.config.USB.Restore(d)
	}
	if err != nil && !errors.Is(err, fusion.ErrNotFound) {
		l.s.config.Log.Warn("a device that was lent may be without a driver", "device", usbID(d), "error", err, "hint", "pull it out and plug it in again")
		return
	}
	l.s.config.Log.Info("a device that was lent is back", "device", usbID(d))
	l.forget(file)
}

func (l *loans) forget(file string) {
	if err := os.Remove(filepath.Join(l.s.config.loans(), file)); err != nil && !errors.Is(err, os.ErrNotExist) {
		l.s.config.Log.Warn("a note of a device that was lent stays", "error", err)
	}
}

func sameKind(a, b usbredir.Device) bool { return a.Vendor == b.Vendor && a.Product == b.Product }

func usbID(d usbredir.Device) string { return "usb:" + d.Vendor + ":" + d.Product }

func soundUUID(uuid string) bool {
	return len(uuid) == 36 && isHex(strings.ReplaceAll(uuid, "-", ""), 32)
}

// Lend takes a USB device from this computer for a machine of another host, which from
// calls host here. It promises the errors of usbredir.Host, ErrBusy with who has the device,
// and ErrInvalid for a request that is none. The same machine may ask again, when its
// connection broke: the loan that it had ends then.
func (s *Store) Lend(ctx context.Context, from fusion.HostID, host string, r LoanRequest) (*Loan, error) {
	refuse := func(cause error, detail, hint string) (*Loan, error) {
		return nil, &fusion.Error{Op: opLend, Path: fusionClip(r.Device), Cause: cause, Detail: detail, Hint: hint}
	}
	if !fusion.GoodDevice(r.Device) || !strings.HasPrefix(r.Device, "usb:") || fusion.CheckName(r.Machine) != nil || !soundUUID(r.UUID) {
		return refuse(fusion.ErrInvalid, "it is no request for a USB device", "update Hither on both computers")
	}
	list, err := s.hostDevices(ctx)
	if err != nil {
		return nil, fail(opLend, r.Device, err)
	}
	at, err := pick(idsOf(list), opLend, "", r.Device)
	if err != nil {
		return nil, err
	}
	d := list[at]
	if others := s.whoHas(d.ID, true, ""); len(others) > 0 {
		return refuse(fusion.ErrBusy, "the machine "+others[0]+" has that device and runs", "take it away there first: hither machine device rm")
	}
	loan := &Loan{loans: s.loans, device: asUSB(d), from: from, request: r, holder: host + "/" + r.Machine, done: make(chan struct{})}
	loan.ctx, loan.cut = context.WithCancel(s.ctx)
	if err := s.loans.take(ctx, loan); err != nil {
		loan.cut()
		return nil, err
	}
	if err := loan.open(); err != nil {
		loan.release()
		return nil, fail(opLend, r.Device, err)
	}
	s.config.Log.Info("a device is lent", "device", d.ID, "to", loan.holder)
	return loan, nil
}

// take notes who has a device. A machine's own earlier loan is ended first.
func (l *loans) take(ctx context.Context, loan *Loan) error {
	node := loan.device.Node()
	for {
		l.mu.Lock()
		other := l.held[node]
		if other == nil {
			l.held[node] = loan
		}
		l.mu.Unlock()
		switch {
		case other == nil:
			return nil
		case other.from != loan.from || other.request.UUID != loan.request.UUID:
			return &fusion.Error{Op: opLend, Path: loan.request.Device, Cause: fusion.ErrBusy, Detail: "the machine " + other.holder + " has that device",
				Hint: "take it away there first: hither machine device rm"}
		}
		other.cut()
		select {
		case <-other.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// open writes down what is about to be taken, and takes it.
func (n *Loan) open() error {
	text, err := json.Marshal(n.device)
	if err == nil {
		err = imagepool.WriteWhole(n.loans.s.config.loans(), n.file(), text)
	}
	if err != nil {
		return err
	}
	n.session, err = n.loans.s.config.USB.Open(n.device)
	return err
}

func (n *Loan) file() string {
	return strings.ReplaceAll(strings.TrimPrefix(n.device.Node(), "/dev/bus/usb/"), "/", "-") + ".json"
}

// release ends a loan whose device is given back, or was not taken.
func (n *Loan) release() {
	n.cut()
	n.loans.forget(n.file())
	n.loans.mu.Lock()
	delete(n.loans.held, n.device.Node())
	n.loans.mu.Unlock()
	close(n.done)
}

// Serve speaks for the device until the connection or the node ends, the device is pulled
// out, or ctx ends.
func (n *Loan) Serve(ctx context.Context, conn io.ReadWriteCloser) error {
	stop := context.AfterFunc(ctx, n.cut)
	defer stop()
	began := time.Now()
	err := n.session.Serve(n.ctx, conn)
	n.loans.s.config.Log.Info("a device is back", "device", n.request.Device, "from", n.holder, "after", time.Since(began).Round(time.Second), "error", err)
	n.release()
	return err
}

// Close gives the device back without serving it.
func (n *Loan) Close() {
	n.session.Close()
	n.release()
}

// EndLoans takes back what machines of a host have that may not have it any more.
func (s *Store) EndLoans(from fusion.HostID) {
	s.loans.mu.Lock()
	defer s.loans.mu.Unlock()
	for _, loan := range s.loans.held {
		if loan.from == from {
			loan.cut()
		}
	}
}

// holders names the machines of other hosts that have a device now.
func (l *loans) holders(node string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if loan := l.held[node]; loan != nil {
		return []string{loan.holder}
	}
	return nil
}

// pick finds a device by its ID, which has an address only where several are alike.
func pick(ids []string, op, path, id string) (int, error) {
	if at := slices.Index(ids, id); at >= 0 {
		return at, nil
	}
	alike := slices.DeleteFunc(slices.Clone(ids), func(other string) bool { return !devxml.Same(id, other) })
	if len(alike) > 1 {
		return 0, invalid(op, path, "several devices are called that", "say which: "+strings.Join(alike, ", "))
	}
	return 0, &fusion.Error{Op: op, Path: path, Cause: fusion.ErrNotFound, Detail: fmt.Sprintf("its computer has no device %q", fusionClip(id)), Hint: devicesHint}
}

func idsOf(list []devxml.Device) (ids []string) {
	for _, d := range list {
		ids = append(ids, d.ID)
	}
	return ids
}

// asUSB is the device for the package of that name.
func asUSB(d devxml.Device) usbredir.Device {
	return usbredir.Device{Bus: d.Bus, Number: d.Number, Port: d.Port, Vendor: d.Vendor, Product: d.Product, Name: d.Name, Drivers: d.Drivers}
}

// ownDevices are the USB devices of a computer without a hypervisor.
func (s *Store) ownDevices() ([]devxml.Device, error) {
	found, err := s.config.USB.List()
	list := []devxml.Device{}
	for _, d := range found {
		list = append(list, devxml.Device{Vendor: d.Vendor, Product: d.Product, Bus: d.Bus, Number: d.Number, Port: d.Port, Node: d.Node(), Bare: usbID(d),
			Device: fusion.Device{ID: usbID(d), Kind: "usb", Name: d.Name, Group: -1, Drivers: sortedOnce(d.Drivers)}})
	}
	return devxml.Order(list), err
}

// ports gives the names in sysfs of USB devices, by bus and number: libvirt does not tell.
func (s *Store) ports(list []devxml.Device) {
	found, err := s.config.USB.List()
	if err != nil {
		s.config.Log.Debug("USB devices cannot be listed", "error", err)
	}
	for i := range list {
		for _, d := range found {
			if list[i].Kind == "usb" && d.Bus == list[i].Bus && d.Number == list[i].Number {
				list[i].Port = d.Port
			}
		}
	}
}

// farRefusal says why no machine of another host can be given a device.
func (s *Store) farRefusal(d devxml.Device) (note, hint string) {
	if d.Kind != "usb" {
		return "only USB devices go to machines of other computers", "make a machine on its own computer for it"
	}
	if err := s.config.USB.Check(asUSB(d)); err != nil {
		detail := err.Error()
		if e := (*fusion.Error)(nil); errors.As(err, &e) && e.Detail != "" {
			detail = e.Detail
		}
		return detail, fusion.Hint(err)
	}
	return "", ""
}
