//go:build linux && e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestHostilePeers attacks a real node as each of those who may: strangers, a guest who may
// only look, one whose pairing was taken away and who has the key still, a page in the
// browser, another user. All is refused, the node stays small, and an honest computer works
// on meanwhile.
func TestHostilePeers(t *testing.T) {
	s := newSiege(t)
	guest, former, helper := s.guest("guest", "view"), s.guest("former", "admin"), s.guest("helper", "apps", "control", "machines", "files")
	s.victim.hither("host", "forget", "former")
	addr, quic := s.victim.multiaddr("/tcp/"), s.victim.multiaddr("/quic-v1/")

	ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
	idle, err := s.work(ctx)
	stop()
	if err != nil {
		t.Fatal(err)
	}
	s.idle = idle
	s.victim.peakAnew()
	s.idleMemory = s.victim.memory("VmRSS")
	s.rows = append(s.rows, "| attack | tries | through | MiB above idle | p99 of calls | p99 of a tunnel | ended |", "|---|---|---|---|---|---|---|",
		fmt.Sprintf("| none | | | (%d MiB) | %v of %d | %v of %d | |", s.idleMemory>>20, p99(idle.calls).Round(100*time.Microsecond), len(idle.calls), p99(idle.tunnel).Round(100*time.Microsecond), len(idle.tunnel)))
	t.Log(s.rows[2])

	t.Run("strangers", func(t *testing.T) {
		s.t = t
		held := s.flood("strangers", nil, addr, "-keys", "64", "connections")
		if held.Through > 16 {
			t.Errorf("%d connections of strangers at a time", held.Through)
		}
		s.flood("strangers", nil, addr, "-streams", "256", "streams")
		s.flood("strangers", nil, addr, "tiny")
		s.flood("strangers", nil, addr, "half")
		s.flood("strangers", nil, addr, "slow")
		s.flood("strangers", nil, addr, "lasting")
		s.flood("strangers by QUIC", nil, quic, "tiny")
		s.flood("strangers by QUIC", nil, quic, "half")
		s.under("strangers", nil, addr, "-keys", "4", "huge")
		s.refused("a stranger", nil, addr, "malformed")
		s.refused("a stranger", nil, addr, "-keys", "1", "owner")
		s.refused("a stranger", nil, addr, "-aim", s.honest.id, "relay")
		onlyThese(t, s.under("a stranger", nil, addr, "methods"), "NodeService/Session")
	})
	t.Run("guest", func(t *testing.T) {
		s.t = t
		s.flood("a guest", nil, addr, "-key", guest, "-keys", "8", "-streams", "1024", "streams")
		s.flood("a guest", nil, addr, "-key", guest, "-keys", "8", "-streams", "512", "half")
		s.flood("a guest", nil, addr, "-key", guest, "-keys", "8", "-streams", "512", "watches")
		s.flood("a guest", nil, addr, "-key", guest, "-keys", "8", "-streams", "512", "tiny")
		s.flood("a guest", nil, addr, "-key", guest, "-keys", "8", "-streams", "512", "slow")
		s.flood("a guest", nil, addr, "-key", guest, "-keys", "8", "-streams", "256", "lasting")
		s.flood("a guest by QUIC", nil, quic, "-key", guest, "-keys", "8", "-streams", "256", "watches")
		s.flood("a guest by QUIC", nil, quic, "-key", guest, "-keys", "8", "-streams", "256", "tiny")
		s.under("a guest", nil, addr, "-key", guest, "-keys", "1", "huge")
		s.refused("a guest", nil, addr, "-key", guest, "malformed")
		s.refused("a guest", nil, addr, "-key", guest, "-keys", "1", "owner")
		s.refused("a guest", nil, addr, "-key", guest, "-aim", s.honest.id, "relay")
		onlyThese(t, s.under("a guest", nil, addr, "-key", guest, "methods"), viewMethods...)
		s.refused("a helper", nil, addr, "-key", helper, "paths")
		s.landed()
	})
	t.Run("former", func(t *testing.T) {
		s.t = t
		onlyThese(t, s.under("a former pair", nil, addr, "-key", former, "methods"), "NodeService/Session")
		s.refused("a former pair", nil, addr, "-key", former, "-keys", "1", "owner")
		s.refused("a former pair", nil, addr, "-key", former, "-aim", s.honest.id, "relay")
	})
	t.Run("pairing", func(t *testing.T) {
		s.t = t
		offer, code, _ := s.victim.offer()
		number, _, _ := strings.Cut(code, "-")
		s.refused("a stranger", nil, addr, "-keys", "1", "-aim", number, "guess")
		if err := offer.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = offer.Wait() // it was killed
	})
	t.Run("here", func(t *testing.T) {
		s.t = t
		page, _, _ := strings.Cut(strings.TrimPrefix(field[string](s.victim, "webUrl", "status", "--json"), "http://"), "/")
		s.refused("a page", nil, page, "web")
		s.refused("another user", ordinaryUser(t), field[string](s.victim, "apiSocket", "status", "--json"), "-aim", s.victim.home, "socket")
	})
	s.t = t
	if hosts := s.victim.hither("host", "ls", "--json"); strings.Count(hosts, `"id"`) != 4 { // itself, honest, guest and helper
		t.Errorf("an attacker is paired: %s", hosts)
	}
	t.Logf("\n%s", strings.Join(s.rows, "\n"))
	if path := os.Getenv("HOSTILE_TABLE"); path != "" {
		if err := os.WriteFile(path, []byte(strings.Join(s.rows, "\n")+"\n"), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// viewMethods are those that a guest who may look gets an answer from; a name that is none
// is not found.
var viewMethods = []string{
	"NodeService/Session", "NodeService/Info", "NodeService/Watch", "ComputerService/Going",
	"MachineService/List", "MachineService/Get", "MachineService/Stats", "MachineService/Screenshot", "MachineService/Snapshots",
	"HardwareService/Show", "GuestService/Info", "BackupService/List", "BackupService/Kept", "MeterService/History", "MeterService/Watch",
	"NetworkService/List", "NetworkService/Get", "NetworkService/Leases", "NetworkService/Cards", "ForwardService/List", "DeviceService/List",
	"StorageService/Pools", "StorageService/Volumes", "ImageService/List", "ImageService/Catalogue", "JobService/List",
	"ScreenService/List", "ScreenService/Connect", "/screen", "/screen as a WebSocket", "/terminal", "/terminal as a WebSocket",
}

// onlyThese says which methods answered that should not have.
func onlyThese(t *testing.T, r hostileReport, allowed ...string) {
	t.Helper()
	if r.Tries < 100 {
		t.Errorf("%d methods were called", r.Tries)
	}
	for how := range r.How {
		method, code, _ := strings.Cut(how, ": ")
		if code != "unauthenticated" && code != "permission_denied" && !slices.Contains(allowed, method) {
			t.Errorf("%s answers %s", method, code)
		}
		if strings.Contains(code, "deadline") || strings.Contains(code, "reset") {
			t.Errorf("%s was not answered: %s", method, code)
		}
	}
}
