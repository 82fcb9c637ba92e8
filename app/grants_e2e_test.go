//go:build e2e

package app

import (
	"context"
	"errors"
	"fmt"
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

// grantNow says what a paired computer may do here as the command line does, and gives
// what the node made of it.
func grantNow(t *testing.T, n *Node, host string, words ...string) []string {
	t.Helper()
	res, err := client.Unix(n.home.Socket()).Hosts.Grant(t.Context(), connect.NewRequest(&pb.HostGrantRequest{Host: host, Grants: words}))
	if err != nil {
		t.Fatal(client.Error(err, host))
	}
	return res.Msg.Grants
}

// seenOf gives the machines of a host that a node's own table has.
func seenOf(n *Node, host fusion.HostID) []string {
	var names []string
	for e, err := range n.Watch(n.ctx, host) {
		if err != nil || e.Kind == fusion.EventReady {
			break
		}
		if e.Machine != nil {
			names = append(names, e.Machine.Name)
		}
	}
	return names
}

// TestAGuestSeesOneMachineUntilItsTime: two nodes with real machines. The guest may use one
// of them for some seconds; its screen, console and watch end by the clock.
func TestAGuestSeesOneMachineUntilItsTime(t *testing.T) {
	t.Setenv("DISPLAY", "")
	guest, cloud := startNode(t, "guest"), startNode(t, "cloud")
	pairNodes(t, guest, cloud)
	far, near := resolved(t, guest, "cloud"), resolved(t, cloud, "")
	for _, name := range []string{"web", "db"} {
		if _, err := near.Machines().Create(t.Context(), fusion.MachineSpec{Name: name, MemoryBytes: 64 << 20, Start: true}); err != nil {
			t.Fatal(err, fusion.Hint(err))
		}
	}
	waitFor(t, "both machines", func() bool { return len(seenOf(guest, cloud.network.ID())) == 3 })

	grantNow(t, cloud, "guest", "view@web", "control@web")
	waitFor(t, "one machine", func() bool { return slices.Equal(seenOf(guest, cloud.network.ID()), []string{"web"}) })
	if list, err := far.Machines().List(t.Context()); err != nil || len(list) != 1 || list[0].Name != "web" {
		t.Errorf("it lists %+v, %v", list, err)
	}
	waitFor(t, "what it may do", func() bool { return slices.Equal(infoOf(t, guest, "cloud").May, []string{"view@web", "control@web"}) })
	for what, err := range map[string]error{
		"another machine's power": far.Machines().Do(t.Context(), "db", fusion.ForceOff),
		"the computer's power":    far.Machines().Do(t.Context(), fusion.Self, fusion.Sleep),
		"a new machine": func() error {
			_, err := far.Machines().Create(t.Context(), fusion.MachineSpec{Name: "new"})
			return err
		}(),
		"another's screen": func() error { _, err := far.Screens().Open(t.Context(), "db", fusion.ViewOptions{}); return err }(),
		"a shell": func() error {
			_, err := far.Terminals().Open(t.Context(), fusion.Self, fusion.TerminalOptions{Columns: 80, Rows: 24})
			return err
		}(),
	} {
		if !errors.Is(err, fusion.ErrPermission) || fusion.Hint(err) == "" {
			t.Errorf("%s: %v (%s)", what, err, fusion.Hint(err))
		}
	}

	// What is open ends with the grant.
	pipe, err := far.Screens().Open(t.Context(), "web", fusion.ViewOptions{})
	if err != nil {
		t.Fatal(err, fusion.Hint(err))
	}
	defer pipe.Close()
	console, err := far.Terminals().Open(t.Context(), "web", fusion.TerminalOptions{Columns: 80, Rows: 24})
	if err != nil {
		t.Fatal(err, fusion.Hint(err))
	}
	defer console.Close()
	const life = 5 * time.Second
	until := time.Now().Add(life).Truncate(time.Second)
	shown := grantNow(t, cloud, "guest", "control@web,until="+until.Format(time.RFC3339))
	if want := fmt.Sprintf("control@web,until=%s", until.UTC().Format(time.RFC3339)); !slices.Equal(shown, []string{want}) {
		t.Errorf("granted %q, want %q", shown, want)
	}
	screenEnd, consoleEnd := make(chan time.Time, 1), make(chan error, 1)
	revoked := make(chan wire.Closed, 1)
	go func() {
		for {
			m, err := pipe.Read()
			if err != nil {
				screenEnd <- time.Now()
				return
			}
			if said, err := wire.ParseHost(m); err == nil {
				if closed, ok := said.(wire.Closed); ok {
					revoked <- closed
				}
			}
		}
	}()
	go func() {
		for {
			if _, err := console.Next(); err != nil {
				consoleEnd <- err
				return
			}
		}
	}()
	ended := <-screenEnd
	late := ended.Sub(until)
	t.Logf("the screen ended %s after its time", late.Round(time.Millisecond))
	if late < -50*time.Millisecond || late > time.Second {
		t.Errorf("the screen ended %s after its time", late)
	}
	if said := <-revoked; said.Reason != wire.Revoked {
		t.Errorf("it was told %+v", said)
	}
	if err := <-consoleEnd; !errors.Is(err, fusion.ErrPermission) {
		t.Errorf("the console ended with %v", err)
	}
	if _, err := far.Machines().List(t.Context()); !errors.Is(err, fusion.ErrPermission) {
		t.Errorf("after its time: %v", err)
	}
	if grants, paired := cloud.network.Grants(guest.network.ID()); !paired || len(grants) != 0 {
		t.Errorf("it has %v", grants)
	}

	// The grant goes with the machine.
	grantNow(t, cloud, "guest", "machines@web")
	if err := near.Machines().Do(t.Context(), "web", fusion.ForceOff); err != nil {
		t.Fatal(err)
	}
	if err := near.Machines().Do(t.Context(), "db", fusion.ForceOff); err != nil {
		t.Fatal(err)
	}
	for _, names := range [][2]string{{"web", "shop"}, {"db", "web"}} {
		if err := near.Hardware().Rename(t.Context(), names[0], names[1]); err != nil {
			t.Fatal(err, fusion.Hint(err))
		}
	}
	if err := far.Machines().Do(t.Context(), "web", fusion.Start); !errors.Is(err, fusion.ErrPermission) {
		t.Errorf("another machine of its old name: %v", err)
	}
	if err := far.Machines().Do(t.Context(), "shop", fusion.Start); err != nil {
		t.Errorf("the machine by its new name: %v", err)
	}
	waitFor(t, "its new name among the grants", func() bool { return slices.Equal(infoOf(t, cloud, "guest").Grants, []string{"machines@shop"}) })
	waitFor(t, "the machine by its new name", func() bool { return slices.Equal(seenOf(guest, cloud.network.ID()), []string{"shop"}) })

	// What it did and was refused is in cloud's log, and nothing of it in its own.
	list, _, _, err := cloud.audit.Find(t.Context(), audit.Query{Host: guest.network.ID()})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, r := range list {
		got[strings.Join(strings.Fields(fmt.Sprint(r.What, " ", r.Detail, " ", r.Object, " ", r.Result)), " ")]++
		if r.What == "/screen" && r.Object == "web" && r.Result == audit.Ended && (r.Out < 1000 || r.Ms < 3000) {
			t.Errorf("the screen's record is %+v", r)
		}
	}
	for _, want := range []string{"MachineService/Do force-off db refused", "MachineService/Do sleep self refused", "MachineService/Create new refused",
		"/screen db refused", "/terminal self refused", "/screen web opened", "/screen web ended", "/terminal web opened", "/terminal web ended",
		"MachineService/Do start web refused", "MachineService/Do start shop ok"} {
		if got[want] == 0 {
			t.Errorf("%q is not in the log, only %v", want, got)
		}
	}
	own, _, _, err := cloud.audit.Find(t.Context(), audit.Query{})
	if err != nil || !slices.ContainsFunc(own, func(r audit.Record) bool { return r.What == audit.Grants && r.Object == "guest" && r.Detail == "-" }) {
		t.Errorf("that the grant ended is not in the log: %v", err)
	}
	if v, err := cloud.audit.Verify(t.Context()); err != nil || v.Bad != "" || v.Records < len(got) {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestTheLogFromAnotherComputer: an owner's other computer reads and follows the log, and
// ends what a third has open; what needs admin is there before it is done and after.
func TestTheLogFromAnotherComputer(t *testing.T) {
	t.Setenv("DISPLAY", "")
	here, cloud := startNode(t, "here"), startNode(t, "cloud")
	pairNodes(t, here, cloud)
	far := resolved(t, here, "cloud")
	api := client.Unix(here.home.Socket())
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stream, err := api.Audits.Follow(ctx, connect.NewRequest(&pb.AuditFollowRequest{Host: "cloud"}))
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan *pb.AuditRecord, 100)
	go func() {
		defer close(heard)
		for stream.Receive() {
			heard <- stream.Msg()
		}
	}()
	if _, err := far.SetRoles(t.Context(), []string{fusion.ComputeRole}, nil); err != nil {
		t.Fatal(err)
	}
	var results []string
	for r := range heard {
		if r.What == "ComputerService/SetRoles" {
			if results = append(results, r.Result+" "+r.Name); len(results) == 2 {
				break
			}
		}
	}
	if want := []string{"asked here", "ok here"}; !slices.Equal(results, want) {
		t.Errorf("followed %q, want %q", results, want)
	}
	cancel()
	_ = stream.Close() // it was cancelled
	for range heard {
	}

	shell, err := far.Terminals().Open(t.Context(), fusion.Self, fusion.TerminalOptions{Columns: 80, Rows: 24})
	if err != nil {
		t.Fatal(err)
	}
	defer shell.Close()
	var id string
	waitFor(t, "the shell among what is open", func() bool {
		res, err := api.Audits.Live(t.Context(), connect.NewRequest(&pb.AuditLiveRequest{Host: "cloud"}))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range res.Msg.Sessions {
			if s.What == "/terminal" && s.Object == fusion.Self && s.Name == "here" {
				id = s.Id
			}
		}
		return id != ""
	})
	if _, err := api.Audits.End(t.Context(), connect.NewRequest(&pb.AuditEndRequest{Host: "cloud", Id: id})); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = shell.Next()
	}
	if !errors.Is(err, fusion.ErrPermission) {
		t.Errorf("the shell ended with %v", err)
	}
	res, err := api.Audits.Verify(t.Context(), connect.NewRequest(&pb.AuditVerifyRequest{Host: "cloud"}))
	if err != nil || res.Msg.Bad != "" || res.Msg.Records == 0 {
		t.Errorf("%+v, %v", res, err)
	}
	grantNow(t, cloud, "here", "view")
	waitFor(t, "that it may only look", func() bool { return slices.Equal(infoOf(t, here, "cloud").May, []string{"view"}) })
	if _, err := api.Audits.List(t.Context(), connect.NewRequest(&pb.AuditListRequest{Host: "cloud"})); !errors.Is(client.Error(err, "cloud"), fusion.ErrPermission) {
		t.Errorf("without admin: %v", err)
	}
}
