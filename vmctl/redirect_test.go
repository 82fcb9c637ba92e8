package vmctl

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hither/fusion"
	"hither/vmctl/usbredir"
)

// borrowing is a Store with the machine m, and another host that has a stick.
func borrowing(t *testing.T, f *fake, dir string, start bool) (*Store, storePeer, *fakeUSB) {
	t.Helper()
	usb := &fakeUSB{plugged: []usbredir.Device{aStick}}
	peer := newStorePeer(lendingStore(t, t.TempDir(), usb))
	s := storeOf(t, f, borrower(dir, peer))
	knowsKVM(s, false)
	must(s.Create(t.Context(), fusion.MachineSpec{Name: "m", MemoryBytes: 64 << 20, DiskBytes: 1 << 30, Start: start}))(t)
	return s, peer, usb
}

func borrower(dir string, peer storePeer) Config {
	return Config{Dir: dir, RunDir: filepath.Join(dir, "r"), USB: &fakeUSB{}, USBPeer: func(id fusion.HostID) (USBPeer, error) {
		switch id {
		case laptopID:
			return peer, nil
		case nasID:
			return nil, nil
		}
		return nil, &fusion.Error{Op: opChange, Path: string(id), Cause: fusion.ErrNotFound, Hint: USBPairHint}
	}}
}

// short gives a directory in which sockets may lie.
func short(t *testing.T) string {
	t.Helper()
	dir := must(os.MkdirTemp("", "usb-"))(t)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// qemu listens where the machine's QEMU would, and gives each connection.
func qemu(t *testing.T, s *Store, uuid string) <-chan net.Conn {
	t.Helper()
	e := redirection{Device: stick, From: laptopID, UUID: uuid}
	l := must(net.Listen("unix", must(s.socketOf(uuid, e.tag()))(t)))(t)
	came := make(chan net.Conn, 16)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			came <- conn
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return came
}

const farStick = "usb:0951:1666 Kingston DataTraveler laptop"

func farTexts(t *testing.T, s *Store) string {
	t.Helper()
	var all []string
	for _, d := range parts(t, s).Devices {
		text := d.ID + " " + d.Name + " " + d.FromName
		if d.Note != "" {
			text += ": " + d.Note
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func TestADeviceOfAnotherHost(t *testing.T) {
	f, dir := newFake(), short(t)
	s, peer, usb := borrowing(t, f, dir, true)
	m := must(s.Get(t.Context(), "m"))(t)
	came := qemu(t, s, m.UUID)
	attach := fusion.Change{Kind: fusion.AttachDevice, Device: stick, From: laptopID}
	detach := fusion.Change{Kind: fusion.DetachDevice, Device: stick}
	if done := change(t, s, attach, fusion.Now); done.Part != stick {
		t.Errorf("%+v", done)
	}
	echo(t, <-came)
	texts := f.textsOf(m.UUID)
	if !strings.Contains(texts.now, `<redirdev bus="usb" type="unix"><source mode="bind" path="`+s.config.RunDir) || strings.Contains(texts.next, "redirdev") {
		t.Errorf("%s\n%s", texts.now, texts.next)
	}
	if has := farTexts(t, s); has != farStick {
		t.Errorf("it has %s", has)
	}
	if list := must(peer.s.Devices().List(t.Context()))(t); strings.Join(list[0].Machines, " ") != "nas/m" {
		t.Errorf("%+v", list)
	}
	_, err := s.Change(t.Context(), "m", attach)
	refused(t, err, fusion.ErrExists)

	// The other host goes, and comes back.
	peer.goes(&fusion.Error{Cause: fusion.ErrOffline, Hint: "wake it"})
	eventually(t, "it says why", func() bool { return farTexts(t, s) == farStick+": its computer is offline" })
	peer.goes(nil)
	s.PeerBack()
	echo(t, <-came)
	eventually(t, "all is well", func() bool { return farTexts(t, s) == farStick })

	// A machine that moves would leave it.
	r := must(s.refresh(t.Context(), m.UUID))(t)
	_, err = s.offer(t.Context(), r, fusion.MigrateOptions{})
	refused(t, err, fusion.ErrInvalid)
	if !strings.Contains(err.Error(), stick+" of laptop") {
		t.Error(err)
	}

	// A snapshot keeps its memory without the device.
	made := must(s.TakeSnapshot(t.Context(), "m", fusion.SnapshotSpec{Name: "s1"}))(t)
	if !made.Memory {
		t.Errorf("%+v", made)
	}
	echo(t, <-came)

	// The machine stops, and starts.
	ok(t, s.Do(t.Context(), "m", fusion.ForceOff))
	free := func() bool { return len(must(peer.s.Devices().List(t.Context()))(t)[0].Machines) == 0 }
	eventually(t, "the laptop has it", free)
	if has := farTexts(t, s); has != farStick {
		t.Errorf("it has %s", has)
	}
	ok(t, s.Do(t.Context(), "m", fusion.Start))
	echo(t, <-came)

	// Another node of this home takes it up.
	closeStore(t, s)
	eventually(t, "the laptop has it", free)
	s = must(Open(t.Context(), func() Config { c := borrower(dir, peer); c.URI, c.open = "fake:///", f.open; return c }()))(t)
	t.Cleanup(func() { closeStore(t, s) })
	echo(t, <-came)
	if strings.Count(f.textsOf(m.UUID).now, "<redirdev") != 1 {
		t.Errorf("it is plugged in more than once: %s", f.textsOf(m.UUID).now)
	}

	change(t, s, detach, fusion.Now)
	eventually(t, "the laptop has it", free)
	if strings.Contains(f.textsOf(m.UUID).now, "<redirdev") || farTexts(t, s) != "" {
		t.Errorf("it has %q in %s", farTexts(t, s), f.textsOf(m.UUID).now)
	}
	_, err = s.Change(t.Context(), "m", detach)
	refused(t, err, fusion.ErrNotFound)

	// A machine that is removed is given nothing any more.
	change(t, s, attach, fusion.Now)
	ok(t, s.Do(t.Context(), "m", fusion.ForceOff))
	ok(t, s.Remove(t.Context(), "m"))
	eventually(t, "it is forgotten", func() bool { return len(s.redirections.of(m.UUID)) == 0 })
	if len(usb.taken) < 5 {
		t.Errorf("it was taken %v", usb.taken)
	}
}

// TestADeviceForAMachineThatIsOff comes when the machine starts.
func TestADeviceForAMachineThatIsOff(t *testing.T) {
	s, _, usb := borrowing(t, newFake(), short(t), false)
	m := must(s.Get(t.Context(), "m"))(t)
	came := qemu(t, s, m.UUID)
	change(t, s, fusion.Change{Kind: fusion.AttachDevice, Device: stick, From: laptopID}, fusion.Now)
	if len(usb.taken) != 0 || farTexts(t, s) != farStick {
		t.Errorf("taken %v, it has %s", usb.taken, farTexts(t, s))
	}
	ok(t, s.Do(t.Context(), "m", fusion.Start))
	echo(t, <-came)
}

// TestASavedMachineLetsGo: QEMU could not go on with a device that it was in the middle of.
func TestASavedMachineLetsGo(t *testing.T) {
	f := newFake()
	s, peer, _ := borrowing(t, f, short(t), true)
	m := must(s.Get(t.Context(), "m"))(t)
	came := qemu(t, s, m.UUID)
	change(t, s, fusion.Change{Kind: fusion.AttachDevice, Device: stick, From: laptopID}, fusion.Now)
	echo(t, <-came)
	f.refuses("save", &driverError{errHypervisor, "disk full"})
	if err := s.Save(t.Context(), "m"); err == nil {
		t.Error("it was saved")
	}
	echo(t, <-came) // it runs on, with its device
	f.refuses("save", nil)
	ok(t, s.Save(t.Context(), "m"))
	eventually(t, "the laptop has it", func() bool { return len(must(peer.s.Devices().List(t.Context()))(t)[0].Machines) == 0 })
	if has := farTexts(t, s); has != farStick {
		t.Errorf("it has %s", has)
	}
}

func TestDevicesOfOthersThatAreRefused(t *testing.T) {
	f := newFake()
	s, peer, usb := borrowing(t, f, short(t), true)
	attach := func(device string, from fusion.HostID) error {
		_, err := s.Change(t.Context(), "m", fusion.Change{Kind: fusion.AttachDevice, Device: device, From: from})
		return err
	}
	refused(t, attach(stick, "nobody"), fusion.ErrNotFound)
	refused(t, attach("usb:ffff:fffe", laptopID), fusion.ErrNotFound)
	refused(t, attach(card, laptopID), fusion.ErrInvalid)
	refused(t, attach(stick, nasID), fusion.ErrNotFound) // its own host, which has none
	loan := must(peer.s.Lend(t.Context(), nasID, "nas", requestOf("web")))(t)
	err := attach(stick, laptopID)
	refused(t, err, fusion.ErrBusy)
	if !strings.Contains(err.Error(), "nas/web") {
		t.Error(err)
	}
	loan.Close()
	f.refuses("live attach", &driverError{errHypervisor, "internal error: No free USB ports"})
	err = attach(stick, laptopID)
	refused(t, err, fusion.ErrUnsupported)
	f.refuses("live attach", nil)
	usb.refuses(&fusion.Error{Cause: fusion.ErrUnsupported, Detail: "no library", Hint: "install it"})
	refused(t, attach(stick, laptopID), fusion.ErrUnsupported)
	eventually(t, "nothing is lent", func() bool { return len(must(peer.s.Devices().List(t.Context()))(t)[0].Machines) == 0 })
	if has := farTexts(t, s); has != "" {
		t.Errorf("it has %s", has)
	}
	if text, err := os.ReadFile(filepath.Join(s.config.Dir, redirectionsFile)); err == nil && strings.TrimSpace(string(text)) != "[]" {
		t.Errorf("kept: %s", text)
	}
}
