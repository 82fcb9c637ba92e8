package client

import (
	"context"
	"errors"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// Install puts apps of a machine of another host into this computer's menu, all
// of them for none, and gives their IDs.
func (c *Client) Install(ctx context.Context, a fusion.Address, apps []string, language string) ([]string, error) {
	res, err := call(ctx, a.String(), c.apps.Install, &pb.AppInstallRequest{Host: a.Host, Machine: a.Machine, Apps: apps,
		All: len(apps) == 0, Language: language})
	return res.GetApps(), err
}

// Uninstall takes apps out of the menu, all of the machine's for none, and gives
// those that were in it.
func (c *Client) Uninstall(ctx context.Context, a fusion.Address, apps []string) ([]string, error) {
	res, err := call(ctx, a.String(), c.apps.Uninstall, &pb.AppInstallRequest{Host: a.Host, Machine: a.Machine, Apps: apps, All: len(apps) == 0})
	return res.GetApps(), err
}

// Opening is an app that was run with files of this computer.
type Opening struct {
	Screen fusion.Screen
	stream *connect.ServerStreamForClient[pb.AppOpenEvent]
	path   string
	cancel context.CancelFunc
}

// Open runs an app with files of this computer, absolute paths, and returns when
// its screen is there. progress is told of each file, in bytes. Cancelling ctx
// before that undoes it, and does nothing later. The caller ends with Close.
func (c *Client) Open(ctx context.Context, a fusion.Address, files []string, progress func(file string, sent, total int64)) (*Opening, error) {
	open, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	defer stop()
	stream, err := c.apps.Open(open, connect.NewRequest(&pb.AppOpenRequest{Host: a.Host, Machine: a.Machine, App: a.App, Files: files}))
	if err != nil {
		cancel()
		return nil, convert.ErrorFromPB(err, a.String())
	}
	o := &Opening{stream: stream, path: a.String(), cancel: cancel}
	for stream.Receive() {
		m := stream.Msg()
		if m.Screen != nil && stop() {
			o.Screen = convert.ScreenFromPB(m.Screen)
			return o, nil
		}
		progress(m.File, m.Sent, m.Total)
	}
	err = stream.Err()
	o.Close()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err == nil {
		err = connect.NewError(connect.CodeUnavailable, errEnded)
	}
	return nil, convert.ErrorFromPB(err, a.String())
}

// Notes calls tell with what happens to the files, until all of them are back or
// Close is called.
func (o *Opening) Notes(tell func(*pb.AppOpenNote)) error {
	for o.stream.Receive() {
		if note := o.stream.Msg().Note; note != nil {
			tell(note)
		}
	}
	err := o.stream.Err()
	if err == nil || errors.Is(err, context.Canceled) {
		return nil
	}
	return convert.ErrorFromPB(err, o.path)
}

// Close leaves; the node goes on to write the files back.
func (o *Opening) Close() {
	o.cancel()
	_ = o.stream.Close() // it was cancelled
}
