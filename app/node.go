package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"sync"

	"hither/app/api"
	"hither/app/asks"
	"hither/app/audit"
	"hither/app/entry"
	"hither/app/home"
	"hither/app/invite"
	"hither/app/jobs"
	"hither/app/lend"
	"hither/app/mesh"
	"hither/app/netboot"
	"hither/app/tunnel"
	"hither/frontend"
	"hither/fusion"
	"hither/mirror"
	"hither/mirror/capture"
	"hither/mirror/capture/portal"
	"hither/mirror/files"
	"hither/peers"
	"hither/remoteapp"
	"hither/sync/folder"
	"hither/vmctl"
	"hither/vmctl/power"
)

// Version is the release; the build sets it.
var Version = "dev"

// Config says how a node starts. Home is required.
type Config struct {
	Home home.Home
	// Name is what other computers call this one; default: what it was called
	// before, else the host's name.
	Name string
	// Listen is HOST:PORT for other computers; default 0.0.0.0 and a port that
	// is chosen once and kept.
	Listen string
	// Mapping is "off" to keep the router of the own network from being asked to open
	// the port; default on.
	Mapping string
	// Web is HOST:PORT for the page, on the loopback, or "off"; default
	// 127.0.0.1 and a port that is chosen once and kept.
	Web string
	// Libvirt is a URI, "private", "off", or "" for what there is.
	Libvirt string
	// ACME is the directory URL of the CA that certifies the sites that are published here,
	// and ACMERoots a file of the certificates, in PEM, that its own HTTPS is checked with;
	// default: Let's Encrypt, and the system's. Both are of this run.
	ACME, ACMERoots string
	// Log may be nil for silence.
	Log *slog.Logger

	cards func() []fusion.Card // default: wol.Cards
	usb   vmctl.USBHost        // default: usbredir.Host
}

// Node is one running node. Its parts stand in the order in which they start.
type Node struct {
	home    home.Home
	log     *slog.Logger
	lock    io.Closer // keeps a second node off the home
	network *peers.Network
	doors   []net.Listener // for other computers
	vms     *vmctl.Store
	apps    *remoteapp.Store
	pasted  *files.Store // of screens
	screens *mirror.Server
	folders *folder.Store
	menu    entry.Menu
	lent    *lend.Book
	table   *table
	local   *local
	jobs    *jobs.Registry
	audit   *audit.Log
	asks    asks.Book
	boot    *netboot.Server
	tunnels *tunnel.Store
	mesh    *mesh.Mesh
	invites *invite.Inviter
	api     *api.Server

	heard  *heard  // of paired computers
	roles  *roles  // of this one
	placed *placed // machines that may be anywhere
	// cards gives the wired network cards.
	cards func() []fusion.Card

	// ctx ends when the node stops; running counts the watchers of watch.go.
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	// stop yields once when somebody asked the node to stop: whether its
	// machines stop too.
	stop chan bool
	// closers undo what Start did, last first.
	closers []func() error
}

// The protocols between nodes.
const (
	apiProtocol    = "/hither/api/1"
	screenProtocol = "/hither/screen/1"
	folderProtocol = "/hither/folder/1"
	moveProtocol   = "/hither/move/1"
	usbProtocol    = "/hither/usb/1"
	backupProtocol = "/hither/backup/1"
	tunnelProtocol = tunnel.Protocol
	meshProtocol   = mesh.Protocol
)

// Start brings a node up. It promises ErrBusy when one runs on this home.
// When it fails nothing is left running.
func Start(ctx context.Context, cfg Config) (_ *Node, err error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	settings, err := settle(&cfg)
	if err != nil {
		return nil, err
	}
	n := &Node{home: cfg.Home, log: part(cfg, "node"), table: newTable(), stop: make(chan bool, 1)}
	n.ctx, n.cancel = context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	if n.lock, err = cfg.Home.Lock(); err != nil {
		return nil, err
	}
	n.onClose(n.lock.Close)
	steps := []func(context.Context, Config) error{n.openAudit, n.openNetwork, n.openComputer, n.openMachines, n.openNetBoot, n.openInvites,
		n.openApps, n.openScreens, n.openFolders, n.openMesh, n.openTunnels, n.openAPI, n.openDesk}
	for _, step := range steps {
		if err := step(ctx, cfg); err != nil {
			return nil, err
		}
	}
	if err := n.watchAll(ctx); err != nil {
		return nil, err
	}
	if err := n.serve(&cfg, settings); err != nil {
		return nil, err
	}
	return n, settings.save(cfg.Home)
}

// part gives a subsystem its logger.
func part(cfg Config, name string) *slog.Logger { return cfg.Log.With("part", name) }

// onClose adds what Close does before everything added earlier.
func (n *Node) onClose(f func() error) { n.closers = append(n.closers, f) }

func (n *Node) openAudit(_ context.Context, cfg Config) (err error) {
	n.audit, err = audit.Open(audit.Config{Dir: cfg.Home.Sub("audit"), Log: part(cfg, "audit")})
	if err == nil {
		n.onClose(n.audit.Close)
	}
	return err
}

func (n *Node) openNetwork(ctx context.Context, cfg Config) (err error) {
	n.network, err = peers.Open(ctx, peers.Config{Dir: cfg.Home.Sub("peers"), Name: cfg.Name, Listen: cfg.Listen, NoMapping: cfg.Mapping == "off", Version: Version,
		Log: part(cfg, "peers")})
	if err != nil {
		return err
	}
	n.onClose(n.network.Close)
	// What other computers ask from now on waits until serve.
	for _, protocol := range []string{apiProtocol, screenProtocol} {
		n.doors = append(n.doors, n.network.Listen(protocol, peers.AllowUnpaired))
	}
	if peer, err := n.network.Lookup(n.network.Name()); err == nil && peer.ID != n.network.ID() {
		return &fusion.Error{Op: "node", Path: peer.Name, Cause: fusion.ErrExists, Detail: "a paired computer has this name",
			Hint: "give this one another: hither up --name NAME"}
	}
	return nil
}

func (n *Node) openMachines(ctx context.Context, cfg Config) (err error) {
	n.jobs = jobs.New() // what a schedule takes is one
	n.vms, err = vmctl.Open(ctx, vmctl.Config{Job: n.scheduled, Dir: cfg.Home.Sub("machines"), RunDir: cfg.Home.Run, URI: cfg.Libvirt,
		SelfNote: screenNote(ctx), Peer: n.moving, USBPeer: n.usbPeer, USB: cfg.usb, ImagePeers: n.imagePeers, Keeper: n.keeper, ID: n.network.ID(), Power: power.System(), Going: n.tellGoing, Log: part(cfg, "vmctl")})
	if err == nil {
		n.onClose(n.vms.Close)
		n.onClose(n.jobs.Close)
	}
	return err
}

// scheduled runs what a schedule of this host takes.
func (n *Node) scheduled(ctx context.Context, op, name string, work func(context.Context) error) error {
	_, err := n.jobs.Do(ctx, jobs.Call{Caller: "schedule", Op: op, Name: name}, func(ctx context.Context) (any, error) { return nil, work(ctx) })
	return err
}

// screenNote says what is to know of the screen of "self".
func screenNote(ctx context.Context) string {
	if portal.Session() {
		return "Its desktop asks the person there whether it may be seen: the first time, or each time where the desktop keeps no answer."
	}
	if _, ok := remoteapp.SessionDisplay(ctx); ok || capture.HasDesktop {
		return ""
	}
	return "Its screen is a private desktop: this node was not started in a graphical session, and the login screen is out of reach."
}

func (n *Node) openApps(ctx context.Context, cfg Config) (err error) {
	n.apps, err = remoteapp.Open(ctx, remoteapp.Config{Dir: cfg.Home.Sub("apps"), RunDir: cfg.Home.Run, Log: part(cfg, "remoteapp"), Sounds: sessionSinks{}})
	if err == nil {
		n.onClose(n.apps.Close)
	}
	return err
}

func (n *Node) openScreens(_ context.Context, cfg Config) error {
	n.pasted = files.NewStore(cfg.Home.Pasted())
	places := &locator{vms: n.vms, apps: n.apps, name: n.Name(), token: cfg.Home.Sub("screen.token"), log: n.log,
		session: &sessionSound{name: n.Name()}}
	n.screens = mirror.NewServer(places, mirror.Config{
		Log: part(cfg, "mirror"), Moving: n.vms.Leaving, Pasted: n.pasted, Dropped: &files.Downloads{Dir: cfg.Home.Downloads}})
	n.onClose(n.screens.Close)
	return nil
}

func (n *Node) openFolders(ctx context.Context, cfg Config) (err error) {
	listener := n.audited(n.network.Listen(folderProtocol), folderProtocol)
	n.onClose(listener.Close)
	n.folders, err = folder.Open(ctx, folder.Config{
		Dir: cfg.Home.Sub("sync"), Root: cfg.Home.Folders, Self: n.network.ID(), Name: n.network.Name(),
		Listener: listener, Paired: n.pairedForFiles, Log: part(cfg, "folder"),
		Dial: func(ctx context.Context, id fusion.HostID) (net.Conn, error) {
			return n.network.Dial(ctx, id, folderProtocol)
		},
	})
	if err == nil {
		n.onClose(n.folders.Close)
	}
	return err
}

// pairedForFiles says whether a host is paired and may use files here.
func (n *Node) pairedForFiles(id fusion.HostID) (name string, own, ok bool) {
	peer, err := n.network.Lookup(string(id))
	if err != nil {
		return "", false, false
	}
	return peer.Name, fusion.Allows(peer.Grants, fusion.FilesCap), true
}

func (n *Node) openAPI(_ context.Context, cfg Config) error {
	n.local = &local{n: n}
	n.api = api.New(n, frontend.Page(), part(cfg, "api"))
	n.onClose(func() error { n.api.Close(); return nil })
	return nil
}

// serve opens the doors, last of all.
func (n *Node) serve(cfg *Config, settings *settings) error {
	socket, err := listenUnix(n.home.Socket())
	if err != nil {
		return fmt.Errorf("node: %w", err)
	}
	web, err := listenWeb(cfg.Web, settings)
	if err != nil {
		return errors.Join(err, socket.Close())
	}
	for _, door := range n.doors {
		n.api.ServePeers(door)
	}
	n.api.ServeUnix(socket)
	n.running.Go(func() { n.serveStreams(moveProtocol, "a move", n.serveMove) })
	n.running.Go(func() { n.serveStreams(usbProtocol, "a USB device", n.lendUSB) })
	n.running.Go(func() { n.serveStreams(backupProtocol, "a backup", n.serveBackups) })
	n.running.Go(func() { n.serveLasting(tunnelProtocol, "a tunnel", n.tunnels.Serve) })
	n.running.Go(func() { n.serveStreams(meshProtocol, "the private network", n.mesh.Serve) })
	if web != nil {
		n.api.ServeWeb(web)
	}
	return nil
}

// Wait returns when ctx ends or somebody asked the node to stop, with whether
// the machines are to stop too.
func (n *Node) Wait(ctx context.Context) (machines bool) {
	select {
	case <-ctx.Done():
		return false
	case machines := <-n.stop:
		return machines
	}
}

// Stop asks for an orderly end; Wait returns then.
func (n *Node) Stop(machines bool) {
	select {
	case n.stop <- machines:
	default: // it was asked before
	}
}

// StopMachines ends the node's machines and apps, for `down --machines`.
func (n *Node) StopMachines(ctx context.Context) error {
	return errors.Join(n.apps.EndAll(ctx), n.vms.StopAll(ctx))
}

// Close ends everything in reverse order. Machines and apps go on.
func (n *Node) Close() error {
	n.cancel()
	n.running.Wait()
	var errs []error
	for i := len(n.closers) - 1; i >= 0; i-- {
		errs = append(errs, n.closers[i]())
	}
	n.closers = nil
	// What survives the node, as a private libvirt, keeps the run directory.
	if err := os.Remove(n.home.Run); err != nil && !errors.Is(err, fs.ErrNotExist) {
		n.log.Debug("the run directory stays", "err", err)
	}
	return errors.Join(errs...)
}
