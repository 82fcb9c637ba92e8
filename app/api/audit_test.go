package api

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"hither/app/audit"
	"hither/app/client"
	"hither/fusion"
	"hither/mirror/wire"
	pb "hither/proto/hither/v1"
)

// noted gives the log's records as WHO WHAT DETAIL OBJECT RESULT.
func (s *scene) noted() []string {
	s.t.Helper()
	list, _, _, err := s.node.audit.Find(s.t.Context(), audit.Query{})
	if err != nil {
		s.t.Fatal(err)
	}
	var out []string
	for _, r := range list {
		out = append(out, strings.Join(strings.Fields(fmt.Sprint(r.Host, " ", r.What, " ", r.Detail, " ", r.Object, " ", r.Result)), " "))
	}
	return out
}

// TestWhatIsWrittenDown: what another computer does, what it was refused, what needs admin
// before and after, what the owner changes; and no looks, nothing typed and no secrets.
func TestWhatIsWrittenDown(t *testing.T) {
	s := newScene(t)
	s.twoMachines()
	ctx := t.Context()
	host, owner := hostOf(s.peer("laptop"), ""), client.New(s.owner(), nil)
	s.give("machines@memory-web", "control@memory-web")
	if err := host.Machines().Do(ctx, "web", fusion.Start); err != nil {
		t.Fatal(err)
	}
	if err := host.Machines().Do(ctx, "db", fusion.Start); !errors.Is(err, fusion.ErrPermission) {
		t.Error(err)
	}
	if err := host.Machines().Do(ctx, fusion.Self, fusion.Sleep); !errors.Is(err, fusion.ErrPermission) {
		t.Error(err)
	}
	if _, err := host.Machines().List(ctx); err != nil {
		t.Error(err)
	}
	_, _ = host.Guests().Exec(ctx, "web", fusion.GuestCommand{Argv: []string{"mysql", "--password=hunter2"}, Stdin: []byte("hunter2")}) // it has no agent, perhaps
	s.give("admin")
	if err := host.Networks().Stop(ctx, "inner"); err == nil {
		t.Error("there is no such network")
	}
	if _, err := owner.Hosts.Grant(ctx, connect.NewRequest(&pb.HostGrantRequest{Host: "nas", Grants: []string{"view"}})); err != nil {
		t.Error(err)
	}
	if err := owner.Host("").Machines().Do(ctx, "db", fusion.Start); err != nil { // the owner's own affair
		t.Error(err)
	}
	got := s.noted()
	want := []string{
		"laptop MachineService/Do start web ok",
		"laptop MachineService/Do start db refused",
		"laptop MachineService/Do sleep self refused",
		"laptop GuestService/Exec mysql web ",
		"laptop NetworkService/Stop inner asked",
		"laptop NetworkService/Stop inner ",
		"HostService/Grant view nas ok",
	}
	if len(got) != len(want) || !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("the log has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "audit", "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if text, err := os.ReadFile(files[0]); err != nil || strings.Contains(string(text), "hunter2") {
		t.Errorf("a password is in the log: %v", err)
	}
}

// TestAStrangerIsWrittenDown with its key.
func TestAStrangerIsWrittenDown(t *testing.T) {
	s := newScene(t)
	if _, err := hostOf(s.peer("stranger"), "").Machines().List(t.Context()); !errors.Is(err, fusion.ErrUnpaired) {
		t.Error(err)
	}
	list, _, _, err := s.node.audit.Find(t.Context(), audit.Query{})
	if err != nil || len(list) != 1 || !list[0].Stranger || list[0].Host != "stranger" || list[0].Result != audit.Refused {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestAViewIsSeenAndEnded by the owner, and is in the log with its bytes.
func TestAViewIsSeenAndEnded(t *testing.T) {
	s := newScene(t)
	s.twoMachines()
	if err := s.node.host.Machines().Do(t.Context(), "web", fusion.Start); err != nil {
		t.Fatal(err)
	}
	owner := client.New(s.owner(), nil)
	s.give("view@memory-web")
	pipe, err := hostOf(s.peer("laptop"), "").Screens().Open(t.Context(), "web", fusion.ViewOptions{})
	if err != nil {
		t.Fatal(err)
	}
	helloOf(t, pipe.Read)
	s.waitViews(1)
	live, err := owner.Audits.Live(t.Context(), connect.NewRequest(&pb.AuditLiveRequest{}))
	if err != nil || len(live.Msg.Sessions) != 1 {
		t.Fatal(live, err)
	}
	if one := live.Msg.Sessions[0]; one.Host != "laptop" || one.What != "/screen" || one.Object != "web" || one.BytesOut == 0 {
		t.Errorf("open is %+v", one)
	}
	if _, err := owner.Audits.End(t.Context(), connect.NewRequest(&pb.AuditEndRequest{Of: "laptop"})); err != nil {
		t.Error(err)
	}
	if why, told := ending(t, pipe); !told || why.Reason != wire.Revoked || !strings.Contains(why.Text, "owner") {
		t.Errorf("it ended with %+v, %v", why, told)
	}
	s.waitViews(0)
	eventually(t, "its end in the log", func() bool {
		got := s.noted()
		return len(got) == 3 && strings.HasPrefix(got[0], "laptop /screen looks only web opened") &&
			slices.ContainsFunc(got, func(r string) bool { return strings.HasPrefix(r, "laptop /screen looks only web ended") }) &&
			slices.ContainsFunc(got, func(r string) bool { return strings.HasPrefix(r, "AuditService/End laptop ok") })
	})
	if _, err := owner.Audits.End(t.Context(), connect.NewRequest(&pb.AuditEndRequest{Id: "none"})); !errors.Is(client.Error(err, ""), fusion.ErrNotFound) {
		t.Error(err)
	}
}

func eventually(t *testing.T, what string, met func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !met(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// TestWithoutALog nothing that needs admin is done for another computer, and the owner goes on.
func TestWithoutALog(t *testing.T) {
	s := newScene(t)
	s.twoMachines()
	host, owner := hostOf(s.peer("laptop"), ""), client.New(s.owner(), nil)
	s.give("admin")
	if err := s.node.audit.Close(); err != nil { // as a disk that takes nothing
		t.Fatal(err)
	}
	_, err := host.SetRoles(t.Context(), []string{fusion.ComputeRole}, nil)
	if !errors.Is(err, fusion.ErrBusy) || !strings.Contains(fusion.Hint(err), "make room") {
		t.Errorf("%v (%s)", err, fusion.Hint(err))
	}
	if info, err := s.node.host.Info(t.Context()); err != nil || len(info.Roles) != 0 {
		t.Errorf("it was done: %+v, %v", info, err)
	}
	if err := host.Machines().Do(t.Context(), "web", fusion.Start); err != nil {
		t.Errorf("what needs no admin: %v", err)
	}
	if _, err := owner.Host("").SetRoles(t.Context(), []string{fusion.ComputeRole}, nil); err != nil {
		t.Errorf("the owner: %v", err)
	}
}

// TestTheLogOverTheAPI: pages, one computer, follow and verify.
func TestTheLogOverTheAPI(t *testing.T) {
	s := newScene(t)
	owner := client.New(s.owner(), nil)
	early, leave := context.WithCancel(t.Context())
	defer leave()
	if stream, err := owner.Audits.Follow(early, connect.NewRequest(&pb.AuditFollowRequest{})); err != nil { // of an empty log
		t.Fatal(err)
	} else {
		leave()
		_ = stream.Close() // it was cancelled
	}
	for i := range 5 {
		if err := s.node.audit.Record(audit.Record{Host: "id-nas", Name: "nas", What: fmt.Sprint("w", i), Result: audit.OK}, false); err != nil {
			t.Fatal(err)
		}
	}
	res, err := owner.Audits.List(t.Context(), connect.NewRequest(&pb.AuditListRequest{Of: "nas", Limit: 2}))
	if err != nil || len(res.Msg.Records) != 2 || !res.Msg.More || res.Msg.Records[1].What != "w4" || res.Msg.FromSeq != 1 {
		t.Errorf("%+v, %v", res, err)
	}
	v, err := owner.Audits.Verify(t.Context(), connect.NewRequest(&pb.AuditVerifyRequest{}))
	if err != nil || v.Msg.Bad != "" || v.Msg.Records != 5 || len(v.Msg.Hash) != 64 {
		t.Errorf("%+v, %v", v, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := owner.Audits.Follow(ctx, connect.NewRequest(&pb.AuditFollowRequest{After: 4}))
	if err != nil {
		t.Fatal(err)
	}
	if !stream.Receive() || stream.Msg().What != "w4" {
		t.Fatalf("first came %+v, %v", stream.Msg(), stream.Err())
	}
	if err := s.node.audit.Record(audit.Record{What: "new", Result: audit.OK}, false); err != nil {
		t.Fatal(err)
	}
	if !stream.Receive() || stream.Msg().What != "new" {
		t.Fatalf("then came %+v, %v", stream.Msg(), stream.Err())
	}
	cancel()
	_ = stream.Close() // it was cancelled
}
