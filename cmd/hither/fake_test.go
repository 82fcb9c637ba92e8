package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	"hither/app/convert"
	"hither/app/home"
	"hither/fusion"
	"hither/fusion/hosttest"
	pb "hither/proto/hither/v1"
	"hither/proto/hither/v1/hitherv1connect"
)

// fake is a node that answers from memory: "desk" is here, "nas" is paired and
// online, "lap" is paired and away.
type fake struct {
	hitherv1connect.UnimplementedNodeServiceHandler
	hitherv1connect.UnimplementedHostServiceHandler
	home home.Home
	stop func()
	// screen answers GET /screen, and ended gets what Apps.End is asked for.
	screen http.HandlerFunc
	ended  chan string

	mu       sync.Mutex // guards the fields below
	hosts    []*pb.Host
	machines map[string][]*pb.Machine // by host
	images   map[string]string
	folders  []*pb.Folder
	guests   fusion.Host      // has the consoles and guests of nas
	kept     []*pb.Snapshot   // of nas/win11
	memory   *hosttest.Memory // nas's networks, forwards and storage
	cut      bool             // an exported file was cut off once
	placed   map[string]bool  // keys
}

func newFake(h home.Home) *fake {
	return &fake{
		home:  h,
		ended: make(chan string, 1),
		hosts: []*pb.Host{
			{Id: "12D3desk", Name: "desk", Online: true, Local: true, Os: "Debian", Fingerprint: "aaaa-bbbb"},
			{Id: "12D3nas", Name: "nas", Online: true, Path: "direct", Color: 1, Grants: []string{"admin"}, Fingerprint: "cccc-dddd"},
			{Id: "12D3lap", Name: "lap", Color: 2, Away: "asleep", Cards: []*pb.Card{{Name: "eth0", Mac: "52:54:00:00:00:01", Nets: []string{"192.0.2.9/24"}, Wake: "off"}}, LastSeen: timestamppb.New(time.Now().Add(-2*time.Hour - time.Minute))},
		},
		machines: map[string][]*pb.Machine{
			"desk": {{Name: "self", Kind: "self", State: "running", Cpus: 4, MemoryBytes: 8 << 30, Os: "Debian"}},
			"nas": {
				{Name: "self", Kind: "self", State: "running", Cpus: 2, MemoryBytes: 4 << 30, Verbs: []string{"sleep", "stop"},
					Cannot: []*pb.Refusal{{Verb: "reboot", Reason: "its hardware cannot do that"}}},
				{Name: "win11", Kind: "vm", State: "off", Cpus: 2, MemoryBytes: 3 << 29, Verbs: []string{"start"}},
				{Name: "My-VM-0123abcd", OriginalName: "My VM (test)", Kind: "vm", State: "off", Cpus: 1, MemoryBytes: 1 << 30, Verbs: []string{"start"}},
			},
		},
		guests: newGuests(),
		placed: map[string]bool{},
		images: map[string]string{"there.iso": "old", "other.iso": "old"},
		memory: newFakeMemory(),
	}
}

func (f *fake) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(hitherv1connect.NewNodeServiceHandler(f))
	mux.Handle(hitherv1connect.NewHostServiceHandler(fakeHosts{fake: f}))
	mux.Handle(hitherv1connect.NewMachineServiceHandler(fakeMachines{fake: f}))
	mux.Handle(hitherv1connect.NewHardwareServiceHandler(fakeHardware{fake: f}))
	mux.Handle(hitherv1connect.NewCopyServiceHandler(fakeCopies{fake: f}))
	mux.Handle(hitherv1connect.NewBackupServiceHandler(fakeBackups{fake: f}))
	mux.HandleFunc("GET /copies/{ticket}", f.exported)
	mux.HandleFunc("DELETE /copies/{ticket}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("POST /copies/", f.imported)
	mux.Handle(hitherv1connect.NewScreenServiceHandler(fakeScreens{fake: f}))
	mux.Handle(hitherv1connect.NewAppServiceHandler(fakeApps{fake: f}))
	mux.Handle(hitherv1connect.NewFolderServiceHandler(fakeFolders{fake: f}))
	mux.Handle(hitherv1connect.NewJobServiceHandler(fakeJobs{fake: f}))
	f.addGuests(mux)
	mux.Handle(hitherv1connect.NewImageServiceHandler(fakeImages{fake: f}))
	mux.Handle(hitherv1connect.NewNetworkServiceHandler(fakeNetworks{fake: f}))
	mux.Handle(hitherv1connect.NewTunnelServiceHandler(fakeTunnels{fake: f}))
	mux.Handle(hitherv1connect.NewMeshServiceHandler(fakeMesh{f}))
	mux.Handle(hitherv1connect.NewForwardServiceHandler(fakeForwards{fake: f}))
	mux.Handle(hitherv1connect.NewStorageServiceHandler(fakeStorage{fake: f}))
	mux.Handle(hitherv1connect.NewDeviceServiceHandler(fakeDevices{fake: f}))
	mux.Handle(hitherv1connect.NewNetBootServiceHandler(fakeNetBoot{fake: f}))
	mux.Handle(hitherv1connect.NewComputerServiceHandler(fakeComputers{fake: f}))
	mux.Handle(hitherv1connect.NewAuditServiceHandler(fakeAudits{}))
	mux.Handle(hitherv1connect.NewInviteServiceHandler(fakeInvites{fake: f}))
	mux.Handle(hitherv1connect.NewMeterServiceHandler(fakeMeters{fake: f}))
	if f.screen != nil {
		mux.HandleFunc("GET /screen", f.screen)
	}
	mux.HandleFunc("PUT /images/{name}", f.upload)
	return mux
}

func answer[T any](message *T) (*connect.Response[T], error) {
	return connect.NewResponse(message), nil
}

func refuse[T any](cause error, path, hint string) (*connect.Response[T], error) {
	return nil, convert.ErrorToPB(&fusion.Error{Op: "fake", Path: path, Cause: cause, Hint: hint})
}

// host finds a host that can be asked.
func (f *fake) host(name string) (string, error) {
	if name == "" {
		return "desk", nil
	}
	for _, h := range f.hosts {
		if h.Name != name && h.Id != name {
			continue
		}
		if !h.Online {
			return "", convert.ErrorToPB(&fusion.Error{Op: "fake", Path: name, Cause: fusion.ErrOffline, Hint: "wake it"})
		}
		return h.Name, nil
	}
	return "", convert.ErrorToPB(&fusion.Error{Op: "fake", Path: name, Cause: fusion.ErrNotFound, Hint: "hither host ls"})
}

func (f *fake) Status(context.Context, *connect.Request[pb.StatusRequest]) (*connect.Response[pb.StatusResponse], error) {
	return answer(&pb.StatusResponse{Id: "12D3desk", Name: "desk", Home: f.home.Dir, ApiSocket: f.home.Socket(),
		WebUrl: "http://127.0.0.1:7", Version: "1", Peers: f.hosts[1:]})
}

func (f *fake) Doctor(context.Context, *connect.Request[pb.DoctorRequest]) (*connect.Response[pb.DoctorResponse], error) {
	return answer(&pb.DoctorResponse{Checks: []*pb.Check{
		{Name: "node", State: "ok", Text: "it runs"},
		{Name: "libvirt", State: "bad", Text: "it is not installed", Hint: "apt install libvirt-daemon"},
	}})
}

func (f *fake) Info(_ context.Context, req *connect.Request[pb.InfoRequest]) (*connect.Response[pb.Host], error) {
	name, err := f.host(req.Msg.Host)
	if err != nil {
		return nil, err
	}
	return answer(f.hosts[slices.IndexFunc(f.hosts, func(h *pb.Host) bool { return h.Name == name })])
}

func (f *fake) WebToken(context.Context, *connect.Request[pb.WebTokenRequest]) (*connect.Response[pb.WebTokenResponse], error) {
	return answer(&pb.WebTokenResponse{Url: "http://127.0.0.1:7/#token=once", Token: "once"})
}

func (f *fake) Down(context.Context, *connect.Request[pb.DownRequest]) (*connect.Response[pb.DownResponse], error) {
	f.stop()
	return answer(&pb.DownResponse{})
}

// upload is PUT /images/NAME.
func (f *fake) upload(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if old, there := f.images[name]; there {
		text, err := protojson.Marshal(convert.Describe(&fusion.Error{Op: "machine.upload", Path: name, Cause: fusion.ErrExists,
			Detail: fmt.Sprintf("it has %d bytes", len(old))}))
		if err != nil {
			panic(err)
		}
		w.WriteHeader(http.StatusConflict)
		_, _ = w.Write(text) // the client may be gone
		return
	}
	f.images[name] = string(body)
}

type fakeHosts struct {
	hitherv1connect.UnimplementedHostServiceHandler
	*fake
}

func (f fakeHosts) List(context.Context, *connect.Request[pb.HostListRequest]) (*connect.Response[pb.HostListResponse], error) {
	return answer(&pb.HostListResponse{Hosts: f.hosts})
}

// Offer pairs at once with "new".
func (f fakeHosts) Offer(_ context.Context, _ *connect.Request[pb.OfferRequest], out *connect.ServerStream[pb.OfferResponse]) error {
	err := out.Send(&pb.OfferResponse{Code: "4711-apple-river-stone", Addr: "/ip4/127.0.0.1/tcp/9/p2p/12D3desk",
		Expires: timestamppb.New(time.Now().Add(10 * time.Minute))})
	return errors.Join(err, out.Send(&pb.OfferResponse{Host: &pb.Host{Id: "12D3new", Name: "new\x1b[31m", Online: true, Fingerprint: "eeee"}}))
}

func (f fakeHosts) Join(_ context.Context, req *connect.Request[pb.JoinRequest]) (*connect.Response[pb.Host], error) {
	if req.Msg.Code != "4711-apple-river-stone" {
		return refuse[pb.Host](fusion.ErrPermission, "4711", "read the code again")
	}
	return answer(&pb.Host{Id: "12D3new", Name: "new", Online: true, Fingerprint: "eeee"})
}

func (f fakeHosts) Forget(_ context.Context, req *connect.Request[pb.HostForgetRequest]) (*connect.Response[pb.HostForgetResponse], error) {
	if _, err := f.host(req.Msg.Host); err != nil {
		return nil, err
	}
	return answer(&pb.HostForgetResponse{})
}

func (f fakeHosts) Grant(_ context.Context, req *connect.Request[pb.HostGrantRequest]) (*connect.Response[pb.Host], error) {
	name, err := f.host(req.Msg.Host)
	if err != nil {
		return nil, err
	}
	return answer(&pb.Host{Id: "12D3" + name, Name: name, Online: true, Grants: req.Msg.Grants})
}

type fakeMachines struct {
	hitherv1connect.UnimplementedMachineServiceHandler
	*fake
}

func (f fakeMachines) find(host, name string) (*pb.Machine, error) {
	h, err := f.host(host)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if name == "refuses" && !slices.ContainsFunc(f.machines[h], func(m *pb.Machine) bool { return m.Name == name }) {
		f.machines[h] = append(f.machines[h], &pb.Machine{Name: name, Kind: "vm", State: "running"}) // for who asks for it
	}
	for _, m := range f.machines[h] {
		if m.Name == name {
			return m, nil
		}
	}
	return nil, convert.ErrorToPB(&fusion.Error{Op: "machine", Path: h + "/" + name, Cause: fusion.ErrNotFound, Hint: "hither machine ls"})
}

func (f fakeMachines) List(_ context.Context, req *connect.Request[pb.MachineListRequest]) (*connect.Response[pb.MachineListResponse], error) {
	h, err := f.host(req.Msg.Host)
	if err != nil {
		return nil, err
	}
	return answer(&pb.MachineListResponse{Machines: f.machines[h]})
}

func (f fakeMachines) Get(_ context.Context, req *connect.Request[pb.MachineGetRequest]) (*connect.Response[pb.Machine], error) {
	m, err := f.find(req.Msg.Host, req.Msg.Name)
	if err != nil {
		return nil, err
	}
	return answer(m)
}

func (f fakeMachines) Create(_ context.Context, req *connect.Request[pb.MachineCreateRequest]) (*connect.Response[pb.Machine], error) {
	h, err := f.host(req.Msg.Host)
	if err != nil {
		return nil, err
	}
	r := req.Msg
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, image := range []string{r.Iso, r.Image} {
		if _, there := f.images[image]; image != "" && !there && !fusion.IsURL(image) && image != "debian-13" {
			return refuse[pb.Machine](fusion.ErrNotFound, image, "upload it")
		}
	}
	m := &pb.Machine{Address: h + "/" + r.Name, Host: h, Name: r.Name, Kind: "vm", State: "off", Cpus: r.Cpus, MemoryBytes: r.MemoryBytes,
		Disks: []*pb.Disk{{Name: "vda", TotalBytes: r.DiskBytes}}, Note: fmt.Sprintf("iso %q image %q start %v", f.images[r.Iso], f.images[r.Image], r.Start) + seedText(r.Seed)}
	f.machines[h] = append(f.machines[h], m)
	return answer(m)
}

func (f fakeMachines) Do(_ context.Context, req *connect.Request[pb.MachineDoRequest]) (*connect.Response[pb.MachineDoResponse], error) {
	m, err := f.find(req.Msg.Host, req.Msg.Name)
	if err != nil {
		return nil, err
	}
	if m.Name == "refuses" {
		return refuse[pb.MachineDoResponse](fusion.ErrInvalid, "nas/refuses: it never reboots", "let it be")
	}
	if m.Name == "self" && !slices.Contains(m.Verbs, req.Msg.Verb) {
		return refuse[pb.MachineDoResponse](fusion.ErrPermission, m.Name+"/"+req.Msg.Verb, "")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	m.State = "running" // also after "stop": its system takes its time
	if req.Msg.Verb == string(fusion.ForceOff) {
		m.State = "off"
	}
	m.Note = "last verb " + req.Msg.Verb
	return answer(&pb.MachineDoResponse{})
}

func (f fakeMachines) Remove(_ context.Context, req *connect.Request[pb.MachineRemoveRequest]) (*connect.Response[pb.MachineRemoveResponse], error) {
	m, err := f.find(req.Msg.Host, req.Msg.Name)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for h, list := range f.machines {
		f.machines[h] = slices.DeleteFunc(list, func(o *pb.Machine) bool { return o == m })
	}
	return answer(&pb.MachineRemoveResponse{})
}

func (f fakeMachines) Screenshot(_ context.Context, req *connect.Request[pb.MachineScreenshotRequest]) (*connect.Response[pb.MachineScreenshotResponse], error) {
	if _, err := f.find(req.Msg.Host, req.Msg.Name); err != nil {
		return nil, err
	}
	return answer(&pb.MachineScreenshotResponse{Png: []byte("\x89PNG fake")})
}

func (f fakeMachines) Stats(context.Context, *connect.Request[pb.MachineStatsRequest]) (*connect.Response[pb.MachineStatsResponse], error) {
	return answer(&pb.MachineStatsResponse{Stats: []*pb.Stats{{Name: "self", CpuSeconds: 90.5, Cpus: 2, MemoryBytes: 4 << 30, MemoryUsedBytes: 1 << 30, Load: 0.5}}})
}

type fakeScreens struct {
	hitherv1connect.UnimplementedScreenServiceHandler
	*fake
}

func (f fakeScreens) List(_ context.Context, req *connect.Request[pb.ScreenListRequest]) (*connect.Response[pb.ScreenListResponse], error) {
	m := req.Msg.Machine
	list := []*pb.Screen{{Name: m, Machine: m, Kind: "console", Title: m, Width: 720, Height: 400}}
	if m == "self" {
		list = []*pb.Screen{{Name: m, Machine: m, Kind: "monitor", Title: "nas"},
			{Name: m + "/HDMI-1", Machine: m, Kind: "monitor", Title: "HDMI-1, 1920×1080, primary", Width: 1920, Height: 1080},
			{Name: m + "/DP-2", Machine: m, Kind: "monitor", Title: "DP-2, 1280×1024", Width: 1280, Height: 1024}}
	}
	return answer(&pb.ScreenListResponse{Screens: append(list,
		&pb.Screen{Name: m + "/xterm-1", Machine: m, Kind: "app", Title: "xterm", Width: 640, Height: 480, App: "xterm"})})
}

type fakeApps struct {
	hitherv1connect.UnimplementedAppServiceHandler
	*fake
}

func (f fakeApps) List(_ context.Context, req *connect.Request[pb.AppListRequest]) (*connect.Response[pb.AppListResponse], error) {
	return answer(&pb.AppListResponse{Apps: []*pb.App{{Id: "xterm", Name: "Terminal " + req.Msg.Language, Machine: req.Msg.Machine, Installed: req.Msg.Host == "nas"}}})
}

func (f fakeApps) Run(_ context.Context, req *connect.Request[pb.AppRunRequest]) (*connect.Response[pb.Screen], error) {
	if req.Msg.App != "xterm" {
		return refuse[pb.Screen](fusion.ErrNotFound, req.Msg.App, "hither app ls "+req.Msg.Machine)
	}
	return answer(&pb.Screen{Name: req.Msg.Machine + "/xterm-2", Machine: req.Msg.Machine, Kind: "app", App: "xterm", Title: strings.Join(req.Msg.Files, ",")})
}

func (f fakeApps) End(_ context.Context, req *connect.Request[pb.AppEndRequest]) (*connect.Response[pb.AppEndResponse], error) {
	if strings.HasSuffix(req.Msg.Screen, "/none") {
		return refuse[pb.AppEndResponse](fusion.ErrNotFound, req.Msg.Screen, "hither screen ls")
	}
	f.ended <- req.Msg.Host + " " + req.Msg.Screen
	return answer(&pb.AppEndResponse{})
}

func (f fakeApps) Install(_ context.Context, req *connect.Request[pb.AppInstallRequest]) (*connect.Response[pb.AppInstallResponse], error) {
	return f.Uninstall(context.Background(), req)
}

func (f fakeApps) Uninstall(_ context.Context, req *connect.Request[pb.AppInstallRequest]) (*connect.Response[pb.AppInstallResponse], error) {
	if req.Msg.All {
		return answer(&pb.AppInstallResponse{Apps: []string{"xcalc", "xterm"}})
	}
	if req.Msg.Apps[0] == "nothing" {
		return refuse[pb.AppInstallResponse](fusion.ErrNotFound, req.Msg.Apps[0], "hither app ls "+req.Msg.Machine)
	}
	return answer(&pb.AppInstallResponse{Apps: req.Msg.Apps})
}

func (f fakeApps) Open(_ context.Context, req *connect.Request[pb.AppOpenRequest], stream *connect.ServerStream[pb.AppOpenEvent]) error {
	screen, err := f.Run(context.Background(), connect.NewRequest(&pb.AppRunRequest{Host: req.Msg.Host, Machine: req.Msg.Machine, App: req.Msg.App, Files: req.Msg.Files}))
	if err != nil {
		return err
	}
	return errors.Join(stream.Send(&pb.AppOpenEvent{File: req.Msg.Files[0], Sent: 1, Total: 2}), stream.Send(&pb.AppOpenEvent{Screen: screen.Msg}))
}

type fakeFolders struct {
	hitherv1connect.UnimplementedFolderServiceHandler
	*fake
}

func (f fakeFolders) List(context.Context, *connect.Request[pb.FolderListRequest]) (*connect.Response[pb.FolderListResponse], error) {
	return answer(&pb.FolderListResponse{Folders: f.folders})
}

func (f fakeFolders) Get(_ context.Context, req *connect.Request[pb.FolderGetRequest]) (*connect.Response[pb.Folder], error) {
	for _, folder := range f.folders {
		if folder.Name == req.Msg.Name {
			return answer(folder)
		}
	}
	return refuse[pb.Folder](fusion.ErrNotFound, req.Msg.Name, "hither folder ls")
}

func (f fakeFolders) Add(_ context.Context, req *connect.Request[pb.FolderAddRequest]) (*connect.Response[pb.Folder], error) {
	folder := &pb.Folder{Name: req.Msg.Name, Path: req.Msg.Path, State: "idle", GlobalBytes: 2048, NeedBytes: 1024, GlobalFiles: 2, NeedFiles: 1}
	f.fake.folders = append(f.folders, folder)
	return answer(folder)
}

func (f fakeFolders) Share(_ context.Context, req *connect.Request[pb.FolderShareRequest]) (*connect.Response[pb.FolderShareResponse], error) {
	if req.Msg.With != "nas" {
		return refuse[pb.FolderShareResponse](fusion.ErrUnpaired, req.Msg.With, "pair first")
	}
	f.folders[0].Hosts = append(f.folders[0].Hosts, req.Msg.With)
	return answer(&pb.FolderShareResponse{})
}

func (f fakeFolders) Remove(_ context.Context, req *connect.Request[pb.FolderRemoveRequest]) (*connect.Response[pb.FolderRemoveResponse], error) {
	f.fake.folders = slices.DeleteFunc(f.folders, func(o *pb.Folder) bool { return o.Name == req.Msg.Name })
	return answer(&pb.FolderRemoveResponse{})
}
