package api

import (
	"errors"
	"slices"
	"testing"
	"time"

	"hither/fusion"
	"hither/mirror/wire"
)

// TestALostGrantEndsCalls: a watch is told to begin anew when its caller's grants change,
// and ends with what it lost.
func TestALostGrantEndsCalls(t *testing.T) {
	s := newScene(t)
	s.twoMachines()
	host := hostOf(s.peer("laptop"), "")
	watch := func() (ready chan struct{}, ended chan error) {
		ready, ended = make(chan struct{}), make(chan error, 1)
		go func() {
			var last error
			for e, err := range host.Watch(t.Context()) {
				if last = err; e.Kind == fusion.EventReady {
					close(ready)
				}
			}
			ended <- last
		}()
		return ready, ended
	}
	for _, c := range []struct {
		grants []string
		cause  error
	}{{[]string{"view@memory-web", "view@memory-db"}, fusion.ErrBusy}, {nil, fusion.ErrPermission}} {
		s.give("view@memory-web")
		ready, ended := watch()
		wait(t, ready)
		s.server.GrantsChanged("laptop") // nothing is lost
		select {
		case err := <-ended:
			t.Fatalf("it ended with %v", err)
		default:
		}
		s.give(c.grants...)
		s.server.GrantsChanged("laptop")
		if err := wait(t, ended); !errors.Is(err, c.cause) {
			t.Errorf("with %v it ended with %v, want %v", c.grants, err, c.cause)
		}
	}
}

func wait[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(patience):
		t.Fatal("it takes too long")
	}
	panic("unreachable")
}

// TestAScreenEndsWithItsGrant: whatever else its viewer may do.
func TestAScreenEndsWithItsGrant(t *testing.T) {
	s := newScene(t)
	s.twoMachines()
	for _, name := range []string{"web", "db"} {
		if err := s.node.host.Machines().Do(t.Context(), name, fusion.Start); err != nil {
			t.Fatal(err)
		}
	}
	host := hostOf(s.peer("laptop"), "")
	s.give("view@memory-web", "control@memory-db")
	view := func(name string, typing bool) fusion.Pipe {
		pipe, err := host.Screens().Open(t.Context(), name, fusion.ViewOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if hello := helloOf(t, pipe.Read); hello.ViewOnly == typing {
			t.Errorf("%s: typing is %v", name, !hello.ViewOnly)
		}
		return pipe
	}
	web, db := view("web", false), view("db", true)
	if _, err := host.Screens().Open(t.Context(), fusion.Self, fusion.ViewOptions{}); !errors.Is(err, fusion.ErrPermission) {
		t.Errorf("the desktop: %v", err)
	}
	s.waitViews(2)
	s.give("control@memory-db")
	s.server.GrantsChanged("laptop")
	if why, told := ending(t, web); !told || why.Reason != wire.Revoked {
		t.Errorf("it ended with %+v, %v", why, told)
	}
	s.waitViews(1)
	s.give("view@memory-db")
	s.server.GrantsChanged("laptop")
	if why, told := ending(t, db); !told || why.Reason != wire.Revoked {
		t.Errorf("it ended with %+v, %v", why, told)
	}
}

// TestGrantsAreBoundToWhatIsThere: a name becomes a UUID, and what is not there is refused.
func TestGrantsAreBoundToWhatIsThere(t *testing.T) {
	s := newScene(t)
	s.twoMachines()
	got, err := s.server.grants(t.Context(), "laptop", []string{"machines@web,until=2040-01-02T03:04:05Z", "view@self", "apps@self/x", "view@memory-db"})
	var texts []string
	for _, g := range got {
		texts = append(texts, g.String())
	}
	if want := []string{"machines@memory-web,until=2040-01-02T03:04:05Z", "view@self", "apps@self/x", "view@memory-db"}; err != nil || !slices.Equal(texts, want) {
		t.Errorf("got %q, %v", texts, err)
	}
	for _, word := range []string{"view@gone", "files@gone"} {
		if _, err := s.server.grants(t.Context(), "laptop", []string{word}); !errors.Is(err, fusion.ErrNotFound) || fusion.Hint(err) == "" {
			t.Errorf("%s: %v", word, err)
		}
	}
	s.give("view@memory-gone")
	if got, err := s.server.grants(t.Context(), "laptop", []string{"view@gone,until=2040-01-02T03:04:05Z"}); err != nil || got[0].Object != "memory-gone" {
		t.Errorf("what it has of a machine that is gone: %v, %v", got, err)
	}
}
