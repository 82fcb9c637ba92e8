package shell

import (
	"context"
	"net/url"
	"sync"

	"connectrpc.com/connect"

	"hither/app/client"
	"hither/app/convert"
	"hither/app/home"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// desktop is what the window asks of the toolkit.
type desktop interface {
	SetTitle(title string)
	Raise()
	Reload()
	ChooseDirectory(title string) (string, error)
	Notify(title, body string) error
	Complain(text string)
}

// Endpoint is where the page finds its node.
type Endpoint struct {
	// URL is the node's loopback address.
	URL string `json:"url"`
	// Token is traded once for a session.
	Token string `json:"token"`
}

// Bridge is the page's way to the desktop; the page sees its methods as
// window.go.shell.Bridge. Its errors are the parts of a fusion.Error.
type Bridge struct {
	home home.Home
	node *client.Client

	started chan struct{} // closed once desk and ctx are set
	desk    desktop
	ctx     context.Context

	mu     sync.Mutex    // guards joining, and the first close of joined
	joined chan struct{} // closed once a node has answered
}

func newBridge(h home.Home) *Bridge {
	return &Bridge{home: h, node: client.Unix(h.Socket()), started: make(chan struct{}), joined: make(chan struct{})}
}

// start gives the bridge its desktop; its methods wait for that.
func (b *Bridge) start(ctx context.Context, desk desktop) {
	b.ctx, b.desk = ctx, desk
	close(b.started)
}

func (b *Bridge) trace() context.Context {
	<-b.started
	return fusion.WithTrace(b.ctx, fusion.NewTrace())
}

// Endpoint gives the node's address and a one-time token. The first call
// starts the node if none runs; later ones only look for it.
func (b *Bridge) Endpoint() (Endpoint, error) {
	ctx := b.trace()
	if err := b.join(ctx); err != nil {
		return Endpoint{}, err
	}
	res, err := b.node.Nodes.WebToken(ctx, connect.NewRequest(&pb.WebTokenRequest{}))
	if err != nil {
		return Endpoint{}, client.Error(err, "")
	}
	address, err := url.Parse(res.Msg.Url)
	if err != nil || address.Host == "" {
		return Endpoint{}, &fusion.Error{Op: "web", Cause: fusion.ErrUnsupported, Detail: "the node serves no page",
			Hint: "start it without --web off"}
	}
	address.Fragment = ""
	return Endpoint{URL: address.String(), Token: res.Msg.Token}, nil
}

func (b *Bridge) join(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-b.joined:
		return nil
	default:
	}
	if _, err := client.Join(ctx, b.home); err != nil {
		return err
	}
	close(b.joined)
	return nil
}

// ChooseDirectory lets the person choose a directory of this computer; it gives
// "" when they change their mind.
func (b *Bridge) ChooseDirectory(title string) (string, error) {
	<-b.started
	return b.desk.ChooseDirectory(title)
}

// Notify shows a notification of the desktop. Where the desktop has none it
// answers ErrUnsupported.
func (b *Bridge) Notify(title, body string) error {
	<-b.started
	return b.desk.Notify(title, body)
}

// pageError is how an error of a method reaches the page: the parts of a
// fusion.Error, as the node's API gives them.
func pageError(err error) any {
	e := convert.Describe(err)
	return map[string]string{"op": e.Op, "path": e.Path, "cause": e.Cause, "detail": e.Detail, "hint": e.Hint}
}

// errorText is an error as one text, the hint as its last sentence.
func errorText(err error) string {
	hint := fusion.Hint(err)
	if hint == "" {
		return err.Error()
	}
	return err.Error() + "; " + hint
}
