package vmctl

import (
	"testing"
	"time"

	"hither/fusion"
)

func TestStopping(t *testing.T) {
	f := newFake()
	f.deaf = true
	f.put(vm("1", "m", fusion.Running))
	s := store(t, f)
	events := watch(t, s)
	events.await(t, "m running")
	ok(t, s.Do(t.Context(), "m", fusion.Stop))
	events.await(t, "m stopping")
	if m := must(s.Get(t.Context(), "m"))(t); m.State != fusion.Stopping || len(m.Verbs) != 1 {
		t.Errorf("%+v", m)
	}
	f.put(vm("1", "m", fusion.Off))
	events.await(t, "m off")
	ok(t, s.Do(t.Context(), "m", fusion.Start))
	events.await(t, "m running")

	ok(t, s.Do(t.Context(), "m", fusion.Stop))
	events.await(t, "m stopping")
	s.mu.Lock()
	s.stopping["1"] = time.Now() // a minute later
	s.touchLocked("1")
	s.mu.Unlock()
	events.await(t, "m running")
	ok(t, s.Do(t.Context(), "m", fusion.Stop))
}
