package client

import (
	"context"
	"iter"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// host is one host behind a node's API.
type host struct {
	c *Client
	// name is what requests carry; label is what errors say.
	name, label string
}

var _ fusion.Host = (*host)(nil)

func (h *host) Machines() fusion.Machines { return (*machines)(h) }
func (h *host) Hardware() fusion.Hardware { return (*hardware)(h) }
func (h *host) Copies() fusion.Copies     { return (*copies)(h) }
func (h *host) Screens() fusion.Screens   { return (*screens)(h) }
func (h *host) Apps() fusion.Apps         { return (*apps)(h) }
func (h *host) Folders() fusion.Folders   { return (*folders)(h) }
func (h *host) Jobs() fusion.Jobs         { return (*jobs)(h) }
func (h *host) Images() fusion.Images     { return (*images)(h) }

func (h *host) Terminals() fusion.Terminals { return (*terminals)(h) }
func (h *host) Guests() fusion.Guests       { return (*guests)(h) }
func (h *host) Networks() fusion.Networks   { return (*networks)(h) }
func (h *host) Forwards() fusion.Forwards   { return (*forwards)(h) }
func (h *host) Storage() fusion.Storage     { return (*storage)(h) }
func (h *host) Devices() fusion.Devices     { return (*devices)(h) }
func (h *host) NetBoot() fusion.NetBoot     { return (*netBoot)(h) }

// call makes one unary call and explains its error with path.
func call[Req, Res any](ctx context.Context, path string,
	do func(context.Context, *connect.Request[Req]) (*connect.Response[Res], error), req *Req) (*Res, error) {
	res, err := do(ctx, connect.NewRequest(req))
	if err != nil {
		return nil, convert.ErrorFromPB(err, path)
	}
	return res.Msg, nil
}

func (h *host) path(name string) string {
	switch {
	case h.label == "":
		return name
	case name == "":
		return h.label
	}
	return h.label + "/" + name
}

func (h *host) Info(ctx context.Context) (fusion.HostInfo, error) {
	res, err := call(ctx, h.label, h.c.Nodes.Info, &pb.InfoRequest{Host: h.name})
	if err != nil {
		return fusion.HostInfo{}, err
	}
	return convert.HostFromPB(res), nil
}

func (h *host) Watch(ctx context.Context) iter.Seq2[fusion.Event, error] {
	return h.c.watch(ctx, h.name, h.label)
}

// WatchAll yields the events of every host that the node knows, as Host.Watch.
func (c *Client) WatchAll(ctx context.Context) iter.Seq2[fusion.Event, error] {
	return c.watch(ctx, "", "")
}

// maxEvent bounds one event in bytes; the largest is a machine with its disks.
const maxEvent = 64 << 10

func (c *Client) watch(ctx context.Context, name, label string) iter.Seq2[fusion.Event, error] {
	return func(yield func(fusion.Event, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := c.Nodes.Watch(ctx, connect.NewRequest(&pb.WatchRequest{Host: name}))
		if err != nil {
			yield(fusion.Event{}, convert.ErrorFromPB(err, label))
			return
		}
		for stream.Receive() {
			if proto.Size(stream.Msg()) > maxEvent {
				_ = stream.Close() // what it would say next is of no interest
				yield(fusion.Event{}, &fusion.Error{Op: "watch", Path: label, Cause: fusion.ErrInvalid, Detail: "an event is too large"})
				return
			}
			if !yield(convert.EventFromPB(stream.Msg()), nil) {
				cancel()
				_ = stream.Close() // the watcher left; how the stream ends is of no interest
				return
			}
		}
		err = stream.Err()
		_ = stream.Close() // err says what happened
		if err == nil {
			err = connect.NewError(connect.CodeUnavailable, errEnded)
		}
		yield(fusion.Event{}, convert.ErrorFromPB(err, label))
	}
}
