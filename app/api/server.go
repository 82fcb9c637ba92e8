package api

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"connectrpc.com/connect"

	"hither/app/asks"
	"hither/app/audit"
	"hither/app/jobs"
	"hither/app/lend"
	"hither/fusion"
	"hither/mirror/rtc"
	pb "hither/proto/hither/v1"
	v1 "hither/proto/hither/v1/hitherv1connect"
)

// Node is what the server needs of the node it stands in.
type Node interface {
	Name() string
	// Resolve gives a host by name or ID; "" is this computer.
	Resolve(name string) (fusion.Host, fusion.HostInfo, error)
	// HostName gives the name of a host's ID, or the ID itself.
	HostName(id fusion.HostID) string
	// Hosts lists this computer first, then the paired ones by name.
	Hosts() []fusion.HostInfo
	// Watch is fusion.Host.Watch over one host's events, or all for "".
	Watch(ctx context.Context, host fusion.HostID) iter.Seq2[fusion.Event, error]
	// Grants gives what a key may do here now; false: it is not paired.
	Grants(peer fusion.HostID) ([]fusion.Grant, bool)
	// Shown gives a grant with the names that its object has now, for people.
	Shown(g fusion.Grant) fusion.Grant
	Status() *pb.StatusResponse
	Doctor(ctx context.Context) []*pb.Check
	// Stop ends the node soon after it returns.
	Stop(machines bool)
	// Audit is what other computers did and have open here.
	Audit() *audit.Log
	// Asks keeps what other computers were refused here.
	Asks() *asks.Book
	// Jobs keeps the calls that take long.
	Jobs() *jobs.Registry
	// TURN gives the servers by which other nodes find this one through NATs.
	TURN(ctx context.Context) []rtc.Server
	Pairing
	Inviting
	Desk
	Moving
	Computers
}

// Pairing is how computers come and go.
type Pairing interface {
	Offer(ctx context.Context, grants []fusion.Grant) (Offer, error)
	Join(ctx context.Context, code, addr string, grants []fusion.Grant) (fusion.HostInfo, error)
	Forget(ctx context.Context, host fusion.HostID) error
	Grant(ctx context.Context, host fusion.HostID, grants []fusion.Grant) (fusion.HostInfo, error)
	Nearby() []*pb.NearbyHost
}

// Desk is the owner's own desktop on this computer: its menu and its files.
type Desk interface {
	// Install puts apps of another host's machine into the menu, all of them
	// for none, and gives their IDs.
	Install(ctx context.Context, host, machine string, apps []string, language string) ([]string, error)
	// Uninstall takes apps out of the menu, all of the machine's for none, and
	// gives those that were there.
	Uninstall(ctx context.Context, host, machine string, apps []string) ([]string, error)
	// Installed gives the IDs of a machine's apps that are in the menu.
	Installed(host fusion.HostID, machine string) map[string]bool
	// Open runs an app with files of this computer and calls tell with what
	// happens until all files are back or ctx ends.
	Open(ctx context.Context, host, machine, app string, files []string, tell func(Opening)) error
}

// Opening is one step of Desk.Open; one of its parts is set.
type Opening struct {
	// Progress of a file, in bytes.
	File        string
	Sent, Total int64
	Screen      *fusion.Screen
	Note        *lend.Note
}

// Offer is an open pairing code.
type Offer interface {
	Code() (code, addr string, expires time.Time)
	// Through gives HOST:PORT of a router that finds it, and that router's name.
	Through() (at, router string)
	// Wait returns the paired host, or why there is none. Cancelling ctx
	// withdraws the code.
	Wait(ctx context.Context) (fusion.HostInfo, error)
}

// Server serves the API on any number of listeners.
type Server struct {
	node   Node
	log    *slog.Logger
	page   fs.FS
	tokens tokens
	views  views
	calls  calls
	ready  exports
	// datagrams carries the views that datagrams reach.
	datagrams *rtc.Gateway
	mux       *http.ServeMux
	door      *door // before mux
	// ctx is every request's; it ends when Close begins.
	ctx    context.Context
	cancel context.CancelFunc
	// mu guards the fields below.
	mu      sync.Mutex
	servers []*http.Server
	origins []string // of the web listener: exact values of Origin
	web     string   // the web listener's HOST:PORT
	done    sync.WaitGroup
}

// maxRequest bounds a request's message; an SDP offer is the largest.
const maxRequest = 1 << 20

// New makes a server. page is the built frontend.
func New(node Node, page fs.FS, log *slog.Logger) *Server {
	s := &Server{node: node, log: log, page: page, mux: http.NewServeMux(), datagrams: rtc.NewGateway(rtc.Config{Log: log, Servers: node.TURN})}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	options := []connect.HandlerOption{connect.WithInterceptors(guard{s}, long{s}), connect.WithReadMaxBytes(maxRequest)}
	s.door = &door{s: s, calls: s.mux, write: connect.NewErrorWriter(options...), all: map[fusion.HostID]*under{}}
	s.mux.Handle(v1.NewNodeServiceHandler(nodeService{s: s}, options...))
	s.mux.Handle(v1.NewHostServiceHandler(hostService{s: s}, options...))
	s.mux.Handle(v1.NewMachineServiceHandler(machineService{s: s}, options...))
	s.mux.Handle(v1.NewHardwareServiceHandler(hardwareService{s: s}, options...))
	s.mux.Handle(v1.NewCopyServiceHandler(copyService{s: s}, options...))
	s.mux.Handle(v1.NewBackupServiceHandler(backupService{s: s}, options...))
	s.mux.Handle(v1.NewScreenServiceHandler(screenService{s: s}, options...))
	s.mux.Handle(v1.NewAppServiceHandler(appService{s: s}, options...))
	s.mux.Handle(v1.NewFolderServiceHandler(folderService{s: s}, options...))
	s.mux.Handle(v1.NewJobServiceHandler(jobService{s: s}, options...))
	s.mux.Handle(v1.NewGuestServiceHandler(guestService{s: s}, options...))
	s.mux.Handle(v1.NewImageServiceHandler(imageService{s: s}, options...))
	s.mux.Handle(v1.NewNetworkServiceHandler(networkService{s: s}, options...))
	s.mux.Handle(v1.NewForwardServiceHandler(forwardService{s: s}, options...))
	s.mux.Handle(v1.NewTunnelServiceHandler(tunnelService{s: s}, options...))
	s.mux.Handle(v1.NewMeshServiceHandler(meshService{s: s}, options...))
	s.mux.Handle(v1.NewStorageServiceHandler(storageService{s: s}, options...))
	s.mux.Handle(v1.NewDeviceServiceHandler(deviceService{s: s}, options...))
	s.mux.Handle(v1.NewNetBootServiceHandler(netBootService{s: s}, options...))
	s.mux.Handle(v1.NewComputerServiceHandler(computerService{s: s}, options...))
	s.mux.Handle(v1.NewAuditServiceHandler(auditService{s: s}, options...))
	s.mux.Handle(v1.NewMeterServiceHandler(meterService{s: s}, options...))
	s.mux.Handle(v1.NewInviteServiceHandler(inviteService{s: s}, options...))
	s.mux.HandleFunc("GET "+screenPath, s.upgradeScreen)
	s.mux.HandleFunc("GET "+terminalPath, s.upgradeTerminal)
	s.mux.HandleFunc("GET "+guestFilesPath+"{machine}", s.readGuestFile)
	s.mux.HandleFunc("PUT "+guestFilesPath+"{machine}", s.writeGuestFile)
	s.mux.HandleFunc("PUT "+imagesPath+"{name...}", s.putImage)
	s.mux.HandleFunc("GET "+imagesPath+"{sum...}", s.getImage)
	s.mux.HandleFunc("POST "+copiesPath, s.importMachine)
	s.mux.HandleFunc("GET "+copiesPath+"{ticket}", s.sendExport)
	s.mux.HandleFunc("DELETE "+copiesPath+"{ticket}", s.dropExport)
	s.mux.HandleFunc("POST "+handoverPath, s.handFile)
	s.mux.HandleFunc("GET "+handoverPath+"{file}", s.takeFile)
	s.mux.HandleFunc("DELETE "+handoverPath+"{file}", s.dropFile)
	return s
}

// ServeUnix serves the owner's programs on a unix socket.
func (s *Server) ServeUnix(l net.Listener) {
	s.serve(l, s.door, func(ctx context.Context, conn net.Conn) context.Context {
		if ownerConn(conn) {
			return withCaller(ctx, Caller{Owner: true})
		}
		return ctx
	})
}

// ServePeers serves other computers; the listener's connections say whose.
func (s *Server) ServePeers(l net.Listener) {
	s.serve(oneCall{l}, s.door, func(ctx context.Context, conn net.Conn) context.Context {
		if from := conn.(*callConn).Peer(); from != "" {
			return withCaller(ctx, Caller{Peer: from})
		}
		return ctx
	})
}

// serve runs an HTTP server until Close. It answers HTTP/1.1 only, so that an
// upgrade can take the connection over.
func (s *Server) serve(l net.Listener, handler http.Handler, with func(context.Context, net.Conn) context.Context) {
	server := &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return s.ctx },
		ConnContext:       with,
		ReadHeaderTimeout: 20 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	s.mu.Lock()
	s.servers = append(s.servers, server)
	s.mu.Unlock()
	s.done.Go(func() {
		if err := server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("a listener ended", "addr", l.Addr().String(), "err", err)
		}
	})
}

// closeGrace lets answers that are being written reach their callers, the one
// to Down among them.
const closeGrace = time.Second

// Close ends all listeners, calls and views, and waits for them.
func (s *Server) Close() {
	s.cancel()
	s.mu.Lock()
	servers := s.servers
	s.servers = nil
	s.mu.Unlock()
	grace, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	for _, server := range servers {
		if err := errors.Join(server.Shutdown(grace), server.Close()); err != nil {
			s.log.Debug("close", "err", err)
		}
	}
	s.views.closeAll()
	s.ready.closeAll(s.log)
	if err := s.datagrams.Close(); err != nil {
		s.log.Debug("close", "err", err)
	}
	s.done.Wait()
}
