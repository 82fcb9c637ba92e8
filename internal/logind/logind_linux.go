// Package logind is a small login manager for tests, on a system bus of its own: a
// real dbus-daemon at an address that only the test knows, which it hands to what it
// tests as DBUS_SYSTEM_BUS_ADDRESS. It does nothing to any computer: it notes what it
// was asked for.
package logind

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	name  = "org.freedesktop.login1"
	path  = dbus.ObjectPath("/org/freedesktop/login1")
	iface = name + ".Manager"
)

// Manager is the login manager. Its bus ends with the test.
type Manager struct {
	// Address is the bus's.
	Address string

	conn *dbus.Conn

	mu      sync.Mutex // guards the fields below
	answers map[string]string
	fails   *dbus.Error
	asked   []string
	locks   []lock
	locked  chan struct{} // closed and renewed with each inhibitor
}

// lock is an inhibitor: whoever took it has the other end of write, too.
type lock struct{ read, write *os.File }

// Start runs a bus with a login manager that says yes to everything, and sets
// DBUS_SYSTEM_BUS_ADDRESS for the test.
func Start(t *testing.T) *Manager {
	t.Helper()
	m := &Manager{Address: bus(t), answers: map[string]string{}, locked: make(chan struct{})}
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", m.Address)
	conn, err := dbus.Connect(m.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close() // its bus ends next
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, l := range m.locks {
			_, _ = l.read.Close(), l.write.Close() // the latter may be closed
		}
	})
	m.conn = conn
	if err := conn.ExportMethodTable(m.methods(), path, iface); err != nil {
		t.Fatal(err)
	}
	reply, err := conn.RequestName(name, dbus.NameFlagDoNotQueue)
	if err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("the name %s: %v, %v", name, reply, err)
	}
	return m
}

// config is a bus on which everybody may do everything.
const config = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>custom</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
`

func bus(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "hbus-") // short, for the socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	file := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, config, filepath.Join(dir, "s")), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("dbus-daemon", "--config-file="+file, "--nofork", "--print-address")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatalf("%v (apt install dbus)", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func (m *Manager) methods() map[string]any {
	table := map[string]any{"Inhibit": m.inhibit}
	for _, verb := range []string{"Suspend", "Reboot", "PowerOff"} {
		table["Can"+verb] = func() (string, *dbus.Error) { return m.can(verb), nil }
		table[verb] = func(interactive bool) *dbus.Error { return m.do(verb, interactive) }
	}
	return table
}

func (m *Manager) can(verb string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if answer := m.answers[verb]; answer != "" {
		return answer
	}
	return "yes"
}

func (m *Manager) do(verb string, interactive bool) *dbus.Error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, fmt.Sprintf("%s(%v)", verb, interactive))
	return m.fails
}

// Answer is what Can says for Suspend, Reboot or PowerOff from now on.
func (m *Manager) Answer(verb, answer string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers[verb] = answer
}

// Fail makes the methods fail from now on with the error of a name, or not for "".
func (m *Manager) Fail(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fails = nil; name != "" {
		m.fails = dbus.NewError(name, []any{"no, says the test"})
	}
}

// Asked lists what was asked for, as "Suspend(false)".
func (m *Manager) Asked() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.asked...)
}

func (m *Manager) inhibit(what, _, _, mode string) (dbus.UnixFD, *dbus.Error) {
	if what != "sleep:shutdown" || mode != "delay" {
		return 0, dbus.MakeFailedError(fmt.Errorf("an inhibitor of %s, %s", what, mode))
	}
	read, write, err := os.Pipe()
	if err != nil {
		return 0, dbus.MakeFailedError(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.locks = append(m.locks, lock{read, write})
	close(m.locked)
	m.locked = make(chan struct{})
	return dbus.UnixFD(write.Fd()), nil
}

// Locked waits for the nth inhibitor that was ever taken.
func (m *Manager) Locked(t *testing.T, n int) {
	t.Helper()
	for {
		m.mu.Lock()
		have, more := len(m.locks), m.locked
		m.mu.Unlock()
		if have >= n {
			return
		}
		select {
		case <-more:
		case <-t.Context().Done():
			t.Fatalf("inhibitor %d was not taken", n)
		}
	}
}

// Released waits until whoever took the nth inhibitor lets go of it. They have it:
// a signal that was sent after it was taken was heard.
func (m *Manager) Released(t *testing.T, n int) {
	t.Helper()
	m.mu.Lock()
	l := m.locks[n-1]
	m.mu.Unlock()
	err := errors.Join(l.write.Close(), l.read.SetReadDeadline(time.Now().Add(time.Minute)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.read.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("inhibitor %d is held: %v", n, err)
	}
}

// Emit sends a signal of the manager, as "PrepareForSleep".
func (m *Manager) Emit(t *testing.T, signal string, values ...any) {
	t.Helper()
	if err := m.conn.Emit(path, iface+"."+signal, values...); err != nil {
		t.Error(err)
	}
}
