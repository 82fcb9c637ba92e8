// Package client speaks the API to a node: over its unix socket for the
// command line, the tray and the window, and over a libp2p stream for another
// node. Client.Host is a fusion.Host, so a caller does not see which.
//
// A client trusts the node it dialled; it checks sizes, not truth.
package client

import (
	"context"
	"net"
	"net/http"
	"time"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	"hither/proto/hither/v1/hitherv1connect"
)

// TraceHeader carries the trace ID of a request from node to node.
const TraceHeader = "Hither-Trace"

// Dial opens a connection to the node's HTTP server.
type Dial func(ctx context.Context) (net.Conn, error)

// Client holds the API's services on one node.
type Client struct {
	Nodes     hitherv1connect.NodeServiceClient
	Hosts     hitherv1connect.HostServiceClient
	Audits    hitherv1connect.AuditServiceClient
	machines  hitherv1connect.MachineServiceClient
	hardware  hitherv1connect.HardwareServiceClient
	copies    hitherv1connect.CopyServiceClient
	backups   hitherv1connect.BackupServiceClient
	screens   hitherv1connect.ScreenServiceClient
	apps      hitherv1connect.AppServiceClient
	folders   hitherv1connect.FolderServiceClient
	jobs      hitherv1connect.JobServiceClient
	guests    hitherv1connect.GuestServiceClient
	images    hitherv1connect.ImageServiceClient
	networks  hitherv1connect.NetworkServiceClient
	forwards  hitherv1connect.ForwardServiceClient
	tunnels   hitherv1connect.TunnelServiceClient
	mesh      hitherv1connect.MeshServiceClient
	storage   hitherv1connect.StorageServiceClient
	devices   hitherv1connect.DeviceServiceClient
	netBoot   hitherv1connect.NetBootServiceClient
	computers hitherv1connect.ComputerServiceClient
	meters    hitherv1connect.MeterServiceClient
	invites   hitherv1connect.InviteServiceClient
	http      *http.Client
	screen    Dial
	// Datagrams, when set, is what views of a host that is far away go on over.
	// It tells itself when it does not connect. Set it before the first call.
	Datagrams Datagrams
}

// base is the address in requests; the dial function decides where they go.
const base = "http://hither"

// New gives a client that dials a connection for each call with dial, and one
// for each open screen with screen. It does no I/O.
func New(dial, screen Dial) *Client {
	transport := &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		DisableKeepAlives: true,
		// How long an upload waits for the word that it is wanted.
		ExpectContinueTimeout: 10 * time.Second,
	}
	c := &Client{http: &http.Client{Transport: transport}, screen: screen}
	options := connect.WithInterceptors(tracer{})
	c.Nodes = hitherv1connect.NewNodeServiceClient(c.http, base, options)
	c.Hosts = hitherv1connect.NewHostServiceClient(c.http, base, options)
	c.Audits = hitherv1connect.NewAuditServiceClient(c.http, base, options)
	c.machines = hitherv1connect.NewMachineServiceClient(c.http, base, options)
	c.hardware = hitherv1connect.NewHardwareServiceClient(c.http, base, options)
	c.copies = hitherv1connect.NewCopyServiceClient(c.http, base, options)
	c.backups = hitherv1connect.NewBackupServiceClient(c.http, base, options)
	c.screens = hitherv1connect.NewScreenServiceClient(c.http, base, options)
	c.apps = hitherv1connect.NewAppServiceClient(c.http, base, options)
	c.folders = hitherv1connect.NewFolderServiceClient(c.http, base, options)
	c.computers = hitherv1connect.NewComputerServiceClient(c.http, base, options)
	c.jobs = hitherv1connect.NewJobServiceClient(c.http, base, options)
	c.guests = hitherv1connect.NewGuestServiceClient(c.http, base, options)
	c.images = hitherv1connect.NewImageServiceClient(c.http, base, options)
	c.networks = hitherv1connect.NewNetworkServiceClient(c.http, base, options)
	c.forwards = hitherv1connect.NewForwardServiceClient(c.http, base, options)
	c.tunnels = hitherv1connect.NewTunnelServiceClient(c.http, base, options)
	c.mesh = hitherv1connect.NewMeshServiceClient(c.http, base, options)
	c.storage = hitherv1connect.NewStorageServiceClient(c.http, base, options)
	c.devices = hitherv1connect.NewDeviceServiceClient(c.http, base, options)
	c.netBoot = hitherv1connect.NewNetBootServiceClient(c.http, base, options)
	c.meters = hitherv1connect.NewMeterServiceClient(c.http, base, options)
	c.invites = hitherv1connect.NewInviteServiceClient(c.http, base, options)
	return c
}

// Unix gives a client of the node whose API socket is at path.
func Unix(path string) *Client {
	dial := func(ctx context.Context) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
		if err != nil && ctx.Err() == nil {
			return nil, &fusion.Error{Op: "node", Cause: fusion.ErrOffline, Detail: "no node runs here",
				Hint: "start it with: hither up"}
		}
		return conn, err
	}
	return New(dial, dial)
}

// Host gives the host that the node knows by name or ID; empty is its own.
func (c *Client) Host(name string) fusion.Host { return c.HostAs(name, name) }

// HostAs is Host with another name for errors: what a person calls the host.
func (c *Client) HostAs(name, label string) fusion.Host { return &host{c: c, name: name, label: label} }

// Error explains an error of the services above in the vocabulary.
func Error(err error, path string) error { return convert.ErrorFromPB(err, path) }

// tracer puts the context's trace ID into each request, and its idempotency key.
type tracer struct{}

func (tracer) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if id := fusion.Trace(ctx); id != "" {
			req.Header().Set(TraceHeader, id)
		}
		if key := fusion.Key(ctx); key != "" {
			req.Header().Set(KeyHeader, key)
		}
		return next(ctx, req)
	}
}

func (tracer) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		if id := fusion.Trace(ctx); id != "" {
			conn.RequestHeader().Set(TraceHeader, id)
		}
		return conn
	}
}

func (tracer) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}
