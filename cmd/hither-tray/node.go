package main

import (
	"context"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"connectrpc.com/connect"

	"hither/app/client"
	"hither/app/home"
	"hither/cmd/hither-tray/tray"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// node is the tray's Node and Desk through the API of the node at home.
type node struct {
	home   home.Home
	client *client.Client
}

var (
	_ tray.Node = (*node)(nil)
	_ tray.Desk = (*node)(nil)
)

func (n *node) Start(ctx context.Context) error {
	_, err := client.Join(ctx, n.home)
	return err
}

func (n *node) Watch(ctx context.Context) iter.Seq2[fusion.Event, error] {
	return n.client.WatchAll(ctx)
}

func (n *node) Offer(ctx context.Context) iter.Seq2[tray.Offer, error] {
	return func(yield func(tray.Offer, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := n.client.Hosts.Offer(ctx, connect.NewRequest(&pb.OfferRequest{}))
		if err != nil {
			yield(tray.Offer{}, client.Error(err, "pair"))
			return
		}
		for stream.Receive() {
			m := stream.Msg()
			o := tray.Offer{Code: m.Code, Expires: m.Expires.AsTime()}
			if m.Host != nil {
				h := hostInfo(m.Host)
				o.Host = &h
			}
			if !yield(o, nil) {
				cancel()
				break
			}
		}
		err = stream.Err()
		_ = stream.Close() // err says what happened
		if err != nil && ctx.Err() == nil {
			yield(tray.Offer{}, client.Error(err, "pair"))
		}
	}
}

func (n *node) Join(ctx context.Context, code string) (fusion.HostInfo, error) {
	res, err := n.client.Hosts.Join(ctx, connect.NewRequest(&pb.JoinRequest{Code: code}))
	if err != nil {
		return fusion.HostInfo{}, client.Error(err, "pair")
	}
	return hostInfo(res.Msg), nil
}

// End asks an app that runs to end.
func (n *node) End(ctx context.Context, address string) error {
	a, err := fusion.ParseAddress(address)
	if err != nil {
		return err
	}
	return n.client.Host(a.Host).Apps().End(ctx, a.Machine+"/"+a.App)
}

// Stop ends what another computer has open on this one.
func (n *node) Stop(ctx context.Context, session string) error {
	if _, err := n.client.Audits.End(ctx, connect.NewRequest(&pb.AuditEndRequest{Id: session})); err != nil {
		return client.Error(err, "audit")
	}
	return nil
}

// hostInfo takes what the pairing window shows.
func hostInfo(h *pb.Host) fusion.HostInfo {
	return fusion.HostInfo{ID: fusion.HostID(h.Id), Name: h.Name, Online: h.Online, Fingerprint: h.Fingerprint}
}

// Library starts the desktop window, which raises itself if it is open already;
// without that program, the page is opened in the browser.
func (n *node) Library(ctx context.Context) error {
	if path, ok := beside("hither-desktop"); ok {
		var args []string
		if n.home.Explicit {
			args = []string{"--home", n.home.Dir}
		}
		return start(exec.Command(path, args...))
	}
	res, err := n.client.Nodes.WebToken(ctx, connect.NewRequest(&pb.WebTokenRequest{}))
	if err != nil {
		return client.Error(err, "web")
	}
	return browse(res.Msg.Url)
}

func (n *node) View(_ context.Context, address string) error {
	cmd, err := client.Command(n.home, "view", address)
	if err != nil {
		return err
	}
	return start(cmd)
}

// beside finds a program of ours next to this one, else in PATH.
func beside(name string) (string, bool) {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if self, err := os.Executable(); err == nil {
		path := filepath.Join(filepath.Dir(self), name)
		if _, err := os.Stat(path); err == nil {
			return path, true
		}
	}
	path, err := exec.LookPath(name)
	return path, err == nil
}

// browse opens a URL in the owner's browser. It holds a one-time token, which
// other users could read in a command line; it is traded at once and then void.
func browse(url string) error {
	var cmd *exec.Cmd
	switch runtime.GOOS {
	case "windows":
		cmd = exec.Command("rundll32", "url.dll,FileProtocolHandler", url)
	case "darwin":
		cmd = exec.Command("open", url)
	default:
		cmd = exec.Command("xdg-open", url)
	}
	if err := start(cmd); err != nil {
		return &fusion.Error{Op: "web", Cause: fusion.ErrNotFound, Detail: err.Error(), Hint: "run: hither web"}
	}
	return nil
}

// start runs a program that goes on without this one.
func start(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // collects it; ends with the program, or with this one
	return nil
}
