package vmctl

import (
	"context"
	"encoding/xml"
	"strings"
	"sync"
	"testing"
	"time"

	"hither/fusion"
	"hither/internal/expect"
	"hither/vmctl/kvm"
)

const patience = expect.Patience

func nameAndUUID(text string) (name, uuid string) {
	var x struct {
		Name string `xml:"name"`
		UUID string `xml:"uuid"`
	}
	if err := xml.Unmarshal([]byte(text), &x); err != nil {
		return "", ""
	}
	return x.Name, x.UUID
}

// store opens a Store on a fake and closes it when the test ends.
func store(t *testing.T, f *fake) *Store {
	t.Helper()
	return storeAt(t, f, t.TempDir())
}

func storeAt(t *testing.T, f *fake, dir string) *Store {
	t.Helper()
	return storeOf(t, f, Config{Dir: dir})
}

func storeOf(t *testing.T, f *fake, c Config) *Store {
	t.Helper()
	c.URI, c.open = "fake:///", f.open
	s := must(Open(t.Context(), c))(t)
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

// knowsKVM has a Store know whether KVM works, which else is tried by running.
func knowsKVM(s *Store, works bool) {
	s.kvm.Know(kvm.Answer{Works: works})
}

func closeStore(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// journal collects what Watch tells.
type journal struct {
	mu   sync.Mutex
	seen []string
	wake chan struct{}
}

// watch collects until the test ends.
func watch(t *testing.T, s *Store) *journal {
	t.Helper()
	j := &journal{wake: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Watch(ctx, j.note) }()
	t.Cleanup(func() { cancel(); <-done })
	return j
}

func (j *journal) note(m fusion.Machine, removed bool) {
	text := m.Name + " " + string(m.State)
	if removed {
		text = m.Name + " removed"
	}
	j.mu.Lock()
	j.seen = append(j.seen, text)
	j.mu.Unlock()
	signal(j.wake)
}

// await waits until text was told, and forgets what came before it.
func (j *journal) await(t *testing.T, text string) {
	t.Helper()
	for limit := time.After(patience); !j.find(text); {
		select {
		case <-j.wake:
		case <-limit:
			j.mu.Lock()
			defer j.mu.Unlock()
			t.Fatalf("never told %q, only %q", text, strings.Join(j.seen, ", "))
		}
	}
}

func (j *journal) find(text string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i, one := range j.seen {
		if one == text {
			j.seen = j.seen[i+1:]
			return true
		}
	}
	return false
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	expect.Eventually(t, what, is)
}

func must[T any](value T, err error) func(*testing.T) T { return expect.Must(value, err) }

func ok(t *testing.T, err error) {
	t.Helper()
	expect.OK(t, err)
}

func refused(t *testing.T, err, cause error) {
	t.Helper()
	expect.Refused(t, err, cause)
}
