package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"google.golang.org/protobuf/encoding/protojson"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

var errEnded = errors.New("the node ended the stream")

type machines host

var _ fusion.Machines = (*machines)(nil)

func (m *machines) path(name string) string { return (*host)(m).path(name) }

func (m *machines) List(ctx context.Context) ([]fusion.Machine, error) {
	res, err := call(ctx, m.label, m.c.machines.List, &pb.MachineListRequest{Host: m.name})
	if err != nil {
		return nil, err
	}
	return convert.All(res.Machines, convert.MachineFromPB), nil
}

func (m *machines) Get(ctx context.Context, name string) (fusion.Machine, error) {
	res, err := call(ctx, m.path(name), m.c.machines.Get, &pb.MachineGetRequest{Host: m.name, Name: name})
	if err != nil {
		return fusion.Machine{}, err
	}
	return convert.MachineFromPB(res), nil
}

func (m *machines) Create(ctx context.Context, s fusion.MachineSpec) (fusion.Machine, error) {
	req := convert.MachineSpecToPB(s)
	req.Host = m.name
	res, err := long(ctx, m.c, m.path(s.Name), m.c.machines.Create, req)
	if err != nil {
		return fusion.Machine{}, err
	}
	return convert.MachineFromPB(res), nil
}

func (m *machines) Do(ctx context.Context, name string, verb fusion.Verb) error {
	_, err := call(ctx, m.path(name), m.c.machines.Do, &pb.MachineDoRequest{Host: m.name, Name: name, Verb: string(verb)})
	return err
}

func (m *machines) Remove(ctx context.Context, name string) error {
	_, err := call(ctx, m.path(name), m.c.machines.Remove, &pb.MachineRemoveRequest{Host: m.name, Name: name})
	return err
}

func (m *machines) Screenshot(ctx context.Context, name string) ([]byte, error) {
	res, err := call(ctx, m.path(name), m.c.machines.Screenshot, &pb.MachineScreenshotRequest{Host: m.name, Name: name})
	if err != nil {
		return nil, err
	}
	return res.Png, nil
}

func (m *machines) Stats(ctx context.Context) ([]fusion.Stats, error) {
	res, err := call(ctx, m.label, m.c.machines.Stats, &pb.MachineStatsRequest{Host: m.name})
	if err != nil {
		return nil, err
	}
	return convert.All(res.Stats, convert.StatsFromPB), nil
}

// Watch gives the machine events of the host's one watch stream.
func (m *machines) Watch(ctx context.Context, changed func(fusion.Machine, bool)) error {
	return each(ctx, (*host)(m), func(e fusion.Event) {
		if e.Machine != nil {
			changed(*e.Machine, e.Removed)
		}
	})
}

// each calls do with what a host has now and with every change, until ctx ends.
func each(ctx context.Context, h *host, do func(fusion.Event)) error {
	for e, err := range h.Watch(ctx) {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return err
		}
		do(e)
	}
	return ctx.Err()
}

// Upload streams the image as the body of PUT /images/NAME.
func (m *machines) Upload(ctx context.Context, name string, size int64, r io.Reader) error {
	path := m.path(name)
	target := base + "/images/" + url.PathEscape(name) + "?host=" + url.QueryEscape(m.name)
	body := &sourceReader{r: r}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, target, body)
	if err != nil {
		return &fusion.Error{Op: "machine.upload", Path: path, Cause: fusion.ErrInvalid, Detail: err.Error()}
	}
	req.ContentLength = size
	if size == 0 {
		req.Body = http.NoBody
	}
	req.Header.Set(TraceHeader, fusion.Trace(ctx))
	// A refusal must not get lost while the image is on its way.
	req.Header.Set("Expect", "100-continue")
	res, err := m.c.http.Do(req)
	if err != nil {
		if body.err != nil {
			return fmt.Errorf("machine.upload %s: %w", path, body.err)
		}
		return transportError(ctx, "machine.upload", path, err)
	}
	defer res.Body.Close()
	if res.StatusCode/100 == 2 {
		return nil
	}
	return readError(res, path)
}

// sourceReader remembers why the image could not be read here.
type sourceReader struct {
	r   io.Reader
	err error
}

func (c *sourceReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// readError restores the error in the body of a plain HTTP answer.
func readError(res *http.Response, path string) error {
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	var message pb.Error
	if err == nil && protojson.Unmarshal(text, &message) == nil && (message.Cause != "" || message.Detail != "") {
		return convert.Restore(&message, path)
	}
	return &fusion.Error{Path: path, Cause: fusion.ErrUnsupported, Detail: "the node answered " + res.Status,
		Hint: "update Hither on the other computer"}
}

// transportError explains a request that got no answer.
func transportError(ctx context.Context, op, path string, err error) error {
	var ours *fusion.Error
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &ours):
		return err
	}
	return &fusion.Error{Op: op, Path: path, Cause: fusion.ErrOffline, Detail: err.Error(),
		Hint: "see that the computer is awake and its node runs"}
}
