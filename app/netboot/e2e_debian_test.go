//go:build e2e && machines && linux

package netboot

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hither/fusion"
	linux "hither/internal/guest"
)

// TestDebianInstallerStarts starts Debian's own installer, and follows it to where it asks
// for its mirror, which nobody told it but the script that was laid over its initramfs.
func TestDebianInstallerStarts(t *testing.T) { inNetwork(t, "TestInsideDebianInstallerStarts") }

func TestInsideDebianInstallerStarts(t *testing.T) {
	if !inside(t) {
		return // TestDebianInstallerStarts runs it
	}
	network(t, "--address=/deb.debian.org/"+here)
	n := startNode(t)
	n.hither("netboot", "on", "--interface", bridge)
	kernel, initrd := linux.Installer(t)
	n.putInstaller("debian-netboot", kernel, initrd)
	asked := &logged{}
	listener := must(net.Listen("tcp4", here+":80"))(t)
	mirror := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(asked, "%s http://%s%s %s\n", r.Method, r.Host, r.URL.Path, r.UserAgent())
		http.NotFound(w, r)
	})}
	go func() { _ = mirror.Serve(listener) }() // ends with Close
	t.Cleanup(func() { _ = mirror.Close() })
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n.hither("netboot", "install", guestMAC, "--name", "attic-7", "--image", "debian-netboot", "--password-file", password, "--yes", "--detach")
	began := time.Now()
	boot(t, "1024", bios...)
	n.until(fusion.BareBooting)
	says(t, asked, "GET http://deb.debian.org/debian/dists/")
	t.Logf("%.0f s: %s", time.Since(began).Seconds(), asked)
	if text := n.hither("job", "ls"); !strings.Contains(text, "it loads the installer") {
		t.Errorf("the jobs are %s", text)
	}
	n.hither("netboot", "forget", guestMAC)
}
