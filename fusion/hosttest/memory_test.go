package hosttest

import (
	"context"
	"errors"
	"io"
	"testing"

	"go.uber.org/goleak"

	"hither/fusion"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemory(t *testing.T) {
	all := Options{VMs: true, Apps: true, Monitor: true, Monitors: true, Folders: true, Networks: true, Agent: "with-agent"}
	Run(t, all, func(t *testing.T) (fusion.Host, fusion.HostID) {
		m := NewMemory("memory-1", "memory")
		m.Pair("memory-2")
		_, err := m.Machines().Create(t.Context(), fusion.MachineSpec{Name: all.Agent, Start: true})
		must(t, "create", err)
		m.GiveAgent(all.Agent)
		return m, "memory-2"
	})
	t.Run("least", func(t *testing.T) {
		Run(t, Options{}, func(*testing.T) (fusion.Host, fusion.HostID) { return NewMemory("memory-3", "least"), "" })
	})
}

// A watcher that does not read is cut off, and told so.
func TestSlowWatcher(t *testing.T) {
	m := NewMemory("memory-1", "memory")
	machines := m.Machines()
	_, err := machines.Create(t.Context(), fusion.MachineSpec{Name: "vm", Start: true})
	must(t, "create", err)
	ready := false
	for e, err := range m.Watch(t.Context()) {
		if err != nil {
			refused(t, "slow watcher", err, fusion.ErrBusy)
			return
		}
		if e.Kind == fusion.EventReady && !ready {
			ready = true
			for range maxEvents {
				must(t, "pause", machines.Do(t.Context(), "vm", fusion.Pause))
				must(t, "resume", machines.Do(t.Context(), "vm", fusion.Resume))
			}
		}
	}
	t.Error("the watch ended without a word")
}

func TestBrokenViewer(t *testing.T) {
	m := NewMemory("memory-1", "memory")
	pipe, err := m.Screens().Open(t.Context(), fusion.Self, fusion.ViewOptions{})
	must(t, "open", err)
	must(t, "unknown", pipe.Write([]byte{0xff}))
	must(t, "short", pipe.Write([]byte{wirePing, 1}))
	var last byte
	for {
		message, err := pipe.Read()
		if err != nil {
			if !errors.Is(err, io.EOF) || last != wireClosed {
				t.Errorf("ended with %v after %#x", err, last)
			}
			break
		}
		last = message[0]
	}
	if err := pipe.Write([]byte{wireAck, 0, 0, 0, 1}); err == nil {
		t.Error("wrote to an ended view")
	}
	must(t, "close", pipe.Close())
	if _, err := m.Folders().List(context.Background()); err != nil {
		t.Error(err)
	}
}
