package api

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"hither/fusion"
	v1 "hither/proto/hither/v1/hitherv1connect"
)

// message makes an empty request of a method.
func (r rpc) message(t *testing.T) proto.Message {
	t.Helper()
	name := protoreflect.FullName(strings.ReplaceAll(strings.TrimPrefix(r.procedure, "/"), "/", "."))
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
	if err != nil {
		t.Fatal(err)
	}
	kind, err := protoregistry.GlobalTypes.FindMessageByName(d.(protoreflect.MethodDescriptor).Input().FullName())
	if err != nil {
		t.Fatal(err)
	}
	return kind.New().Interface()
}

// with sets the fields of a request that it has.
func with(m proto.Message, fields map[string]string) proto.Message {
	for name, value := range fields {
		if f := m.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(name)); f != nil {
			m.ProtoReflect().Set(f, protoreflect.ValueOfString(value))
		}
	}
	return m
}

// ofTheHost are the methods whose request names something, and which a grant of one object
// does not open: they make a machine, or what they name is the host's own.
var ofTheHost = []string{"MachineService/Create", "CopyService/Clone", "CopyService/Deploy", "CopyService/DeployImage",
	"MachineService/Migrate", "MachineService/CheckMigrate", "MachineService/PrepareMove", "NetworkService/Get", "NetworkService/Create", "NetworkService/Remove",
	"NetworkService/Start", "NetworkService/Stop", "NetworkService/Leases", "ForwardService/Add", "ForwardService/Remove",
	"StorageService/CreateVolume", "StorageService/GrowVolume", "StorageService/RemoveVolume", "ImageService/Fetch", "ImageService/Remove",
	"FolderService/Add", "FolderService/Share", "FolderService/Remove", "BackupService/Kept", "NetBootService/Install", "AuditService/End",
	"TunnelService/Remove", "TunnelService/Limit", "TunnelService/History"}

// TestEveryObjectIsRead: a method whose request names something says how it is read.
func TestEveryObjectIsRead(t *testing.T) {
	s := newScene(t)
	for _, r := range rpcs(t) {
		row, short := methods[r.procedure], strings.TrimPrefix(r.procedure, "/hither.v1.")
		fields := r.message(t).ProtoReflect().Descriptor().Fields()
		names := slices.ContainsFunc([]protoreflect.Name{"machine", "name", "screen", "app", "id"}, func(n protoreflect.Name) bool { return fields.ByName(n) != nil })
		switch {
		case row.cap == "":
		case names && (row.on == theHost || row.on == aList) != slices.Contains(ofTheHost, short):
			t.Errorf("%s names something, and is %d", short, row.on)
		case row.on != theHost && row.on != aList:
			m := with(r.message(t), map[string]string{"machine": fusion.Self, "name": fusion.Self, "screen": fusion.Self, "app": "x"})
			got := s.server.thing(t.Context(), row.on, m)
			if got.object == noObject && row.on != ofJob {
				t.Errorf("%s: what it is about is not read from %T", short, m)
			}
		}
	}
}

// pair of machines, by the UUIDs that hosttest gives them.
func (s *scene) twoMachines() {
	s.t.Helper()
	for _, name := range []string{"web", "db"} {
		if _, err := s.node.host.Machines().Create(s.t.Context(), fusion.MachineSpec{Name: name}); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *scene) give(grants ...string) {
	s.t.Helper()
	var list []fusion.Grant
	for _, text := range grants {
		g, err := fusion.ParseGrant(text)
		if err != nil {
			s.t.Fatal(err)
		}
		list = append(list, g)
	}
	s.node.grantAll("laptop", list)
}

// allowedOn says what a capability on one machine opens there: the matrix of
// docs/decisions/0036, and the second entry in the books for methods.go.
var allowedOn = map[fusion.Capability][]string{
	fusion.ViewCap: {"MachineService/Get", "MachineService/Screenshot", "MachineService/Snapshots", "HardwareService/Show",
		"GuestService/Info", "NetworkService/Cards", "ForwardService/List", "BackupService/List", "ScreenService/List",
		"ScreenService/Connect", "MeterService/History", "MeterService/Watch"},
	fusion.ControlCap: {"MachineService/Do", "HardwareService/Save", "GuestService/Exec"},
	fusion.MachinesCap: {"MachineService/Do", "HardwareService/Save", "MachineService/Remove", "MachineService/TakeSnapshot",
		"MachineService/RevertSnapshot", "MachineService/RemoveSnapshot", "HardwareService/Change", "HardwareService/Label",
		"HardwareService/Rename", "CopyService/SetTemplate", "BackupService/Take", "BackupService/Restore", "BackupService/Verify",
		"BackupService/Remove", "BackupService/SetSchedule"},
	fusion.AppsCap:       {"AppService/List", "AppService/Icon", "AppService/Run", "AppService/End"},
	fusion.MicrophoneCap: {},
}

// anything is opened by a capability on any object: the answer is filtered.
var anything = map[fusion.Capability][]string{
	fusion.ViewCap:     {"NodeService/Info", "NodeService/Watch", "MachineService/List", "MachineService/Stats", "JobService/List"},
	fusion.FilesCap:    {"FolderService/List"},
	fusion.MachinesCap: {"JobService/Cancel"},
}

func TestEachGrantOfOneMachine(t *testing.T) {
	s := newScene(t)
	s.twoMachines()
	ctx := withCaller(t.Context(), Caller{Peer: "laptop"})
	for capability := range allowedOn {
		s.give(string(capability) + "@memory-web")
		views := givesView(capability)
		for _, r := range rpcs(t) {
			short := strings.TrimPrefix(r.procedure, "/hither.v1.")
			has := func(in map[fusion.Capability][]string) bool {
				return slices.Contains(in[capability], short) || views && slices.Contains(in[fusion.ViewCap], short)
			}
			for _, machine := range []string{"web", "db", "gone", fusion.Self, ""} {
				m := with(r.message(t), map[string]string{"machine": machine, "name": machine, "screen": machine, "app": "x", "backup": "b", "snapshot": "s"})
				_, err := s.server.allow(ctx, r.procedure, m)
				want := methods[r.procedure].open || has(anything) || machine == "web" && has(allowedOn)
				if (err == nil) != want {
					t.Errorf("%s of %q with %s@web: %v", short, machine, capability, err)
				}
				if err != nil && (!errors.Is(err, fusion.ErrPermission) || fusion.Hint(err) == "") {
					t.Errorf("%s of %q with %s@web: %v, hint %q", short, machine, capability, err, fusion.Hint(err))
				}
			}
		}
	}
}

// TestWhatMakesAMachineIsOfTheHost: restoring as a new machine, and what is kept for other
// computers, need the whole capability.
func TestWhatMakesAMachineIsOfTheHost(t *testing.T) {
	s := newScene(t)
	s.twoMachines()
	s.give("machines@memory-web")
	ctx := withCaller(t.Context(), Caller{Peer: "laptop"})
	r := rpc{procedure: v1.BackupServiceRestoreProcedure}
	for name, fields := range map[string]map[string]string{"as": {"as": "new"}, "of": {"of": "laptop"}, "at": {"at": "nas"}} {
		fields["machine"] = "web"
		if _, err := s.server.allow(ctx, r.procedure, with(r.message(t), fields)); !errors.Is(err, fusion.ErrPermission) {
			t.Errorf("%s: %v", name, err)
		}
	}
	host := hostOf(s.peer("laptop"), "")
	for name, change := range map[string]fusion.Change{"an image": {Kind: fusion.InsertCD, Image: "debian.iso"},
		"a network": {Kind: fusion.AddNIC, Network: "inner"}, "a device": {Kind: fusion.AttachDevice, Device: "usb:1-1"}} {
		if _, err := host.Hardware().Change(t.Context(), "web", change); !errors.Is(err, fusion.ErrPermission) || fusion.Hint(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAGrantGoesWithItsMachine: not with its name.
func TestAGrantGoesWithItsMachine(t *testing.T) {
	s := newScene(t)
	s.twoMachines()
	s.give("control@memory-web")
	host, own := hostOf(s.peer("laptop"), ""), s.node.host
	if err := host.Machines().Do(t.Context(), "web", fusion.Start); err != nil {
		t.Fatal(err)
	}
	if err := host.Machines().Do(t.Context(), "web", fusion.ForceOff); err != nil {
		t.Fatal(err)
	}
	if err := own.Hardware().Rename(t.Context(), "web", "shop"); err != nil {
		t.Fatal(err)
	}
	if err := own.Hardware().Rename(t.Context(), "db", "web"); err != nil {
		t.Fatal(err)
	}
	if err := host.Machines().Do(t.Context(), "shop", fusion.Start); err != nil {
		t.Errorf("by its new name: %v", err)
	}
	if err := host.Machines().Do(t.Context(), "web", fusion.Start); !errors.Is(err, fusion.ErrPermission) {
		t.Errorf("another machine of its old name: %v", err)
	}
	list, err := host.Machines().List(t.Context())
	if err != nil || len(list) != 1 || list[0].Name != "shop" {
		t.Errorf("it sees %+v, %v", list, err)
	}
}

func names[T any](list []T, name func(T) string) string {
	var out []string
	for _, one := range list {
		out = append(out, name(one))
	}
	return strings.Join(out, " ")
}

func TestListsHoldWhatMayBeSeen(t *testing.T) {
	s := newScene(t)
	s.twoMachines()
	host := hostOf(s.peer("laptop"), "")
	if err := s.node.host.Machines().Do(t.Context(), "web", fusion.Start); err != nil { // its stats are of the running
		t.Fatal(err)
	}
	machine := func(m fusion.Machine) string { return m.Name }
	for grants, want := range map[string]string{"view@memory-web": "web", "view@self": "self", "view": "self db web", "apps@self/terminal": "self",
		"microphone@memory-web view@memory-db": "db", "admin": "self db web", "control@memory-web machines@memory-db": "db web"} {
		s.give(strings.Fields(grants)...)
		list, err := host.Machines().List(t.Context())
		if got := names(list, machine); err != nil || got != want {
			t.Errorf("%s: lists %q, %v, want %q", grants, got, err, want)
		}
		if len(list) > 0 && grants == "apps@self/terminal" && (list[0].CPUs != 0 || len(list[0].Disks) != 0) {
			t.Errorf("%s: it is told %+v", grants, list[0])
		}
		stats, err := host.Machines().Stats(t.Context())
		for _, x := range stats {
			if !strings.Contains(" "+want+" ", " "+x.Name+" ") {
				t.Errorf("%s: stats of %s", grants, x.Name)
			}
		}
		if err != nil {
			t.Error(err)
		}
		var heard []string
		for e, err := range host.Watch(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if e.Machine != nil {
				heard = append(heard, e.Machine.Name)
			}
			if e.Kind == fusion.EventReady {
				break
			}
		}
		slices.Sort(heard)
		wanted := strings.Fields(want)
		slices.Sort(wanted)
		if !slices.Equal(heard, wanted) {
			t.Errorf("%s: heard of %q, want %q", grants, heard, wanted)
		}
	}
}

// TestAnAppAlone: who has one app of a computer sees it and its windows, and no desktop.
func TestAnAppAlone(t *testing.T) {
	s := newScene(t)
	ctx, own := t.Context(), s.node.host
	apps, err := own.Apps().List(ctx, fusion.Self, "")
	if err != nil || len(apps) < 2 {
		t.Fatal(apps, err)
	}
	mine, other := apps[0].ID, apps[1].ID
	host := hostOf(s.peer("laptop"), "")
	s.give("apps@self/"+mine, "control@self/"+mine)
	list, err := host.Apps().List(ctx, fusion.Self, "")
	if got := names(list, func(a fusion.App) string { return a.ID }); err != nil || got != mine {
		t.Errorf("it sees %q, %v", got, err)
	}
	screen, err := host.Apps().Run(ctx, fusion.Self, mine, nil)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := own.Apps().Run(ctx, fusion.Self, other, nil)
	if err != nil {
		t.Fatal(err)
	}
	screens, err := host.Screens().List(ctx, fusion.Self)
	if got := names(screens, func(x fusion.Screen) string { return x.Name }); err != nil || got != screen.Name {
		t.Errorf("it sees the screens %q, %v", got, err)
	}
	pipe, err := host.Screens().Open(ctx, screen.Name, fusion.ViewOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if hello := helloOf(t, pipe.Read); hello.ViewOnly {
		t.Error("it may not type into its own app")
	}
	if err := pipe.Close(); err != nil {
		t.Error(err)
	}
	for what, err := range map[string]error{
		"another app's run": func() error { _, err := host.Apps().Run(ctx, fusion.Self, other, nil); return err }(),
		"another app's end": host.Apps().End(ctx, theirs.Name),
		"the desktop":       func() error { _, err := host.Screens().Open(ctx, fusion.Self, fusion.ViewOptions{}); return err }(),
		"a monitor":         func() error { _, err := host.Screens().Open(ctx, "self/LEFT", fusion.ViewOptions{}); return err }(),
		"another's screen":  func() error { _, err := host.Screens().Open(ctx, theirs.Name, fusion.ViewOptions{}); return err }(),
		"a shell":           openShell(ctx, host),
		"the machine":       func() error { _, err := host.Machines().Get(ctx, fusion.Self); return err }(),
	} {
		if !errors.Is(err, fusion.ErrPermission) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := host.Apps().End(ctx, screen.Name); err != nil {
		t.Error(err)
	}
}
