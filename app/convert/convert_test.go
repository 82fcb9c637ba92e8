package convert

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"connectrpc.com/connect"

	"hither/fusion"
)

// fill gives every field a value of its own, so that a field which is left out
// or mixed up with another does not survive.
func fill(v reflect.Value, next *int) {
	*next++
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(1_700_000_000+int64(*next), 0).UTC()))
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), next)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), next)
		}
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), next)
		}
	case v.Kind() == reflect.String:
		v.SetString(fmt.Sprint("text", *next))
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.CanInt():
		v.SetInt(int64(*next))
	case v.CanUint():
		v.SetUint(uint64(*next))
	case v.CanFloat():
		v.SetFloat(float64(*next) / 2)
	default:
		panic("no value for a " + v.Type().String())
	}
}

func there[A, B any](t *testing.T, to func(A) B, back func(B) A) {
	t.Helper()
	var full, empty A
	n := 0
	fill(reflect.ValueOf(&full).Elem(), &n)
	if got := back(to(full)); !reflect.DeepEqual(got, full) {
		t.Errorf("%T: got %+v\nwant %+v", full, got, full)
	}
	// Without values the lists come back empty, not absent.
	once := back(to(empty))
	if twice := back(to(once)); !reflect.DeepEqual(twice, once) {
		t.Errorf("%T: got %+v\nwant %+v", empty, twice, once)
	}
}

func TestEveryFieldComesBack(t *testing.T) {
	there(t, MachineToPB, MachineFromPB)
	there(t, StatsToPB, StatsFromPB)
	there(t, SnapshotToPB, SnapshotFromPB)
	there(t, JobToPB, JobFromPB)
	there(t, PartsToPB, PartsFromPB)
	there(t, ChangeToPB, ChangeFromPB)
	there(t, ChangedToPB, ChangedFromPB)
	there(t, LabelChangeToPB, LabelChangeFromPB)
	there(t, NetworkToPB, NetworkFromPB)
	there(t, LeaseToPB, LeaseFromPB)
	there(t, NICToPB, NICFromPB)
	there(t, ForwardToPB, ForwardFromPB)
	there(t, PoolToPB, PoolFromPB)
	there(t, VolumeToPB, VolumeFromPB)
	there(t, ScreenToPB, ScreenFromPB)
	there(t, AppToPB, AppFromPB)
	there(t, FolderToPB, FolderFromPB)
	there(t, HostToPB, HostFromPB)
	there(t, CardToPB, CardFromPB)
	there(t, ResourcesToPB, ResourcesFromPB)
	there(t, PlacementToPB, PlacementFromPB)
	there(t, EventToPB, EventFromPB)
}

func TestListsAreNeverNull(t *testing.T) {
	for _, value := range []any{MachineFromPB(nil).Verbs, HostFromPB(nil).Roles, HostFromPB(nil).Grants, FolderFromPB(nil).Hosts,
		HostFromPB(nil).May, HostFromPB(nil).Cards, NetworkFromPB(nil).Machines, NICFromPB(nil).Addresses, VolumeFromPB(nil).Machines, VolumeFromPB(nil).BaseOf} {
		if text, err := json.Marshal(value); err != nil || string(text) != "[]" {
			t.Errorf("got %s, %v", text, err)
		}
	}
}

// wire leaves of an error what goes over a connection.
func wire(t *testing.T, err error) error {
	t.Helper()
	var made *connect.Error
	if !errors.As(ErrorToPB(err), &made) {
		t.Fatalf("%v is none of Connect's", err)
	}
	out := connect.NewError(made.Code(), errors.New(made.Message()))
	for _, detail := range made.Details() {
		out.AddDetail(detail)
	}
	return out
}

// TestAPartialErrorComesBackWhole, with one error for each host.
func TestAPartialErrorComesBackWhole(t *testing.T) {
	sent := &fusion.PartialError{Whole: &fusion.Error{Op: "machine.deploy", Path: "a", Cause: fusion.ErrBusy},
		Each: []*fusion.Error{{Op: "machine.deploy", Path: "id-a", Cause: fusion.ErrBusy, Detail: "the pool is full", Hint: "free some"},
			{Op: "machine.deploy", Path: "id-b", Cause: fusion.ErrOffline}}}
	var got *fusion.PartialError
	if !errors.As(ErrorFromPB(wire(t, fmt.Errorf("around: %w", sent)), "cloud/web"), &got) {
		t.Fatal("it came back as another error")
	}
	if got.Error() != sent.Error() || !errors.Is(got, fusion.ErrBusy) || len(got.Each) != 2 || *got.Each[0] != *sent.Each[0] || *got.Each[1] != *sent.Each[1] {
		t.Errorf("got %v, %+v", got, got.Each)
	}
}

func TestErrorsComeBackWhole(t *testing.T) {
	for name, cause := range fusion.Causes {
		sent := &fusion.Error{Op: "machine.start", Path: "vm", Cause: cause, Detail: "it has no disk", Hint: "give it one"}
		got := ErrorFromPB(wire(t, fmt.Errorf("around: %w", sent)), "cloud/vm")
		var e *fusion.Error
		if !errors.As(got, &e) || !errors.Is(got, cause) {
			t.Errorf("%s: got %v", name, got)
			continue
		}
		want := *sent
		want.Path = "cloud/vm"
		if *e != want {
			t.Errorf("%s: got %+v, want %+v", name, *e, want)
		}
	}
}

func TestErrorsWithoutACause(t *testing.T) {
	inner := &fusion.Error{Op: "pool", Path: "x", Cause: fusion.ErrBusy, Detail: "it is in use", Hint: "wait"}
	for _, tc := range []struct {
		sent error
		want string
		is   error
	}{
		{errors.New("disk on fire"), "cloud: disk on fire", nil},
		{&fusion.Error{Op: "machine.start", Path: "vm", Cause: errors.New("disk on fire")}, "machine.start vm: disk on fire", nil},
		{&fusion.Error{Op: "machine.start", Path: "vm", Cause: inner}, "machine.start vm: busy: pool x: busy: it is in use", fusion.ErrBusy},
	} {
		got := ErrorFromPB(wire(t, tc.sent), "cloud")
		if got.Error() != tc.want || tc.is != nil && !errors.Is(got, tc.is) {
			t.Errorf("%v: got %q, want %q", tc.sent, got, tc.want)
		}
	}
	if got := ErrorFromPB(wire(t, &fusion.Error{Op: "machine.agent", Path: "vm", Cause: fusion.ErrBusy}), "cloud/vm/app"); got.Error() != "machine.agent cloud/vm: busy" {
		t.Errorf("of the machine of an app: %q", got)
	}
	if got := fusion.Hint(ErrorFromPB(wire(t, &fusion.Error{Op: "a", Cause: inner}), "")); got != "wait" {
		t.Errorf("the inner hint is lost: %q", got)
	}
}

func TestErrorsOfTheConnection(t *testing.T) {
	for code, cause := range map[connect.Code]error{
		connect.CodeUnavailable:     fusion.ErrOffline,
		connect.CodeUnimplemented:   fusion.ErrUnsupported,
		connect.CodeUnauthenticated: fusion.ErrUnpaired,
	} {
		got := ErrorFromPB(connect.NewError(code, errors.New("x")), "cloud")
		if !errors.Is(got, cause) || fusion.Hint(got) == "" {
			t.Errorf("%v: got %v", code, got)
		}
	}
	if ErrorToPB(nil) != nil || ErrorFromPB(nil, "cloud") != nil {
		t.Error("nothing became an error")
	}
}
