//go:build e2e

package e2e

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hither/internal/guest"
)

// movers is a counting guest on one of two hosts, and a third computer that has it
// moved.
type movers struct {
	t    *testing.T
	c    *node
	a, b *node
	at   *node // where it is
}

func newMovers(t *testing.T) *movers {
	m := &movers{t: t, c: newNode(t, "desk", nil), a: newNode(t, "alpha", nil), b: newNode(t, "beta", nil)}
	m.c.libvirt = "off"
	together(t, m.c, m.a, m.b)
	disk := filepath.Join(tempDir(t, nil), "counter.img")
	guest.Counter(t, disk, 64<<20)
	m.c.hither("machine", "create", "alpha/mover", "--memory", "32MiB", "--image", disk, "--start")
	m.at = m.a
	return m
}

// other gives the host that the guest is not on.
func (m *movers) other() *node {
	if m.at == m.a {
		return m.b
	}
	return m.a
}

// virsh asks a host's libvirt itself.
func (n *node) virsh(args ...string) string {
	uri := field[string](n, "libvirtUri", "status", "--json")
	out, err := exec.Command("virsh", append([]string{"-c", uri}, args...)...).CombinedOutput()
	if err != nil {
		n.t.Fatalf("virsh %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// where gives the hosts on which virsh says that the guest runs, and on which it is.
func (m *movers) where() (running, there []*node) {
	for _, n := range []*node{m.a, m.b} {
		if strings.Contains(n.virsh("list", "--name", "--all"), "mover\n") {
			there = append(there, n)
		}
		if strings.Contains(n.virsh("list", "--name", "--state-running"), "mover\n") {
			running = append(running, n)
		}
	}
	return running, there
}

// pool lists the disks in a host's pool.
func (n *node) pool() []string {
	list, err := filepath.Glob(filepath.Join(n.home, "machines/images/mover-*"))
	if err != nil {
		n.t.Fatal(err)
	}
	return list
}

// only checks that the guest runs on one host alone, with its disk, and gives it.
func (m *movers) only() *node {
	m.t.Helper()
	running, there := m.where()
	if len(running) != 1 || len(there) != 1 {
		m.t.Fatalf("it runs on %d hosts and is on %d", len(running), len(there))
	}
	for _, n := range []*node{m.a, m.b} {
		if disks := n.pool(); (n == running[0]) != (len(disks) == 1) {
			m.t.Errorf("%s has the disks %v", n.name, disks)
		}
	}
	return running[0]
}

// counted ends the guest and reads how far it counted without a gap.
func (m *movers) counted() uint32 {
	m.t.Helper()
	m.c.hither("machine", "stop", "--force", m.at.name+"/mover")
	m.c.waitState(m.at.name+"/mover", "off")
	raw := filepath.Join(tempDir(m.t, nil), "raw")
	if out, err := exec.Command("qemu-img", "convert", "-O", "raw", m.at.pool()[0], raw).CombinedOutput(); err != nil {
		m.t.Fatalf("qemu-img: %v\n%s", err, out)
	}
	disk, err := os.Open(raw)
	if err != nil {
		m.t.Fatal(err)
	}
	defer disk.Close()
	n, err := guest.Counted(disk)
	if err != nil {
		m.t.Error(err)
	}
	return n
}

// showsIt checks that a window that was open before shows the guest where it is now.
func (m *movers) showsIt(d *display, window string) {
	m.t.Helper()
	name := m.at.name + "/mover"
	m.c.hither("machine", "pause", name)
	m.c.waitState(name, "paused")
	want := m.c.screenshot(name)
	until(m.t, "the window shows it on "+m.at.name, func() bool { return differ(d.picture(window), want) == 0 })
	m.c.hither("machine", "resume", name)
	m.c.waitState(name, "running")
}

func TestMigrate(t *testing.T) {
	m := newMovers(t)
	d := newDisplay(t)
	view := m.c.command("view", "alpha/mover")
	view.Env = append(view.Env, "DISPLAY="+d.name)
	background(t, view)
	window := d.window("mover")
	for range 2 {
		began := time.Now()
		m.c.hither("machine", "migrate", m.at.name+"/mover", m.other().name)
		t.Logf("moved in %v", time.Since(began).Round(time.Millisecond))
		m.at = m.other()
		if at := m.only(); at != m.at {
			t.Fatalf("it is on %s", at.name)
		}
		m.showsIt(d, window)
	}
	m.c.refused(3, "no such machine", "machine", "migrate", "alpha/none", "beta")
	m.c.refused(1, "there already", "machine", "migrate", "alpha/mover", "alpha")
	m.c.refused(3, "nowhere", "machine", "migrate", "alpha/mover", "nowhere")
	t.Logf("counted to %d", m.counted())
}

// kills is how many random moments a node is killed at: six, or as make test-kills says.
func kills(t *testing.T) int {
	t.Helper()
	text := os.Getenv("HITHER_ROUNDS")
	if text == "" {
		return 6
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestMigrateSurvivesKills(t *testing.T) {
	m := newMovers(t)
	began := time.Now()
	m.c.hither("machine", "migrate", "alpha/mover", "beta")
	usual := time.Since(began)
	m.at = m.b
	for i := range kills(t) {
		victim := []*node{m.at, m.other()}[i%2]
		move := m.c.command("machine", "migrate", m.at.name+"/mover", m.other().name)
		if err := move.Start(); err != nil {
			t.Fatal(err)
		}
		after := time.Duration(rand.Int64N(int64(usual)))
		time.Sleep(after) // the random moment
		victim.kill()
		victim.start()
		err := move.Wait()
		back := time.Now()
		until(t, "both see the other online", func() bool { return m.a.sees(m.b) && m.b.sees(m.a) })
		until(t, "it runs on one host", func() bool {
			running, there := m.where()
			if len(running) > 1 {
				t.Fatal("it runs twice")
			}
			return len(running) == 1 && len(there) == 1 && len(m.a.pool())+len(m.b.pool()) == 1
		})
		took := time.Since(back)
		if took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
		at := m.only()
		t.Logf("%s killed after %v: moved %v, settled %v after it was back; %v", victim.name,
			after.Round(time.Millisecond), at != m.at, took.Round(time.Millisecond), err)
		m.at = at
	}
	m.c.hither("machine", "migrate", m.at.name+"/mover", m.other().name)
	m.at = m.other()
	m.only()
	t.Logf("counted to %d", m.counted())
}
