package api

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"hither/app/client"
	"hither/fusion"
	"hither/internal/expect"
	pb "hither/proto/hither/v1"
)

// slowHost takes as long to create a machine as the test wants.
type slowHost struct {
	fusion.Host
	jobs    fusion.Jobs
	began   chan struct{} // one for each Create
	goOn    chan struct{} // closed: Creates end
	created atomic.Int32
	ended   chan error // of each context that ended before goOn
}

func newSlowHost(host fusion.Host, jobs fusion.Jobs) *slowHost {
	return &slowHost{Host: host, jobs: jobs, began: make(chan struct{}, 10), goOn: make(chan struct{}), ended: make(chan error, 10)}
}

func (h *slowHost) Jobs() fusion.Jobs         { return h.jobs }
func (h *slowHost) Machines() fusion.Machines { return slowMachines{h.Host.Machines(), h} }

type slowMachines struct {
	fusion.Machines
	h *slowHost
}

func (m slowMachines) Create(ctx context.Context, spec fusion.MachineSpec) (fusion.Machine, error) {
	fusion.Report(ctx, fusion.Progress{Step: "copies", Done: 1, Total: 2})
	m.h.began <- struct{}{}
	select {
	case <-m.h.goOn:
	case <-ctx.Done():
		m.h.ended <- ctx.Err()
		return fusion.Machine{}, ctx.Err()
	}
	m.h.created.Add(1)
	return fusion.Machine{Name: spec.Name}, nil
}

// within waits for a value of c.
func within[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

// create calls Create in a goroutine and gives its error.
func create(ctx context.Context, h fusion.Host, name string) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := h.Machines().Create(ctx, fusion.MachineSpec{Name: name})
		done <- err
	}()
	return done
}

func TestACallThatIsRepeatedMakesOneThing(t *testing.T) {
	s := newScene(t)
	slow := newSlowHost(s.node.host, s.node.jobs)
	s.node.host = slow
	h := hostOf(s.owner(), "")
	ctx := fusion.WithKey(t.Context(), "k1")
	first := create(ctx, h, "m")
	within(t, "the first", slow.began)
	second := create(ctx, h, "m")
	if _, err := h.Machines().Create(ctx, fusion.MachineSpec{Name: "other"}); !errors.Is(err, fusion.ErrInvalid) || fusion.Hint(err) == "" {
		t.Errorf("another call with its key: %v", err)
	}
	close(slow.goOn)
	for _, call := range []<-chan error{first, second, create(ctx, h, "m")} {
		if err := within(t, "an answer", call); err != nil {
			t.Error(err)
		}
	}
	if n := slow.created.Load(); n != 1 {
		t.Errorf("%d were made", n)
	}
}

func TestAKeyIsItsCallersOwn(t *testing.T) {
	s := newScene(t)
	slow := newSlowHost(s.node.host, s.node.jobs)
	close(slow.goOn)
	s.node.host = slow
	s.node.grant("phone", fusion.MachinesCap)
	ctx := fusion.WithKey(t.Context(), "k1")
	for _, h := range []fusion.Host{hostOf(s.owner(), ""), hostOf(s.peer("phone"), "")} {
		if err := within(t, "an answer", create(ctx, h, "m")); err != nil {
			t.Error(err)
		}
	}
	if n := slow.created.Load(); n != 2 {
		t.Errorf("%d were made", n)
	}
}

func TestAJobOutlivesItsCaller(t *testing.T) {
	s := newScene(t)
	slow := newSlowHost(s.node.host, s.node.jobs)
	s.node.host = slow
	dial := s.owner()
	h := hostOf(dial, "")
	ctx, leave := context.WithCancel(fusion.WithKey(t.Context(), "k1"))
	// A caller that is killed says nothing; this one's client is cut off.
	cut := client.New(cutOff(dial, ctx), dial).HostAs("", "cloud")
	gone := create(fusion.WithKey(t.Context(), "k1"), cut, "m")
	within(t, "the call", slow.began)
	leave()
	if err := within(t, "the end of the caller", gone); err == nil {
		t.Fatal("the caller has an answer")
	}
	jobs := must(h.Jobs().List(t.Context()))(t)
	if len(jobs) != 1 || jobs[0].Name != "m" || jobs[0].Op != "machine.create" || jobs[0].Step != "copies" || !jobs[0].Ended.IsZero() {
		t.Fatalf("in work: %+v", jobs)
	}
	again := create(fusion.WithKey(t.Context(), "k1"), h, "m")
	close(slow.goOn)
	if err := within(t, "an answer", again); err != nil || slow.created.Load() != 1 {
		t.Errorf("%v, %d were made", err, slow.created.Load())
	}
}

func TestACallerThatGivesUpEndsItsJob(t *testing.T) {
	s := newScene(t)
	slow := newSlowHost(s.node.host, s.node.jobs)
	s.node.host = slow
	h := hostOf(s.owner(), "")
	ctx, cancel := context.WithCancel(t.Context())
	call := create(ctx, h, "m")
	within(t, "the call", slow.began)
	cancel()
	if err := within(t, "the answer", call); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	within(t, "the end of the work", slow.ended)
	jobs := must(h.Jobs().List(t.Context()))(t)
	if len(jobs) != 1 || jobs[0].Error == "" || jobs[0].Ended.IsZero() {
		t.Errorf("%+v", jobs)
	}
}

func TestAnybodyWhoMayCancelsAJob(t *testing.T) {
	s := newScene(t)
	slow := newSlowHost(s.node.host, s.node.jobs)
	s.node.host = slow
	s.node.grant("phone", fusion.MachinesCap)
	s.node.grant("guest", fusion.ViewCap)
	call := create(t.Context(), hostOf(s.owner(), ""), "m")
	within(t, "the call", slow.began)
	phone, guest := hostOf(s.peer("phone"), ""), hostOf(s.peer("guest"), "")
	jobs := must(guest.Jobs().List(t.Context()))(t)
	if len(jobs) != 1 || jobs[0].Host != "cloud" {
		t.Fatalf("%+v", jobs)
	}
	if err := guest.Jobs().Cancel(t.Context(), jobs[0].ID); !errors.Is(err, fusion.ErrPermission) {
		t.Errorf("a guest: %v", err)
	}
	if err := phone.Jobs().Cancel(t.Context(), jobs[0].ID); err != nil {
		t.Error(err)
	}
	if err := within(t, "the answer", call); err == nil {
		t.Error("it was made")
	}
}

// TestAForwardedCallIsTheOtherHostsJob: what this node asks another computer for
// is not listed here, and ends there.
func TestAForwardedCallIsTheOtherHostsJob(t *testing.T) {
	s := newScene(t)
	slow := newSlowHost(s.node.nas, s.node.nas.Jobs())
	s.node.nas = slow
	dial := s.owner()
	ctx, cancel := context.WithCancel(t.Context())
	call := create(ctx, hostOf(dial, "nas"), "m")
	within(t, "the call", slow.began)
	if jobs := must(hostOf(dial, "").Jobs().List(t.Context()))(t); len(jobs) != 0 {
		t.Errorf("listed here: %+v", jobs)
	}
	cancel()
	within(t, "the answer", call)
	if err := within(t, "the end there", slow.ended); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

// cutOff is dial with connections that break when ctx ends.
func cutOff(dial client.Dial, cut context.Context) client.Dial {
	return func(ctx context.Context) (net.Conn, error) {
		conn, err := dial(ctx)
		if err == nil {
			context.AfterFunc(cut, func() { _ = conn.Close() }) // broken is what it is to be
		}
		return conn, err
	}
}

func must[T any](value T, err error) func(*testing.T) T { return expect.Must(value, err) }

func TestAJobNamesWhatItIsAboutAndWhatItMakes(t *testing.T) {
	for _, c := range []struct {
		message    proto.Message
		name, made string
	}{
		{&pb.MachineCreateRequest{Name: "m"}, "m", ""},
		{&pb.CloneRequest{Machine: "m", Name: "n"}, "m", "n"},
		{&pb.TakeSnapshotRequest{Machine: "m", Name: "s"}, "m", "s"},
		{&pb.RevertSnapshotRequest{Machine: "m", Snapshot: "s"}, "m", ""},
		{&pb.RestoreRequest{Machine: "m", As: "n"}, "m", "n"},
		{&pb.RestoreRequest{Machine: "m"}, "m", ""},
		{&pb.DeployRequest{Machine: "m", Prefix: "p"}, "m", "p"},
		{&pb.DeployImageRequest{Name: "i", Prefix: "p"}, "i", "p"},
		{&pb.MigrateRequest{Name: "m", To: "h"}, "m", ""},
		{&pb.ImageFetchRequest{Name: "i", From: "j"}, "i", ""},
	} {
		if name, made := subject(c.message); name != c.name || made != c.made {
			t.Errorf("%T: %q and %q, want %q and %q", c.message, name, made, c.name, c.made)
		}
	}
}
