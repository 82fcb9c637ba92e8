//go:build machines && e2e && linux

package vmctl

import (
	"bufio"
	"bytes"
	"context"
	"crypto/md5"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hither/fusion"
	linux "hither/internal/guest"
	"hither/vmctl/process"
	"hither/vmctl/usbredir"
)

// laptop is a computer with a USB stick: a Linux in QEMU, in which package usbredir works for
// a Store out here (internal/guest/usbhost). It is a USBHost.
type laptop struct {
	t      *testing.T
	listen net.Listener
	stick  string   // the disk behind the stick
	hands  net.Conn // QEMU's monitor
}

// withStick starts one.
func withStick(t *testing.T, content []byte) *laptop {
	t.Helper()
	dir := t.TempDir()
	l := &laptop{t: t, listen: must(net.Listen("tcp", "127.0.0.1:0"))(t), stick: filepath.Join(dir, "stick")}
	t.Cleanup(func() { _ = l.listen.Close() })
	ok(t, os.WriteFile(l.stick, content, 0o600))
	program := filepath.Join(dir, "usbhost")
	run(t, "go", "build", "-buildvcs=false", "-o", program, "hither/internal/guest/usbhost")
	_, port, _ := strings.Cut(l.listen.Addr().String(), ":")
	body := `ip addr add 10.0.2.15/24 dev eth0
ip route add default via 10.0.2.2
mkdir -p /run/udev
while ! [ -e /sys/block/sda ]; do sleep 1; done
echo laptop ready
while :; do /ld-linux-x86-64.so.2 --library-path / /usbhost 10.0.2.2:` + port + `; echo usbhost ended; done`
	kernel, initrd := linux.BusyboxWith(t, dir, body, linux.StickModules, shared(t, program))
	console := filepath.Join(dir, "console")
	cmd := exec.Command(must(process.Find("qemu-system-x86_64"))(t), "-accel", "tcg", "-cpu", "Nehalem", "-machine", "q35", "-m", "384", "-display", "none", "-nodefaults", "-no-user-config",
		"-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0 quiet panic=1 mitigations=off", "-serial", "file:"+console,
		"-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n",
		"-device", "qemu-xhci", "-drive", "if=none,id=s,format=raw,file="+l.stick, "-device", "usb-storage,drive=s,id=stick",
		"-monitor", "unix:"+filepath.Join(dir, "hands")+",server=on,wait=off")
	var said bytes.Buffer
	cmd.Stderr = &said
	ok(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it runs until the test ends
		_ = cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(console)
			t.Logf("the laptop said %s\n%s", said.String(), text)
		}
	})
	says(t, console, "laptop ready")
	l.hands = must(net.Dial("unix", filepath.Join(dir, "hands")))(t)
	t.Cleanup(func() { _ = l.hands.Close() })
	go func() { _, _ = io.Copy(io.Discard, l.hands) }() // it ends with the connection
	return l
}

// pull takes the stick out, and push puts it in again.
func (l *laptop) pull() { l.monitor("device_del stick") }

func (l *laptop) push() {
	l.monitor("drive_add 0 if=none,id=s2,format=raw,file=" + l.stick)
	l.monitor("device_add usb-storage,drive=s2,id=stick2")
}

func (l *laptop) monitor(command string) {
	l.t.Helper()
	if _, err := l.hands.Write([]byte(command + "\n")); err != nil {
		l.t.Fatal(err)
	}
}

// shared gives a program with the libraries that it and package usbredir load.
func shared(t *testing.T, program string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{filepath.Base(program): must(os.ReadFile(program))(t)}
	needed := []string{program}
	for _, name := range []string{"libusb-1.0.so.0", "libusbredirhost.so.1"} {
		needed = append(needed, must(filepath.EvalSymlinks("/usr/lib/x86_64-linux-gnu/"+name))(t))
		files[name] = must(os.ReadFile("/usr/lib/x86_64-linux-gnu/" + name))(t)
	}
	for _, one := range needed {
		out := must(exec.Command("ldd", one).Output())(t)
		for _, path := range regexp.MustCompile(`(?m)(/\S+) \(0x`).FindAllStringSubmatch(string(out), -1) {
			files[filepath.Base(path[1])] = must(os.ReadFile(path[1]))(t)
		}
	}
	return files
}

type usbRequest struct {
	Do     string
	Device usbredir.Device
}

type usbAnswer struct {
	Error   string
	Devices []usbredir.Device
}

// ask has the laptop do one thing. A connection of a usbhost that died is passed over.
func (l *laptop) ask(do string, d usbredir.Device) (net.Conn, *bufio.Reader, usbAnswer, error) {
	for {
		conn, in, a, err := l.askOnce(do, d)
		if do == "die" || a.Error != "" || !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			return conn, in, a, err
		}
	}
}

func (l *laptop) askOnce(do string, d usbredir.Device) (net.Conn, *bufio.Reader, usbAnswer, error) {
	conn, err := l.listen.Accept() // it always has one connection more
	if err != nil {
		return nil, nil, usbAnswer{}, err
	}
	var a usbAnswer
	in := bufio.NewReader(conn)
	if err = json.NewEncoder(conn).Encode(usbRequest{do, d}); err == nil {
		var line []byte
		if line, err = in.ReadBytes('\n'); err == nil {
			err = json.Unmarshal(line, &a)
		}
	}
	if err == nil && a.Error != "" {
		err = errors.New(a.Error)
	}
	if err != nil {
		_ = conn.Close()
	}
	return conn, in, a, err
}

func (l *laptop) List() ([]usbredir.Device, error) {
	conn, _, a, err := l.ask("list", usbredir.Device{})
	if err == nil {
		_ = conn.Close()
	}
	return a.Devices, err
}

func (l *laptop) do(do string, d usbredir.Device) error {
	conn, _, _, err := l.ask(do, d)
	if err == nil {
		err = conn.Close()
	}
	return err
}

func (l *laptop) Check(d usbredir.Device) error   { return l.do("check", d) }
func (l *laptop) Restore(d usbredir.Device) error { return l.do("restore", d) }

func (l *laptop) Open(d usbredir.Device) (usbredir.Session, error) {
	conn, in, _, err := l.ask("open", d)
	if err != nil {
		return nil, err
	}
	return &laptopSession{conn, in}, nil
}

type laptopSession struct {
	conn net.Conn
	in   io.Reader
}

func (s *laptopSession) Serve(ctx context.Context, conn io.ReadWriteCloser) error {
	stop := context.AfterFunc(ctx, func() { _ = s.conn.Close() })
	defer stop()
	done := make(chan error, 1)
	go func() {
		_, err := io.Copy(s.conn, conn)
		_ = s.conn.Close()
		done <- err
	}()
	_, err := io.Copy(conn, s.in)
	_ = conn.Close()
	<-done
	return err
}

func (s *laptopSession) Close() { _ = s.conn.Close() }

// nearby is a Store as another host's USBPeer.
type nearby struct{ s *Store }

func (n nearby) ID() fusion.HostID { return "laptop-id" }
func (n nearby) Name() string      { return "laptop" }

func (n nearby) Devices(ctx context.Context) ([]fusion.Device, error) {
	return n.s.Devices().List(ctx)
}

func (n nearby) Borrow(ctx context.Context, r LoanRequest) (net.Conn, error) {
	loan, err := n.s.Lend(ctx, "cloud-id", "cloud", r)
	if err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	n.s.running.Go(func() { _ = loan.Serve(n.s.ctx, far) }) // how it ends is logged
	return near, nil
}

// TestStickOfAnotherComputer gives a machine a stick that is plugged into another computer: its
// system reads what is on it and writes to it. When it is taken away, when the other computer's
// node is killed, and when the machine stops, that computer's own driver has the stick again.
func TestStickOfAnotherComputer(t *testing.T) {
	content := make([]byte, 24<<20)
	source := rand.NewChaCha8([32]byte{7})
	_, _ = source.Read(content) // it fills all
	far := withStick(t, content)
	away := must(Open(t.Context(), Config{Dir: t.TempDir(), URI: "off", USB: far}))(t)
	t.Cleanup(func() { closeStore(t, away) })
	driver := func() string {
		list := must(far.List())(t)
		if len(list) != 1 {
			t.Fatalf("the laptop has %+v", list)
		}
		return strings.Join(list[0].Drivers, " ")
	}
	list := must(away.Devices().List(t.Context()))(t)
	t.Logf("%+v", list)
	if len(list) != 1 || list[0].Kind != "usb" || list[0].FarNote != "" || list[0].Note == "" || driver() != "usb-storage" {
		t.Fatalf("it has %+v, driver %q", list, driver())
	}
	stick := list[0].ID

	s, config := stage(t, "private")
	closeStore(t, s)
	config.USBPeer = func(id fusion.HostID) (USBPeer, error) {
		if id != "laptop-id" {
			return nil, fusion.NoMachine(opChange, string(id))
		}
		return nearby{away}, nil
	}
	s = open(t, config)
	const body = `n=0
while :; do
 while ! [ -b /dev/sda ]; do sleep 1; done
 n=$((n+1))
 echo "stick $n $(cat /sys/block/sda/size) $(dd if=/dev/sda bs=1M count=16 2>/dev/null | md5sum)"
 echo "written by the guest $n" | dd of=/dev/sda bs=512 seek=$((40000+n)) conv=sync 2>/dev/null
 sync
 echo "wrote $n"
 while [ -b /dev/sda ]; do sleep 1; done
 echo "stick $n is gone"
done`
	console := bootedWith(t, s, "m", "", body, "", linux.StickModules)
	attach := fusion.Change{Kind: fusion.AttachDevice, Device: stick, From: "laptop-id"}
	began := time.Now()
	change(t, s, attach, fusion.Now)
	t.Logf("given after %v", time.Since(began))
	sum := fmt.Sprintf("%x", md5.Sum(content[:16<<20]))
	says(t, console, fmt.Sprintf("stick 1 %d %s", len(content)/512, sum))
	t.Logf("its system has read 16 MiB after %v", time.Since(began))
	says(t, console, "wrote 1")
	written := func(n int) {
		t.Helper()
		text := fmt.Sprintf("written by the guest %d", n)
		if disk := must(os.ReadFile(far.stick))(t); !bytes.HasPrefix(disk[(40000+n)*512:], []byte(text)) {
			t.Errorf("the stick has not %q", text)
		}
	}
	written(1)
	if has := parts(t, s).Devices; len(has) != 1 || has[0].FromName != "laptop" || has[0].Note != "" {
		t.Errorf("it has %+v", has)
	}
	if got := must(away.Devices().List(t.Context()))(t)[0].Machines; !slices.Equal(got, []string{"cloud/m"}) {
		t.Errorf("it is lent to %v", got)
	}
	if d := driver(); d != "usbfs" {
		t.Errorf("while it is lent its driver is %q", d)
	}
	_, err := away.Lend(t.Context(), "nas-id", "nas", LoanRequest{Device: stick, Machine: "other", UUID: newUUID()})
	refused(t, err, fusion.ErrBusy)
	if !strings.Contains(err.Error(), "cloud/m") {
		t.Error(err)
	}
	t.Log(strings.TrimSpace(virsh(t, s, "qemu-monitor-command", "--hmp", "m", "info usb")))

	// Taken away and given again.
	change(t, s, fusion.Change{Kind: fusion.DetachDevice, Device: stick}, fusion.Now)
	says(t, console, "stick 1 is gone")
	eventually(t, "the laptop's driver has it again", func() bool { return driver() == "usb-storage" })
	now, next := dumps(t, s, "m")
	hasText(t, now+next, "<redirdev", false)
	change(t, s, attach, fusion.Now)
	says(t, console, "wrote 2")
	written(2)

	// The laptop's node is killed: the device is without a driver until the next one.
	_, _, _, _ = far.ask("die", usbredir.Device{}) // it says nothing any more
	says(t, console, "stick 2 is gone")
	eventually(t, "the note says why", func() bool {
		has := parts(t, s).Devices
		return len(has) == 1 && has[0].Note != ""
	})
	t.Logf("%+v", parts(t, s).Devices)
	says(t, console, "wrote 3") // it came back by itself
	written(3)

	// It is pulled out, and put in again.
	far.pull()
	says(t, console, "stick 3 is gone")
	eventually(t, "the note says why", func() bool {
		has := parts(t, s).Devices
		return len(has) == 1 && strings.Contains(has[0].Note, "no device") || strings.Contains(has[0].Note, "not plugged in")
	})
	far.push()
	says(t, console, "wrote 4") // it came back by itself
	written(4)

	// The machine stops.
	ok(t, s.Do(t.Context(), "m", fusion.ForceOff))
	eventually(t, "the laptop's driver has it again", func() bool { return driver() == "usb-storage" })
	if has := parts(t, s).Devices; len(has) != 1 || has[0].Note != "" {
		t.Errorf("it has %+v", has)
	}

	// What a node that was killed has left without a driver is given back.
	loan := must(away.Lend(t.Context(), "nas-id", "nas", LoanRequest{Device: stick, Machine: "other", UUID: newUUID()}))(t)
	_, _, _, _ = far.ask("die", usbredir.Device{}) // it says nothing any more
	if d := driver(); d != "" {
		t.Errorf("its driver is %q", d)
	}
	ok(t, far.Restore(must(far.List())(t)[0]))
	eventually(t, "the laptop's driver has it again", func() bool { return driver() == "usb-storage" })
	loan.Close()
}
