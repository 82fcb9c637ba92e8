//go:build e2e && linux

package vmctl

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	random "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hither/fusion"
	"hither/vmctl/computer"
	"hither/vmctl/imagefile"
	"hither/vmctl/imagepool"
)

// rounds is how often a test that kills at random moments does so: usual, or as make
// test-kills says.
func rounds(t *testing.T, usual int) int {
	t.Helper()
	if text := os.Getenv("HITHER_ROUNDS"); text != "" {
		return must(strconv.Atoi(text))(t)
	}
	return usual
}

// A deed is what a node or its libvirtd is killed amid (e2e_kill_deeds_test.go).
type deed struct {
	name string
	// before is called ahead of each round, with nobody at work; nil does nothing.
	before func(k *killing)
	// do is what is broken. It runs in a process of its own when the node is killed.
	do func(ctx context.Context, s *Store, o errand) error
	// after checks what there is, does the deed once more, and takes all of it back. It
	// says whether the deed was done.
	after func(k *killing, d deed) (done bool)
}

// errand is what a deed is told.
type errand struct {
	Deed, Dir, RunDir string
	Key               string // idempotency key
	Name              string // of what is made
	URL, File         string // what it is made of
}

// killing is what all rounds share.
type killing struct {
	stage  *testing.T // whose end closes what is open
	t      *testing.T // of the deed
	s      *Store
	config Config
	errand
	machines []string // that there are between two rounds
	pools    map[string]string
	far      string   // sum of the image at URL
	images   []string // files in the pool that belong to no machine
}

// TestNothingIsHalfDone kills the node, and libvirtd, at random moments amid each deed: it
// is done, undone, or can be done again; virsh and qemu-img are the witnesses.
func TestNothingIsHalfDone(t *testing.T) {
	k := newKilling(t)
	for _, d := range deeds {
		t.Run(d.name, func(t *testing.T) {
			k.t = t
			k.begin(d)
			start := time.Now()
			ok(t, d.do(k.context(), k.s, k.errand))
			usual := time.Since(start)
			if !d.after(k, d) {
				t.Fatal("undisturbed, it is not done")
			}
			k.tidy()
			for _, victim := range []struct {
				name string
				kill func(deed, time.Duration) error
			}{{"the node", k.killNode}, {"libvirtd", k.killLibvirtd}} {
				done, all := 0, rounds(t, 1)
				for range all {
					k.begin(d)
					wait := random.N(usual * 6 / 5)
					err := victim.kill(d, wait)
					eventually(t, "all is settled", func() bool { return pending(t, k.s) == 0 })
					is := d.after(k, d)
					t.Logf("%s killed after %v of %v: done %v; %v", victim.name, wait.Round(time.Millisecond), usual.Round(time.Millisecond), is, err)
					k.tidy()
					if is {
						done++
					}
					if err == nil { // it had ended: it is quicker than that
						usual = max(usual*3/4, time.Millisecond)
					}
				}
				t.Logf("%s killed %d times: %d were done", victim.name, all, done)
			}
		})
		if t.Failed() {
			return // what is left would be found again in what follows
		}
	}
}

// begin makes a name, a key, and what the deed needs.
func (k *killing) begin(d deed) {
	k.t.Helper()
	id := strings.ToLower(rand.Text()[:8])
	k.errand = errand{Deed: d.name, Dir: k.config.Dir, RunDir: k.config.RunDir, Key: rand.Text(), Name: "x" + id, File: k.File, URL: k.URL}
	if d.before != nil {
		d.before(k)
	}
}

// context has the round's idempotency key.
func (k *killing) context() context.Context { return fusion.WithKey(k.t.Context(), k.Key) }

// killNode lets another process do it, and kills that.
func (k *killing) killNode(d deed, wait time.Duration) error {
	k.t.Helper()
	closeStore(k.t, k.s) // two of one directory would settle each other's work
	cmd := exec.CommandContext(k.t.Context(), must(os.Executable())(k.t), "-test.run", "^TestInsideDeed$")
	cmd.Env = append(os.Environ(), asUserEnv+"="+string(must(json.Marshal(k.errand))(k.t)))
	out := must(cmd.StdoutPipe())(k.t)
	ok(k.t, cmd.Start())
	said := bufio.NewReader(out)
	if line, err := said.ReadString('\n'); err != nil || line != "it begins\n" {
		k.t.Fatalf("the other process says %q, %v", line, err)
	}
	time.Sleep(wait) // the random moment
	_ = cmd.Process.Kill()
	rest := must(io.ReadAll(said))(k.t)
	err := cmd.Wait()
	if status, is := cmd.ProcessState.Sys().(syscall.WaitStatus); err != nil && (!is || !status.Signaled()) {
		k.t.Errorf("the other process failed before it was killed: %s", rest)
	}
	k.s = open(k.stage, k.config)
	return err
}

func TestInsideDeed(t *testing.T) {
	var o errand
	if json.Unmarshal([]byte(os.Getenv(asUserEnv)), &o) != nil {
		return // TestNothingIsHalfDone runs it
	}
	i := slices.IndexFunc(deeds, func(d deed) bool { return d.name == o.Deed })
	s := must(Open(t.Context(), Config{Dir: o.Dir, RunDir: o.RunDir, URI: "private"}))(t)
	defer closeStore(t, s)
	must(os.Stdout.WriteString("it begins\n"))(t)
	ok(t, deeds[i].do(fusion.WithKey(t.Context(), o.Key), s, o))
}

// killLibvirtd kills the daemon while a Store does it, which starts another.
func (k *killing) killLibvirtd(d deed, wait time.Duration) error {
	k.t.Helper()
	pid := daemonPID(k.t, k.config)
	k.s.mu.Lock()
	old := k.s.conn
	k.s.mu.Unlock()
	done := make(chan error, 1)
	go func() { done <- d.do(k.context(), k.s, k.errand) }()
	time.Sleep(wait) // the random moment
	ok(k.t, syscall.Kill(pid, syscall.SIGKILL))
	err := <-done
	eventually(k.t, "the Store has another libvirtd", func() bool {
		k.s.mu.Lock()
		defer k.s.mu.Unlock()
		return k.s.conn != nil && k.s.conn != old
	})
	return err
}

// once checks that the machine is there whole, or nothing of it; makes the same call again,
// after which there is one; and removes it. Its disk must be equal to like.
func (k *killing) once(d deed, like string) (done bool) {
	t, ctx := k.t, k.t.Context()
	t.Helper()
	before, err := k.s.Get(ctx, k.Name)
	done = err == nil
	if !done && !errors.Is(err, fusion.ErrNotFound) {
		t.Fatal(err)
	}
	ok(t, d.do(k.context(), k.s, k.errand))
	m := must(k.s.Get(ctx, k.Name))(t)
	eventually(t, "it is started, if that was asked for", func() bool { // libvirt may be at it
		m = must(k.s.Get(ctx, k.Name))(t)
		return (m.State == fusion.Running) == (d.name == "create")
	})
	if done && m.UUID != before.UUID {
		t.Errorf("the second call made another: %+v and %+v", before, m)
	}
	if all := strings.Fields(virsh(t, k.s, "list", "--all", "--name")); len(all) != len(k.machines)+1 || !slices.Contains(all, k.Name) {
		t.Errorf("virsh lists %q", all)
	}
	if m.State == fusion.Running {
		ok(t, k.s.Do(ctx, k.Name, fusion.ForceOff))
	}
	disk := diskNow(t, k.s, k.Name)
	run(t, "qemu-img", "check", "-q", "-f", "qcow2", disk)
	run(t, "qemu-img", "compare", "-F", "qcow2", like, disk)
	ok(t, k.s.Remove(ctx, k.Name))
	return done
}

// tidy asks virsh and the pool's directory whether there is anything that belongs to
// nobody, now that all is taken back.
func (k *killing) tidy() {
	t := k.t
	t.Helper()
	all := strings.Fields(virsh(t, k.s, "list", "--all", "--name"))
	slices.Sort(all)
	if !slices.Equal(all, k.machines) {
		t.Errorf("virsh lists %q, there should be %q", all, k.machines)
	}
	owned := slices.Clone(k.images)
	for _, name := range all {
		for line := range strings.Lines(virsh(t, k.s, "domblklist", "--details", name)) {
			if f := strings.Fields(line); len(f) == 4 && f[3] != "-" {
				owned = append(owned, filepath.Base(f[3]))
				for _, below := range imagefile.Chain(f[3]) {
					owned = append(owned, filepath.Base(below))
				}
			}
		}
	}
	volumes := virsh(t, k.s, "pool-create-as w dir --target "+k.config.pool()+"; vol-list w; pool-destroy w")
	for _, file := range poolFiles(t, k.s) {
		if !slices.Contains(owned, file) {
			t.Errorf("%s is nobody's; virsh lists\n%s", file, volumes)
		}
	}
	for line := range strings.Lines(volumes) {
		if f := strings.Fields(line); len(f) == 2 && strings.HasPrefix(f[1], "/") && !strings.HasPrefix(f[0], imagepool.NotePrefix) && !slices.Contains(owned, f[0]) {
			t.Errorf("virsh lists the volume %s, which is nobody's", f[0])
		}
	}
	runs := strings.Fields(virsh(t, k.s, "list", "--uuid"))
	for pid, args := range computer.Processes() {
		if _, rest, is := strings.Cut(args, "\x00-uuid\x00"); is && strings.Contains(args, k.config.private().Link+"/c/libvirt/qemu/lib/") {
			if uuid, _, _ := strings.Cut(rest, "\x00"); !slices.Contains(runs, uuid) {
				t.Errorf("process %d runs %s, which virsh does not list", pid, uuid)
			}
		}
	}
	if files := filesBelow(t, filepath.Join(k.config.Dir, "libvirt", "c"), k.Name); len(files) != 0 {
		t.Errorf("libvirt keeps %v", files)
	}
}
