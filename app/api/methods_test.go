package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/emptypb"

	"hither/app/audit"
	"hither/app/client"
	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// rpc is one method of the API as the descriptors have it.
type rpc struct {
	procedure string
	streams   bool
}

func rpcs(t *testing.T) []rpc {
	t.Helper()
	var all []rpc
	for _, file := range []protoreflect.FileDescriptor{
		pb.File_hither_v1_app_proto,
		pb.File_hither_v1_audit_proto,
		pb.File_hither_v1_backup_proto,
		pb.File_hither_v1_computer_proto,
		pb.File_hither_v1_copy_proto,
		pb.File_hither_v1_device_proto,
		pb.File_hither_v1_folder_proto,
		pb.File_hither_v1_forward_proto,
		pb.File_hither_v1_guest_proto,
		pb.File_hither_v1_hardware_proto,
		pb.File_hither_v1_image_proto,
		pb.File_hither_v1_invite_proto,
		pb.File_hither_v1_job_proto,
		pb.File_hither_v1_machine_proto,
		pb.File_hither_v1_mesh_proto,
		pb.File_hither_v1_meter_proto,
		pb.File_hither_v1_netboot_proto,
		pb.File_hither_v1_network_proto,
		pb.File_hither_v1_node_proto,
		pb.File_hither_v1_screen_proto,
		pb.File_hither_v1_storage_proto,
		pb.File_hither_v1_tunnel_proto,
	} {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				method := service.Methods().Get(j)
				all = append(all, rpc{"/" + string(service.FullName()) + "/" + string(method.Name()), method.IsStreamingServer()})
			}
		}
	}
	if len(all) < 30 {
		t.Fatalf("only %d methods", len(all))
	}
	return all
}

func TestEveryMethodHasARow(t *testing.T) {
	stale := maps.Clone(methods)
	delete(stale, screenPath)
	delete(stale, terminalPath)
	delete(stale, guestFilesPath)
	delete(stale, imagesPath)
	delete(stale, copiesPath)
	delete(stale, ticketPath)
	delete(stale, handoverPath)
	for _, r := range rpcs(t) {
		if _, there := methods[r.procedure]; !there {
			t.Errorf("%s has no row in methods", r.procedure)
		}
		delete(stale, r.procedure)
	}
	for name := range stale {
		t.Errorf("%s has a row in methods, but is no method", name)
	}
}

func TestAMethodWithoutARowIsRefused(t *testing.T) {
	s := newScene(t)
	_, err := s.server.allow(withCaller(t.Context(), Caller{Owner: true}), "/hither.v1.NodeService/New", nil)
	if !errors.Is(err, fusion.ErrUnsupported) || fusion.Hint(err) == "" {
		t.Errorf("got %v", err)
	}
}

// call makes a call with an empty request and gives its error, if any.
func (r rpc) call(ctx context.Context, web *http.Client) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c := connect.NewClient[emptypb.Empty, emptypb.Empty](web, "http://hither"+r.procedure)
	if !r.streams {
		_, err := c.CallUnary(ctx, connect.NewRequest(&emptypb.Empty{}))
		return convert.ErrorFromPB(err, "")
	}
	for {
		err := stream(ctx, c)
		if !errors.Is(err, context.Canceled) || ctx.Err() != nil {
			return err
		}
		// The refusal came before the request was sent whole, which net/http
		// gives as a call that was cancelled: ask again.
	}
}

// stream makes a streaming call and gives what its first message is refused with.
func stream(ctx context.Context, c *connect.Client[emptypb.Empty, emptypb.Empty]) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.CallServerStream(ctx, connect.NewRequest(&emptypb.Empty{}))
	if err != nil {
		return convert.ErrorFromPB(err, "")
	}
	stream.Receive()
	err = stream.Err()
	cancel()
	_ = stream.Close() // the call was cancelled
	return convert.ErrorFromPB(err, "")
}

func TestAnUnpairedComputerMayDoNothing(t *testing.T) {
	s := newScene(t)
	dial := s.peer("stranger")
	web := plain(dial)
	for _, r := range rpcs(t) {
		err := r.call(t.Context(), web)
		// What only the owner may do is refused as that, paired or not.
		if !errors.Is(err, fusion.ErrUnpaired) && !errors.Is(err, fusion.ErrPermission) || fusion.Hint(err) == "" {
			t.Errorf("%s: got %v (hint %q)", r.procedure, err, fusion.Hint(err))
		}
		if need := methods[r.procedure]; need.cap != "" && !errors.Is(err, fusion.ErrUnpaired) {
			t.Errorf("%s: got %v, want not paired", r.procedure, err)
		}
	}
	for what, err := range paths(t, dial) {
		if !errors.Is(err, fusion.ErrUnpaired) || fusion.Hint(err) == "" {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

// paths calls what is no Connect method.
func paths(t *testing.T, dial client.Dial) map[string]error {
	t.Helper()
	host := hostOf(dial, "")
	pipe, err := host.Screens().Open(t.Context(), fusion.Self, fusion.ViewOptions{})
	if err == nil {
		err = pipe.Close()
	}
	return map[string]error{
		screenPath:    err,
		terminalPath:  openShell(t.Context(), host),
		imagesPath:    host.Machines().Upload(t.Context(), "image", 0, http.NoBody),
		handoverPath:  handOver(t.Context(), host.Apps()),
		"GET /images": readImage(t.Context(), host.Images()),
		copiesPath:    bring(t.Context(), host),
	}
}

// bring imports a machine, and removes it again.
func bring(ctx context.Context, host fusion.Host) error {
	_, err := host.Copies().Import(ctx, fusion.ImportSpec{Name: "brought", Raw: true}, 0, http.NoBody)
	if err == nil {
		err = host.Machines().Remove(ctx, "brought")
	}
	return err
}

// handOver calls all three methods of the path; the first error counts.
func handOver(ctx context.Context, apps fusion.Handover) error {
	file, err := apps.Hand(ctx, "a.txt", 0, http.NoBody)
	_, take := apps.Take(ctx, fusion.HandedPrefix+"none", "")
	drop := apps.Drop(ctx, fusion.HandedPrefix+"none")
	if err != nil {
		if !errors.Is(take, fusion.Causes[fusion.CauseName(err)]) || !errors.Is(drop, fusion.Causes[fusion.CauseName(err)]) {
			return fmt.Errorf("hand: %v, take: %v, drop: %v", err, take, drop)
		}
		return err
	}
	if !errors.Is(take, fusion.ErrNotFound) || !errors.Is(drop, fusion.ErrNotFound) {
		return fmt.Errorf("take: %v, drop: %v", take, drop)
	}
	return apps.Drop(ctx, file)
}

// allowed says what each grant lets another computer do: the second entry in
// the books, so that a change of the table in methods.go is a change here.
var allowed = map[fusion.Capability][]string{
	fusion.ViewCap: {"JobService/List", "NodeService/Info", "NodeService/Watch", "MachineService/List",
		"MachineService/Get", "MachineService/Screenshot", "MachineService/Stats", "MachineService/Snapshots",
		"HardwareService/Show", "ScreenService/List", "ScreenService/Connect", "GuestService/Info", "ImageService/List",
		"ImageService/Catalogue", "NetworkService/List", "NetworkService/Get", "NetworkService/Leases",
		"NetworkService/Cards", "DeviceService/List", "ForwardService/List", "StorageService/Pools", "StorageService/Volumes",
		"MeterService/History", "MeterService/Watch", "BackupService/List", "BackupService/Kept"},
	fusion.ControlCap: {"MachineService/Do", "HardwareService/Save", "GuestService/Exec", "ComputerService/SendWake"},
	fusion.MachinesCap: {"MachineService/Do", "HardwareService/Save", "MachineService/Create", "MachineService/Remove", "MachineService/TakeSnapshot",
		"MachineService/RevertSnapshot", "MachineService/RemoveSnapshot", "HardwareService/Change",
		"HardwareService/Label", "HardwareService/Rename", "JobService/Cancel", "ImageService/Fetch",
		"ImageService/Remove", "CopyService/Clone", "CopyService/SetTemplate",
		"ComputerService/Resources", "MeterService/Keep", "BackupService/Take", "BackupService/Restore",
		"BackupService/Verify", "BackupService/Remove", "BackupService/SetSchedule"},
	fusion.AppsCap:       {"AppService/List", "AppService/Icon", "AppService/Run", "AppService/End"},
	fusion.FilesCap:      {"FolderService/List", "FolderService/Get"},
	fusion.TunnelCap:     {},
	fusion.MeshCap:       {},
	fusion.MicrophoneCap: {},
	fusion.AdminCap: {"CopyService/Export", "NodeService/Doctor", "MachineService/Migrate", "MachineService/CheckMigrate",
		"MachineService/ExamineMove", "MachineService/PrepareMove",
		"MachineService/SettleMove", "MachineService/CheckMove", "FolderService/Add", "FolderService/Share",
		"FolderService/Remove", "NetworkService/Create", "NetworkService/Remove", "NetworkService/Start",
		"NetworkService/Stop", "ForwardService/Add", "ForwardService/Remove", "StorageService/CreateVolume",
		"StorageService/GrowVolume", "StorageService/RemoveVolume", "CopyService/Deploy", "CopyService/DeployImage", "ComputerService/SetRoles",
		"AuditService/List", "AuditService/Follow", "AuditService/Verify", "AuditService/Live", "AuditService/End",
		"NetBootService/Show", "NetBootService/Switch", "NetBootService/Install", "NetBootService/Forget",
		"MeshService/Status", "MeshService/Up", "MeshService/Down",
		"TunnelService/List", "TunnelService/Add", "TunnelService/Remove", "TunnelService/Limit", "TunnelService/History", "TunnelService/Watch"},
}

func (r rpc) allowedBy(grant fusion.Capability) bool {
	has := func(c fusion.Capability) bool { return slices.Contains(allowed[c], r.procedure[len("/hither.v1."):]) }
	switch grant {
	case fusion.AdminCap:
		return slices.ContainsFunc(fusion.Capabilities, has)
	case fusion.ControlCap, fusion.MachinesCap, fusion.AppsCap:
		return has(grant) || has(fusion.ViewCap)
	}
	return has(grant)
}

func TestEachGrantAllowsItsOwn(t *testing.T) {
	s := newScene(t)
	dial := s.peer("laptop")
	web := plain(dial)
	for _, grant := range fusion.Capabilities {
		s.node.grant("laptop", grant)
		for _, r := range rpcs(t) {
			if methods[r.procedure].open {
				continue
			}
			err := r.call(t.Context(), web)
			refused := errors.Is(err, fusion.ErrPermission) || errors.Is(err, fusion.ErrUnpaired)
			if refused == r.allowedBy(grant) {
				t.Errorf("%s with %s: got %v", r.procedure, grant, err)
			}
			if refused && fusion.Hint(err) == "" {
				t.Errorf("%s with %s: %v has no hint", r.procedure, grant, err)
			}
		}
		open := paths(t, dial)
		sees := grant != fusion.FilesCap && grant != fusion.TunnelCap && grant != fusion.MeshCap && grant != fusion.MicrophoneCap
		if err := open[screenPath]; errors.Is(err, fusion.ErrPermission) == sees {
			t.Errorf("screen with %s: got %v", grant, err)
		}
		makes := grant == fusion.MachinesCap || grant == fusion.AdminCap
		if err := open[imagesPath]; errors.Is(err, fusion.ErrPermission) == makes {
			t.Errorf("image with %s: got %v", grant, err)
		}
		if err := open["GET /images"]; errors.Is(err, fusion.ErrPermission) == makes {
			t.Errorf("the bytes of an image with %s: got %v", grant, err)
		}
		if err := open[copiesPath]; errors.Is(err, fusion.ErrPermission) == makes {
			t.Errorf("import with %s: got %v", grant, err)
		}
		if err := open[handoverPath]; errors.Is(err, fusion.ErrPermission) == (grant == fusion.AdminCap) {
			t.Errorf("handover with %s: got %v", grant, err)
		}
	}
	s.node.grant("laptop", fusion.AppsCap, fusion.ControlCap)
	if err := handOver(t.Context(), hostOf(dial, "").Apps()); err != nil {
		t.Errorf("handover with apps and control: got %v", err)
	}
}

func TestTheOwnerMayDoEverything(t *testing.T) {
	s := newScene(t)
	if err := s.node.audit.Record(audit.Record{What: "test", Result: audit.OK}, false); err != nil { // what Follow begins with
		t.Fatal(err)
	}
	dial := s.owner()
	web := plain(dial)
	for _, r := range rpcs(t) {
		err := r.call(t.Context(), web)
		if errors.Is(err, fusion.ErrPermission) || errors.Is(err, fusion.ErrUnpaired) && !methods[r.procedure].open {
			t.Errorf("%s: got %v", r.procedure, err)
		}
	}
	for what, err := range paths(t, dial) {
		if err != nil {
			t.Errorf("%s: got %v", what, err)
		}
	}
}
