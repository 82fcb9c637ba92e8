//go:build e2e

package app

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hither/app/home"
	"hither/fusion"
	"hither/fusion/hosttest"
)

// patience bounds every wait; machines are emulated, and the computer is busy.
const patience = 90 * time.Second

// TestContract runs the contract of fusion on the two Hosts that a node has:
// this computer, and another node over a real connection.
func TestContract(t *testing.T) {
	t.Setenv("DISPLAY", "") // the desktop is a private one
	here, cloud := startNode(t, "here"), startNode(t, "cloud")
	pairNodes(t, here, cloud)
	options := hosttest.Options{VMs: true, Apps: true, App: "xcalc", Monitor: true, Folders: true, Patience: patience}
	t.Run("local", func(t *testing.T) {
		hosttest.Run(t, options, func(t *testing.T) (fusion.Host, fusion.HostID) {
			return resolved(t, cloud, ""), here.network.ID()
		})
	})
	t.Run("remote", func(t *testing.T) {
		hosttest.Run(t, options, func(t *testing.T) (fusion.Host, fusion.HostID) {
			return resolved(t, here, "cloud"), here.network.ID()
		})
	})
}

// startNode starts a node that the test ends, with its machines and apps; change may
// change how.
func startNode(t *testing.T, name string, change ...func(*Config)) *Node {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "happ-") // short, for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("%s left something: %v", name, err)
		}
	})
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	h := home.Home{Dir: filepath.Join(dir, "h"), Folders: filepath.Join(dir, "f"), Run: filepath.Join(dir, "r"), Explicit: true}
	config := Config{Home: h, Name: name, Listen: "127.0.0.1:0", Web: "127.0.0.1:0", Libvirt: "private",
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, one := range change {
		one(&config)
	}
	node, err := Start(t.Context(), config)
	if err != nil {
		t.Fatalf("%s: %v (%s)", name, err, fusion.Hint(err))
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		if err := node.StopMachines(ctx); err != nil {
			t.Errorf("%s: stop machines: %v", name, err)
		}
		if err := node.Close(); err != nil {
			t.Errorf("%s: close: %v", name, err)
		}
		text, err := os.ReadFile(log.Name())
		if t.Failed() {
			t.Logf("log of %s (%v):\n%s", name, err, text)
		}
		_ = log.Close() // it was written by the node
	})
	return node
}

// pairNodes pairs two nodes, each with every grant, and waits until both see
// the other online.
func pairNodes(t *testing.T, a, b *Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	admin := fusion.Whole(fusion.AdminCap)
	offer, err := b.Offer(ctx, admin)
	if err != nil {
		t.Fatal(err)
	}
	code, addr, _ := offer.Code()
	if _, err := a.Join(ctx, code, addr, admin); err != nil {
		t.Fatal(err, fusion.Hint(err))
	}
	if _, err := offer.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]*Node{{a, b}, {b, a}} {
		waitFor(t, pair[1].Name()+" online", func() bool {
			_, info, err := pair[0].Resolve(pair[1].Name())
			return err == nil && info.Online
		})
	}
}

func waitFor(t *testing.T, what string, met func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !met(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func resolved(t *testing.T, n *Node, name string) fusion.Host {
	t.Helper()
	host, _, err := n.Resolve(name)
	if err != nil {
		t.Fatal(err)
	}
	return host
}
