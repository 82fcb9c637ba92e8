package app

import (
	"context"
	"errors"
	"testing"

	"hither/fusion"
)

func machineEvent(name string, state fusion.MachineState) fusion.Event {
	return fusion.Event{Kind: fusion.EventMachine, Machine: &fusion.Machine{Name: name, State: state}}
}

func TestTableYieldsNowThenChanges(t *testing.T) {
	table := newTable()
	table.setHost(fusion.HostInfo{ID: "B", Name: "cloud"})
	table.setHost(fusion.HostInfo{ID: "A", Name: "zebra", Local: true})
	table.put("B", machineEvent("vm", fusion.Off))
	table.put("unknown", machineEvent("vm", fusion.Off))

	var got []string
	var seq uint64
	for e, err := range table.watch(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if seq++; e.Seq != seq {
			t.Fatalf("event %d has Seq %d", seq, e.Seq)
		}
		switch {
		case e.Kind == fusion.EventReady:
			got = append(got, "ready")
			table.put("B", machineEvent("vm", fusion.Running))
			table.removeHost("B")
		case e.Machine != nil:
			got = append(got, e.Machine.Address+" "+string(e.Machine.State))
		case e.Removed:
			got = append(got, "gone "+e.Host.Name)
		default:
			got = append(got, e.Host.Name)
		}
		if e.Removed {
			break
		}
	}
	want := []string{"zebra", "cloud", "cloud/vm off", "ready", "cloud/vm running", "gone cloud"}
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("event %d: got %q, want %q", i, got[i], want[i])
		}
	}
}

func TestTableKeepRemovesWhatAFreshListLacks(t *testing.T) {
	table := newTable()
	table.setHost(fusion.HostInfo{ID: "B", Name: "cloud"})
	table.put("B", machineEvent("old", fusion.Off))
	table.put("B", machineEvent("new", fusion.Off))
	table.keep("B", map[string]bool{"machine new": true})
	if _, there := table.hosts["B"].machines["old"]; there {
		t.Error("the machine that went while nobody watched is still there")
	}
	if _, there := table.hosts["B"].machines["new"]; !there {
		t.Error("a machine of the fresh list is gone")
	}
}

func TestTableCutsOffASlowWatcher(t *testing.T) {
	table := newTable()
	table.setHost(fusion.HostInfo{ID: "B", Name: "cloud"})
	_, sub := table.subscribe("")
	for range subscriberQueue + 1 {
		table.put("B", machineEvent("vm", fusion.Running))
	}
	if !sub.tooSlow || len(table.subs) != 0 {
		t.Error("a watcher that reads nothing is kept")
	}
}

func TestTableWatchEndsWithItsContext(t *testing.T) {
	table := newTable()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for e, err := range table.watch(ctx, "") {
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want the context's error", err)
			}
			return
		}
		if e.Kind == fusion.EventReady {
			cancel()
		}
	}
	t.Error("the watch ended without an error")
}
