package vmctl

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hither/fusion"
	"hither/vmctl/usbredir"
)

func requestOf(machine string) LoanRequest {
	return LoanRequest{Device: stick, Machine: machine, UUID: "6695eb01-f6a4-8304-79aa-97f2502e193f"}
}

func notesOf(t *testing.T, s *Store) int { return len(must(os.ReadDir(s.config.loans()))(t)) }

func TestLoans(t *testing.T) {
	usb := &fakeUSB{plugged: []usbredir.Device{aStick}}
	s := lendingStore(t, t.TempDir(), usb)
	ctx := t.Context()
	list := must(s.Devices().List(ctx))(t)
	if len(list) != 1 || list[0].ID != stick || list[0].Name != aStick.Name || list[0].Note == "" || list[0].Hint == "" || list[0].FarNote != "" {
		t.Fatalf("%+v", list)
	}
	loan := must(s.Lend(ctx, nasID, "nas", requestOf("web")))(t)
	if list := must(s.Devices().List(ctx))(t); strings.Join(list[0].Machines, " ") != "nas/web" || notesOf(t, s) != 1 {
		t.Errorf("%+v, %d notes", list, notesOf(t, s))
	}
	other := requestOf("db")
	other.UUID = newUUID()
	_, err := s.Lend(ctx, nasID, "nas", other)
	refused(t, err, fusion.ErrBusy)
	if !strings.Contains(err.Error(), "nas/web") {
		t.Error(err)
	}
	_, err = s.Lend(ctx, laptopID, "laptop", requestOf("web"))
	refused(t, err, fusion.ErrBusy)

	near, far := net.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- loan.Serve(ctx, far) }()
	echo(t, near)
	// The machine's node asks again: its first connection broke, which is not known here yet.
	again := must(s.Lend(ctx, nasID, "nas", requestOf("web")))(t)
	<-ended
	again.Close()
	if notesOf(t, s) != 0 || len(usb.taken) != 2 {
		t.Errorf("%d notes, taken %v", notesOf(t, s), usb.taken)
	}
	last := must(s.Lend(ctx, nasID, "nas", requestOf("web")))(t)
	near, far = net.Pipe()
	go func() { ended <- last.Serve(ctx, far) }()
	echo(t, near)
	s.EndLoans(laptopID)
	echo(t, near)
	s.EndLoans(nasID) // it was granted admin no longer
	<-ended
	if list := must(s.Devices().List(ctx))(t); len(list[0].Machines) != 0 {
		t.Errorf("%+v", list)
	}
}

// echo says something over a connection and hears it.
func echo(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := conn.Write([]byte("hi")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2)
	if n, err := conn.Read(buf); err != nil || string(buf[:n]) != "hi" {
		t.Fatalf("%q, %v", buf[:n], err)
	}
}

func TestLoansThatAreRefused(t *testing.T) {
	usb := &fakeUSB{plugged: []usbredir.Device{aStick}}
	s := lendingStore(t, t.TempDir(), usb)
	for what, r := range map[string]LoanRequest{
		"no device": {Machine: "web", UUID: newUUID()}, "a card": {Device: card, Machine: "web", UUID: newUUID()},
		"a hostile device": {Device: "usb:../../x", Machine: "web", UUID: newUUID()}, "a hostile name": {Device: stick, Machine: "../x", UUID: newUUID()},
		"no UUID": {Device: stick, Machine: "web", UUID: "x"},
	} {
		_, err := s.Lend(t.Context(), nasID, "nas", r)
		refused(t, err, fusion.ErrInvalid)
		if !strings.Contains(err.Error(), "no request") {
			t.Errorf("%s: %v", what, err)
		}
	}
	r := requestOf("web")
	r.Device = "usb:ffff:fffe"
	_, err := s.Lend(t.Context(), nasID, "nas", r)
	refused(t, err, fusion.ErrNotFound)
	usb.refuses(&fusion.Error{Op: opLend, Cause: fusion.ErrPermission, Detail: "not yours", Hint: "a udev rule"})
	_, err = s.Lend(t.Context(), nasID, "nas", requestOf("web"))
	refused(t, err, fusion.ErrPermission)
	if list := must(s.Devices().List(t.Context()))(t); list[0].FarNote != "not yours" || list[0].FarHint != "a udev rule" || len(list[0].Machines) != 0 {
		t.Errorf("%+v", list)
	}
	if notesOf(t, s) != 0 {
		t.Error("a note stays of what was not taken")
	}
}

// TestLoanOfAKilledNode: what a node that was killed had lent is given back by the next one,
// if it is still there.
func TestLoanOfAKilledNode(t *testing.T) {
	dir := t.TempDir()
	usb := &fakeUSB{plugged: []usbredir.Device{aStick}}
	gone := aStick
	gone.Number = 9
	loans := Config{Dir: dir}.loans()
	ok(t, os.MkdirAll(loans, 0o700))
	for i, d := range []usbredir.Device{aStick, gone} {
		ok(t, os.WriteFile(filepath.Join(loans, string(rune('a'+i))+".json"), must(json.Marshal(d))(t), 0o600))
	}
	s := lendingStore(t, dir, usb)
	if len(usb.restored) != 1 || usb.restored[0] != aStick.Node() || notesOf(t, s) != 0 {
		t.Errorf("restored %v, %d notes", usb.restored, notesOf(t, s))
	}
}

// TestLentAndGiven: a device that a machine elsewhere has is not given to one here, nor one
// that a machine here has lent.
func TestLentAndGiven(t *testing.T) {
	f := newFake()
	usb := &fakeUSB{plugged: []usbredir.Device{aStick}}
	f.present = usbStick(1, 2, "0951", "1666", "DataTraveler")
	s := storeOf(t, f, Config{Dir: t.TempDir(), USB: usb})
	knowsKVM(s, false)
	must(s.Create(t.Context(), fusion.MachineSpec{Name: "m", MemoryBytes: 64 << 20, Start: true}))(t)
	loan := must(s.Lend(t.Context(), nasID, "nas", requestOf("web")))(t)
	attach := fusion.Change{Kind: fusion.AttachDevice, Device: stick}
	_, err := s.Change(t.Context(), "m", attach)
	refused(t, err, fusion.ErrBusy)
	if !strings.Contains(err.Error(), "nas/web") {
		t.Error(err)
	}
	loan.Close()
	change(t, s, attach, fusion.Now)
	eventually(t, "the machine here has it", func() bool {
		loan, err := s.Lend(t.Context(), nasID, "nas", requestOf("web"))
		if err == nil {
			loan.Close()
			return false
		}
		refused(t, err, fusion.ErrBusy)
		return strings.Contains(err.Error(), "the machine m has")
	})
}
