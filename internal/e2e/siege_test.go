//go:build linux && e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hither/app/client"
)

// What a node may cost under any attack, and how long honest peers wait then.
const (
	floodMemory = 150 << 20 // bytes of memory above idle
	// slowest is the p99 of honest calls and tunnels as a multiple of theirs at idle, and
	// floor what is no wait at all. They count with HOSTILE_STRICT=1: the attackers share the
	// test's processors, and in `make test` other tests do. Nobody may wait for longest.
	slowest = 3
	floor   = 50 * time.Millisecond
	longest = 20 * time.Second
)

// hostileReport is what the program of internal/e2e/hostile prints.
type hostileReport struct {
	Attack         string
	Tries, Through int
	How            map[string]int
}

// siege is a node that is attacked, an honest computer that works with it meanwhile, and
// the program that attacks.
type siege struct {
	t              *testing.T
	victim, honest *node
	program        string
	long           time.Duration // of a flood
	strict         bool
	api            *client.Client
	tunnel         net.Conn
	idleMemory     int64
	idle           waits
	rows           []string
}

// waits are the answer times of an honest computer, sorted.
type waits struct{ calls, tunnel []time.Duration }

func p99(list []time.Duration) time.Duration {
	if len(list) == 0 {
		return 0
	}
	return list[len(list)*99/100]
}

func newSiege(t *testing.T) *siege {
	s := &siege{t: t, victim: newNode(t, "victim", nil), honest: newNode(t, "honest", nil), long: 2 * time.Second, strict: os.Getenv("HOSTILE_STRICT") != ""}
	if text := os.Getenv("HOSTILE_FOR"); text != "" {
		var err error
		if s.long, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	s.program = filepath.Join(binaries, "hostile")
	build := exec.Command("go", "build", "-buildvcs=false", "-tags", "noquic,noassets,libvirt_dlopen", "-o", s.program, "./hostile")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s.honest.libvirt = "off"
	s.victim.start()
	s.honest.start()
	pair(t, s.honest, s.victim)
	until(t, "the honest one sees the victim", func() bool { return s.honest.sees(s.victim) })
	s.api = client.Unix(field[string](s.honest, "apiSocket", "status", "--json"))
	var err error
	s.tunnel, err = net.Dial("tcp", field[string](s.honest, "listen", "forward", "0", "victim:"+shouter(t), "--json"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.tunnel.Close() })
	return s
}

// work has the honest computer call and talk through its tunnel until ctx ends.
func (s *siege) work(ctx context.Context) (w waits, err error) {
	var both sync.WaitGroup
	var callErr, tunnelErr error
	again := func(list *[]time.Duration, failed *error, f func() error) {
		both.Go(func() {
			for ctx.Err() == nil {
				began := time.Now()
				// On a starved machine a heartbeat may be missed: what counts is how long that takes.
				var err error
				if _, ok := soon(longest, func() bool { err = f(); return err == nil }); !ok {
					*failed = fmt.Errorf("after %v: %w", time.Since(began), err)
					return
				}
				*list = append(*list, time.Since(began))
				pause, stop := context.WithTimeout(ctx, 10*time.Millisecond)
				<-pause.Done()
				stop()
			}
		})
	}
	again(&w.calls, &callErr, func() error {
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), longest)
		defer stop()
		_, err := s.api.Host("victim").Machines().List(ctx)
		return err
	})
	again(&w.tunnel, &tunnelErr, func() error {
		err := shoutsOver(s.tunnel)
		if err == nil {
			return nil
		}
		_ = s.tunnel.Close() // it may have ended
		if again, derr := net.Dial("tcp", s.tunnel.RemoteAddr().String()); derr == nil {
			s.tunnel = again
		}
		return err
	})
	both.Wait()
	slices.Sort(w.calls)
	slices.Sort(w.tunnel)
	return w, errors.Join(callErr, tunnelErr)
}

// memory reads a line of /proc/PID/status in bytes.
func (n *node) memory(name string) int64 {
	n.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.cmd.Process.Pid))
	if err != nil {
		n.t.Fatal(err)
	}
	found := regexp.MustCompile(name + `:\s*(\d+) kB`).FindSubmatch(text)
	if found == nil {
		n.t.Fatalf("no %s in %s", name, text)
	}
	kib, _ := strconv.ParseInt(string(found[1]), 10, 64)
	return kib << 10
}

// peakAnew begins the peak of a node's memory anew (proc_pid_clear_refs(5)).
func (n *node) peakAnew() {
	n.t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", n.cmd.Process.Pid), []byte("5"), 0o200); err != nil {
		n.t.Fatal(err)
	}
}

// multiaddr is where the node listens with a transport: "/tcp/" or "/quic-v1/".
func (n *node) multiaddr(transport string) string {
	n.t.Helper()
	for _, addr := range field[[]any](n, "addrs", "status", "--json") {
		if text := addr.(string); strings.Contains(text, transport) {
			return text
		}
	}
	n.t.Fatal("it does not listen with " + transport)
	return ""
}

// hostile runs one attack as an account; nil is the test's own.
func (s *siege) hostile(as *account, target string, args ...string) (hostileReport, error) {
	cmd := exec.Command("nice", append([]string{"-n", "19", s.program}, append(args, target)...)...)
	if as != nil {
		n := *s.victim
		n.as = as
		cmd.SysProcAttr = n.command().SysProcAttr
		cmd.Env, cmd.Dir = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + as.home}, "/"
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	var r hostileReport
	if err := cmd.Run(); err != nil {
		return r, fmt.Errorf("%w: %s", err, errs.Bytes())
	}
	return r, json.Unmarshal(out.Bytes(), &r)
}

// under attacks the victim, and gives what came of it when the node stayed small and the
// honest computer went on.
func (s *siege) under(role string, as *account, target string, args ...string) hostileReport {
	t := s.t
	t.Helper()
	name := role + ": " + args[len(args)-1]
	s.victim.peakAnew()
	ctx, stop := context.WithCancel(t.Context())
	var honest sync.WaitGroup
	var w waits
	var failed error
	began := time.Now()
	honest.Go(func() { w, failed = s.work(ctx) })
	r, err := s.hostile(as, target, args...)
	enough := time.NewTimer(time.Until(began.Add(time.Second))) // for a p99
	<-enough.C
	stop()
	honest.Wait()
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if failed != nil {
		t.Errorf("%s: the honest computer: %v", name, failed)
	}
	above := s.victim.memory("VmHWM") - s.idleMemory
	if above > floodMemory {
		t.Errorf("%s: the node took %d MiB above idle", name, above>>20)
	}
	for what, both := range map[string][2]time.Duration{"calls": {p99(w.calls), p99(s.idle.calls)}, "tunnel": {p99(w.tunnel), p99(s.idle.tunnel)}} {
		if s.strict && both[0] > max(slowest*both[1], floor) {
			t.Errorf("%s: p99 of the honest computer's %s is %v, at idle %v", name, what, both[0], both[1])
		}
	}
	s.rows = append(s.rows, fmt.Sprintf("| %s | %d | %d | %d | %v of %d | %v of %d | %s |", name, r.Tries, r.Through, above>>20,
		p99(w.calls).Round(100*time.Microsecond), len(w.calls), p99(w.tunnel).Round(100*time.Microsecond), len(w.tunnel), most(r.How)))
	t.Log(s.rows[len(s.rows)-1])
	return r
}

// most gives the commonest ways in which an attack ended.
func most(how map[string]int) string {
	var keys []string
	for k := range how {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int { return how[b] - how[a] })
	var parts []string
	for _, k := range keys[:min(len(keys), 3)] {
		parts = append(parts, fmt.Sprintf("%s ×%d", k, how[k]))
	}
	return strings.Join(parts, "; ")
}

// flood is under for what goes on until it is told to end.
func (s *siege) flood(role string, as *account, target string, args ...string) hostileReport {
	s.t.Helper()
	return s.under(role, as, target, append([]string{"-for", s.long.String()}, args...)...)
}

// refused is under for what must not get through at all.
func (s *siege) refused(role string, as *account, target string, args ...string) hostileReport {
	s.t.Helper()
	r := s.under(role, as, target, args...)
	if r.Through != 0 || r.Tries == 0 {
		s.t.Errorf("%s: %s: %d of %d got through: %v", role, r.Attack, r.Through, r.Tries, r.How)
	}
	return r
}

// guest makes a computer that is paired with grants and then only a key: its node ends.
func (s *siege) guest(name string, grants ...string) (key string) {
	s.t.Helper()
	n := newNode(s.t, name, nil)
	n.libvirt = "off"
	n.start()
	pair(s.t, n, s.victim)
	s.victim.hither(append([]string{"host", "grant", name}, grants...)...)
	n.hither("down")
	n.waitEnded()
	key = filepath.Join(tempDir(s.t, nil), "key") // the node starts again at the end
	text, err := os.ReadFile(filepath.Join(n.home, "peers", "identity.key"))
	if err == nil {
		err = os.WriteFile(key, text, 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return key
}

// landed looks where the files of "paths" lie: each that was handed over in a directory of
// its own, and no other.
func (s *siege) landed() {
	s.t.Helper()
	handed := regexp.MustCompile(`^h/apps/files/[^/]+/[^/]+$`)
	root, found := filepath.Dir(s.victim.home), 0
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if rel, _ := filepath.Rel(root, path); err == nil && bytes.HasPrefix(text, []byte("evilevil")) {
			if found++; !handed.MatchString(rel) {
				s.t.Errorf("a file lies at %s", rel)
			}
		}
		return err
	})
	if err != nil || found == 0 {
		s.t.Errorf("%d files were handed over: %v", found, err)
	}
}
