package api

import (
	"context"
	"iter"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"hither/app/asks"
	"hither/app/audit"
	"hither/app/client"
	"hither/app/invite"
	"hither/app/jobs"
	"hither/fusion"
	"hither/fusion/hosttest"
	"hither/mirror/rtc"
	pb "hither/proto/hither/v1"

	"log/slog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of a test; it is long for loaded machines.
const patience = 30 * time.Second

// fakeNode is the computer "cloud"; it is paired with "nas", which is in memory
// too.
type fakeNode struct {
	asks      asks.Book
	host, nas fusion.Host
	jobs      *jobs.Registry
	audit     *audit.Log

	mu     sync.Mutex // guards the fields below
	grants map[fusion.HostID][]fusion.Grant
	went   []string // what Going was told
}

var _ Node = (*fakeNode)(nil)

func (n *fakeNode) Name() string { return "cloud" }

func (n *fakeNode) TURN(context.Context) []rtc.Server { return nil }

func (n *fakeNode) Resolve(name string) (fusion.Host, fusion.HostInfo, error) {
	switch name {
	case "", "cloud", "id-cloud":
		return n.host, fusion.HostInfo{ID: "id-cloud", Name: "cloud", Local: true}, nil
	case "nas", "id-nas":
		return n.nas, fusion.HostInfo{ID: "id-nas", Name: "nas"}, nil
	}
	return nil, fusion.HostInfo{}, &fusion.Error{Op: "host", Path: name, Cause: fusion.ErrNotFound, Hint: "hither host ls"}
}

func (n *fakeNode) HostName(id fusion.HostID) string {
	if id == "id-nas" {
		return "nas"
	}
	return string(id)
}

func (n *fakeNode) Hosts() []fusion.HostInfo { return nil }

func (n *fakeNode) Watch(ctx context.Context, _ fusion.HostID) iter.Seq2[fusion.Event, error] {
	return n.host.Watch(ctx)
}

func (n *fakeNode) grant(peer fusion.HostID, grants ...fusion.Capability) {
	n.grantAll(peer, fusion.Whole(grants...))
}

func (n *fakeNode) grantAll(peer fusion.HostID, grants []fusion.Grant) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.grants[peer] = grants
}

func (n *fakeNode) Shown(g fusion.Grant) fusion.Grant {
	g.Object = strings.Replace(g.Object, "memory-", "", 1) // the UUIDs of hosttest
	return g
}

func (n *fakeNode) Grants(peer fusion.HostID) ([]fusion.Grant, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	grants, paired := n.grants[peer]
	return grants, paired
}

func (n *fakeNode) Status() *pb.StatusResponse                  { return &pb.StatusResponse{Name: "cloud"} }
func (n *fakeNode) Doctor(context.Context) []*pb.Check          { return nil }
func (n *fakeNode) Asks() *asks.Book                            { return &n.asks }
func (n *fakeNode) Audit() *audit.Log                           { return n.audit }
func (n *fakeNode) Jobs() *jobs.Registry                        { return n.jobs }
func (n *fakeNode) Invites() *invite.Inviter                    { return invite.New(invite.Config{}) }
func (n *fakeNode) Stop(bool)                                   {}
func (n *fakeNode) Nearby() []*pb.NearbyHost                    { return nil }
func (n *fakeNode) Forget(context.Context, fusion.HostID) error { return nil }

func (n *fakeNode) Offer(context.Context, []fusion.Grant) (Offer, error) {
	return fakeOffer{}, nil
}

func (n *fakeNode) Join(context.Context, string, string, []fusion.Grant) (fusion.HostInfo, error) {
	return fusion.HostInfo{Name: "nas"}, nil
}

func (n *fakeNode) Grant(context.Context, fusion.HostID, []fusion.Grant) (fusion.HostInfo, error) {
	return fusion.HostInfo{Name: "nas"}, nil
}

func (n *fakeNode) Install(_ context.Context, _, _ string, apps []string, _ string) ([]string, error) {
	return apps, nil
}

func (n *fakeNode) Uninstall(_ context.Context, _, _ string, apps []string) ([]string, error) {
	return apps, nil
}

func (n *fakeNode) Installed(host fusion.HostID, machine string) map[string]bool {
	return map[string]bool{"terminal": host == "id-nas" && machine == fusion.Self}
}

func (n *fakeNode) Open(context.Context, string, string, string, []string, func(Opening)) error {
	return nil
}

func (n *fakeNode) ExamineMove(context.Context, *pb.ExamineMoveRequest) (*pb.ExamineMoveResponse, error) {
	return &pb.ExamineMoveResponse{}, nil
}

func (n *fakeNode) PrepareMove(context.Context, fusion.HostID, *pb.PrepareMoveRequest) (*pb.PrepareMoveResponse, error) {
	return &pb.PrepareMoveResponse{}, nil
}

func (n *fakeNode) CheckMove(context.Context, fusion.HostID, *pb.CheckMoveRequest) (*pb.CheckMoveResponse, error) {
	return &pb.CheckMoveResponse{}, nil
}

func (n *fakeNode) SettleMove(context.Context, fusion.HostID, *pb.SettleMoveRequest) error {
	return nil
}

func (n *fakeNode) Place(context.Context, fusion.MachineSpec) (fusion.Placement, error) {
	return fusion.Placement{Host: "nas", ID: "id-nas"}, nil
}

func (n *fakeNode) Wake(context.Context, string) (fusion.Woken, error) {
	return fusion.Woken{By: []string{"nas"}, Packets: 1}, nil
}

func (n *fakeNode) SendWake(_ context.Context, cards []fusion.Card) (int, error) {
	return len(cards), nil
}

func (n *fakeNode) Going(from fusion.HostID, away fusion.Away) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.went = append(n.went, string(from)+" "+string(away))
	return away.Check()
}

type fakeOffer struct{}

func (fakeOffer) Code() (code, addr string, expires time.Time) { return "1-a", "", time.Time{} }
func (fakeOffer) Through() (at, router string)                 { return "", "" }
func (fakeOffer) Wait(context.Context) (fusion.HostInfo, error) {
	return fusion.HostInfo{Name: "nas"}, nil
}

// scene is a server with its doors.
type scene struct {
	t      *testing.T
	node   *fakeNode
	server *Server
	dir    string
}

func newScene(t *testing.T) *scene {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "hapi-") // short, for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	memory := hosttest.NewMemory("id-cloud", "cloud")
	memory.Pair("id-nas")
	s := &scene{t: t, dir: dir, node: &fakeNode{host: memory, nas: hosttest.NewMemory("id-nas", "nas"),
		jobs: jobs.New(), grants: map[fusion.HostID][]fusion.Grant{}}}
	t.Cleanup(func() {
		if err := s.node.jobs.Close(); err != nil {
			t.Error(err)
		}
	})
	if s.node.audit, err = audit.Open(audit.Config{Dir: filepath.Join(dir, "audit")}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.node.audit.Close(); err != nil {
			t.Error(err)
		}
	})
	page := fstest.MapFS{"index.html": {Data: []byte("<title>page")}, "assets/a.js": {Data: []byte("1")}}
	s.server = New(s.node, page, slog.New(slog.DiscardHandler))
	t.Cleanup(s.server.Close)
	return s
}

// socket listens in the scene's directory and gives how to reach it.
func (s *scene) socket(name string) (net.Listener, client.Dial) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	listener, err := net.Listen("unix", path)
	if err != nil {
		s.t.Fatal(err)
	}
	return listener, func(ctx context.Context) (net.Conn, error) { return (&net.Dialer{}).DialContext(ctx, "unix", path) }
}

// owner gives a connection of the owner's programs.
func (s *scene) owner() client.Dial {
	listener, dial := s.socket("owner")
	s.server.ServeUnix(listener)
	return dial
}

// peer gives a connection of another computer.
func (s *scene) peer(id fusion.HostID) client.Dial {
	listener, dial := s.socket(string(id))
	s.server.ServePeers(peerListener{listener, id})
	return dial
}

// peerListener says whose its connections are, as a libp2p stream does.
type peerListener struct {
	net.Listener
	id fusion.HostID
}

func (l peerListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return peerConn{conn, l.id}, err
}

type peerConn struct {
	net.Conn
	id fusion.HostID
}

func (c peerConn) Peer() fusion.HostID { return c.id }

// hostOf gives the host as a client sees it: the paired computer "cloud".
func hostOf(dial client.Dial, name string) fusion.Host {
	return client.New(dial, dial).HostAs(name, "cloud")
}

// plain gives an HTTP client over dial.
func plain(dial client.Dial) *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }}}
}
