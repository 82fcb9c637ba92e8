package guest

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed agent.sh
var agentInit []byte

// installer is where Debian's installer keeps its kernel and initramfs (package
// debian-installer-12-netboot-amd64): a Linux with BusyBox that needs no disk.
const installer = "/usr/lib/debian-installer/images/*/amd64/text/debian-installer/amd64"

// agentName is the program of the QEMU guest agent (package qemu-guest-agent).
const agentName = "/usr/sbin/qemu-ga"

// Agent makes a Linux that runs the QEMU guest agent: the kernel, and an initramfs
// in dir. It says "agent ready" on its first serial port, and shows there what is
// wrong. A machine needs 512 MiB for it.
func Agent(t testing.TB, dir string) (kernel, initramfs string) {
	t.Helper()
	found, _ := filepath.Glob(installer)
	if len(found) == 0 {
		t.Fatal("Debian's installer is missing: build/deps.sh test installs it")
	}
	from := found[len(found)-1]
	base, err := os.ReadFile(filepath.Join(from, "initrd.gz"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"init": agentInit}
	// Of the programs that the agent runs others by, the installer's BusyBox lacks one.
	for _, program := range []string{agentName, "/usr/bin/setsid"} {
		for _, path := range append(libraries(t, program), program) {
			if files[strings.TrimPrefix(path, "/")], err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	// The kernel unpacks one archive after the other.
	initramfs = filepath.Join(dir, "agent.img")
	if err := os.WriteFile(initramfs, append(base, archive(files)...), 0o600); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(from, "linux"), initramfs
}

// libraries gives the shared libraries that a program is loaded with.
func libraries(t testing.TB, program string) (paths []string) {
	t.Helper()
	out, err := exec.Command("ldd", program).CombinedOutput()
	if err != nil {
		t.Fatalf("%s is missing: build/deps.sh test installs it (%v: %s)", program, err, out)
	}
	for _, word := range strings.Fields(string(out)) {
		if strings.HasPrefix(word, "/") {
			paths = append(paths, word)
		}
	}
	return paths
}

// archive writes files, all of them executable, as an initramfs in the format
// "newc" (https://docs.kernel.org/driver-api/early-userspace/buffer-format.html).
func archive(files map[string][]byte) []byte {
	var b bytes.Buffer
	inode := 0
	entry := func(name string, mode int, data []byte) {
		inode++
		fmt.Fprintf(&b, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
			inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0, name)
		pad(&b)
		b.Write(data)
		pad(&b)
	}
	made := map[string]bool{".": true}
	var parents func(name string)
	parents = func(name string) {
		if dir := filepath.Dir(name); !made[dir] {
			parents(dir)
			made[dir] = true
			entry(dir, 0o040755, nil)
		}
	}
	for name, data := range files {
		parents(name)
		entry(name, 0o100755, data)
	}
	entry("TRAILER!!!", 0, nil)
	return b.Bytes()
}

func pad(b *bytes.Buffer) {
	for b.Len()%4 != 0 {
		b.WriteByte(0)
	}
}
