//go:build e2e && linux

package vmctl

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"hither/fusion"
	boot "hither/internal/guest"
	"hither/vmctl/catalogue"
	"hither/vmctl/imagepool"
	"hither/vmctl/seed"
)

// cloudImage is a small qcow2 whose system calls itself what its seed says.
func cloudImage(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	raw, packed := filepath.Join(dir, "raw"), filepath.Join(dir, "qcow2")
	boot.Cloud(t, raw, 16<<20)
	run(t, "qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, packed)
	return must(os.ReadFile(packed))(t)
}

// catalogued lets a Store's catalogue have a publisher's image as "tiny".
func catalogued(t *testing.T, s *Store, p *publisher) fusion.CatalogueImage {
	t.Helper()
	image := fusion.CatalogueImage{Name: "tiny", Title: "Tiny", Format: fusion.Qcow2, Arch: catalogue.Arch, User: "tiny",
		URL: p.image(), SumsURL: p.URL + "/pub/SHA256SUMS", Runs: true}
	ok(t, s.catalogue.Add(image, catalogue.Signature{}))
	return image
}

// letters reads a guest's memory, every step-th byte from an address on.
func letters(t *testing.T, s *Store, name, address string, count, step int) string {
	t.Helper()
	out := virsh(t, s, "qemu-monitor-command", name, "--hmp", "xp /"+strconv.Itoa(count)+"xb "+address)
	var text []byte
	i := 0
	for line := range strings.Lines(out) {
		_, bytes, found := strings.Cut(line, ": ")
		if !found {
			continue
		}
		for _, word := range strings.Fields(bytes) {
			n := must(strconv.ParseUint(strings.TrimPrefix(word, "0x"), 16, 8))(t)
			if i%step == 0 && n != 0 {
				text = append(text, byte(n))
			}
			i++
		}
	}
	return string(text)
}

// TestCloudImageInOneStep: a machine is made of an image that the host does not have yet,
// over a path that breaks, and starts with what its seed says.
func TestCloudImageInOneStep(t *testing.T) {
	s, config := stage(t, "private")
	ctx := t.Context()
	p := publish(t, cloudImage(t))
	p.breaks = 1
	catalogued(t, s, p)
	var steps []string
	reported := fusion.WithReporter(ctx, func(now fusion.Progress) {
		if len(steps) == 0 || steps[len(steps)-1] != now.Step {
			steps = append(steps, now.Step)
		}
	})
	m := must(s.Create(reported, fusion.MachineSpec{Name: "web", MemoryBytes: 64 << 20, Image: "tiny", DiskBytes: 48 << 20, Start: true,
		Seed: &fusion.Seed{User: "anna", SSHKeys: []string{someKey}, Hostname: "web-1"}}))(t)
	if len(m.Disks) != 1 || m.Disks[0].TotalBytes != 48<<20 || m.State != fusion.Running {
		t.Errorf("%+v", m)
	}
	t.Logf("steps: %s", strings.Join(steps, ", "))
	if asked := p.ranges(); len(asked) != 2 || asked[0] != "" || !strings.HasPrefix(asked[1], "bytes=") || asked[1] == "bytes=0-" {
		t.Errorf("the publisher was asked for %q", asked)
	}

	eventually(t, "the guest has the name of its seed", func() bool { return letters(t, s, "web", "0x7e00", 64, 1) == "web-1" })
	eventually(t, "its screen shows it", func() bool { return strings.Contains(letters(t, s, "web", "0xb8000", 4000, 2), "web-1") })
	list := virsh(t, s, "domblklist", "web", "--details")
	disc := "web-" + head(m.UUID) + imagepool.SeedSuffix
	if !strings.Contains(list, disc) || strings.Count(list, "cdrom") != 2 || strings.Count(list, " disk ") != 1 {
		t.Errorf("virsh lists:\n%s", list)
	}
	if label := string(must(exec.Command("blkid", "-p", "-s", "LABEL", "-s", "TYPE", "-o", "value", filepath.Join(config.pool(), disc)).Output())(t)); label != seed.Label+"\niso9660\n" {
		t.Errorf("blkid finds %q on the seed", label)
	}
	if info := string(must(exec.Command("qemu-img", "info", "-U", diskOf(t, s, m.UUID)).CombinedOutput())(t)); !strings.Contains(info, "48 MiB") || strings.Contains(info, "backing file") {
		t.Errorf("its disk is:\n%s", info)
	}
	images := must(s.Images().List(ctx))(t)
	if len(images) != 1 || images[0].Name != "tiny" || images[0].Sum != sumOfBytes(p.data) || images[0].User != "tiny" {
		t.Errorf("the pool has %+v", images)
	}

	// The next one is made of what is here.
	must(s.Create(ctx, fusion.MachineSpec{Name: "db", MemoryBytes: 64 << 20, Image: "tiny", Start: true, Seed: &fusion.Seed{}}))(t)
	eventually(t, "the second guest has its own name", func() bool { return letters(t, s, "db", "0x7e00", 64, 1) == "db" })
	if asked := p.ranges(); len(asked) != 2 {
		t.Errorf("the publisher was asked again: %q", asked)
	}
	_, err := s.Create(ctx, fusion.MachineSpec{Name: "small", MemoryBytes: 64 << 20, Image: "tiny", DiskBytes: 8 << 20})
	refused(t, err, fusion.ErrInvalid)

	// What a seed says reaches the disk, and the seed goes with its machine.
	ok(t, s.Do(ctx, "web", fusion.ForceOff))
	raw := filepath.Join(t.TempDir(), "raw")
	run(t, "qemu-img", "convert", "-O", "raw", diskOf(t, s, m.UUID), raw)
	if disk := must(os.ReadFile(raw))(t); strings.TrimRight(string(disk[512:1024]), "\x00") != "web-1" {
		t.Errorf("its disk has %q", disk[512:530])
	}
	ok(t, s.Remove(ctx, "web"))
	ok(t, s.Do(ctx, "db", fusion.ForceOff))
	ok(t, s.Remove(ctx, "db"))
	holds(t, s, "tiny", p.data)
	if left := must(os.ReadDir(config.intents()))(t); len(left) != 0 {
		t.Errorf("intents stay: %v", left)
	}
}

// TestASeedMovesWithItsMachine: off and running, and nothing of it stays behind.
func TestASeedMovesWithItsMachine(t *testing.T) {
	a, b, _, _ := between(t)
	m := must(a.Create(t.Context(), fusion.MachineSpec{Name: "web", MemoryBytes: 64 << 20, DiskBytes: 16 << 20, Seed: &fusion.Seed{User: "anna"}}))(t)
	file := "web-" + head(m.UUID)
	events := watch(t, b)
	ok(t, a.Migrate(t.Context(), "web", "b", fusion.MigrateOptions{}))
	for _, leg := range []struct{ from, to *Store }{{a, b}, {b, a}} {
		if leg.from == b {
			ok(t, b.Do(t.Context(), "web", fusion.Start))
			events.await(t, "web running")
			ok(t, b.Migrate(t.Context(), "web", "a", fusion.MigrateOptions{}))
		}
		if files := strings.Join(poolFiles(t, leg.to), " "); files != file+"-0.qcow2 "+file+imagepool.SeedSuffix {
			t.Errorf("there: %s", files)
		}
		if files := poolFiles(t, leg.from); len(files) != 0 {
			t.Errorf("left: %v", files)
		}
	}
	ok(t, a.Do(t.Context(), "web", fusion.ForceOff))
	ok(t, a.Remove(t.Context(), "web"))
	if files := poolFiles(t, a); len(files) != 0 {
		t.Errorf("removed: %v", files)
	}
}

// TestWrongImageLeavesNothing: of an image that is not what it should be there is no
// machine and no file.
func TestWrongImageLeavesNothing(t *testing.T) {
	s, config := stage(t, "private")
	p := publish(t, cloudImage(t))
	image := catalogued(t, s, p)
	image.SumsURL, image.Sum = "", "sha256:"+strings.Repeat("0", 64)
	ok(t, s.catalogue.Add(image, catalogue.Signature{}))
	_, err := s.Create(t.Context(), fusion.MachineSpec{Name: "web", MemoryBytes: 64 << 20, Image: "tiny"})
	refused(t, err, fusion.ErrInvalid)
	t.Logf("it says: %v (hint: %s)", err, fusion.Hint(err))
	thief := filepath.Join(t.TempDir(), "thief")
	run(t, "qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "/etc/passwd", thief)
	p.with(func() { p.data = must(os.ReadFile(thief))(t) })
	_, err = s.Create(t.Context(), fusion.MachineSpec{Name: "web", MemoryBytes: 64 << 20, Image: p.image()})
	refused(t, err, fusion.ErrInvalid)
	if left := inPool(t, config); len(left) != 0 {
		t.Errorf("the pool has %v", left)
	}
	if all := strings.TrimSpace(virsh(t, s, "list", "--all", "--name")); all != "" {
		t.Errorf("virsh lists %q", all)
	}
}

// TestNodeKilledWhileDownloading: the machine is not there, what has come is kept out of
// sight, and the next call goes on with it.
func TestNodeKilledWhileDownloading(t *testing.T) {
	s, config := stage(t, "private")
	p := publish(t, cloudImage(t))
	p.hold = make(chan struct{})
	closeStore(t, s)
	cmd := exec.CommandContext(t.Context(), must(os.Executable())(t), "-test.run", "^TestInsideDownload$")
	cmd.Env = append(os.Environ(), asUserEnv+"="+strings.Join([]string{"download", config.Dir, config.RunDir, p.image()}, "|"))
	out := must(cmd.StdoutPipe())(t)
	ok(t, cmd.Start())
	must(bufio.NewReader(out).ReadString('\n'))(t)
	<-p.held
	eventually(t, "some of it is on the disk", func() bool { return partSize(t, s) > 0 })
	ok(t, cmd.Process.Kill())
	_ = cmd.Wait() // it was killed
	close(p.hold)
	p.with(func() { p.hold = nil })

	s = open(t, config)
	if all := strings.TrimSpace(virsh(t, s, "list", "--all", "--name")); all != "" {
		t.Errorf("virsh lists %q", all)
	}
	if list := must(s.Images().List(t.Context()))(t); len(list) != 0 || pending(t, s) != 0 {
		t.Errorf("there are %+v, and %d intents", list, pending(t, s))
	}
	must(s.Create(t.Context(), fusion.MachineSpec{Name: "web", MemoryBytes: 64 << 20, Image: p.image(), Start: true, Seed: &fusion.Seed{}}))(t)
	eventually(t, "the guest runs", func() bool { return letters(t, s, "web", "0x7e00", 64, 1) == "web" })
	if asked := p.ranges(); len(asked) != 2 || !strings.HasPrefix(asked[1], "bytes=") || asked[1] == "bytes=0-" {
		t.Errorf("the publisher was asked for %q", asked)
	}
}

func TestInsideDownload(t *testing.T) {
	args := strings.Split(os.Getenv(asUserEnv), "|")
	if len(args) != 4 || args[0] != "download" {
		return // TestNodeKilledWhileDownloading runs it
	}
	s := must(Open(t.Context(), Config{Dir: args[1], RunDir: args[2], URI: "private"}))(t)
	defer closeStore(t, s)
	must(os.Stdout.WriteString("downloading\n"))(t)
	must(s.Create(t.Context(), fusion.MachineSpec{Name: "web", MemoryBytes: 64 << 20, Image: args[3], Start: true}))(t)
}
