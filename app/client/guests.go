package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"google.golang.org/protobuf/types/known/durationpb"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type guests host

var _ fusion.Guests = (*guests)(nil)

func (g *guests) path(name string) string { return (*host)(g).path(name) }

func (g *guests) Info(ctx context.Context, machine string) (fusion.GuestInfo, error) {
	res, err := call(ctx, g.path(machine), g.c.guests.Info, &pb.GuestInfoRequest{Host: g.name, Machine: machine})
	if err != nil {
		return fusion.GuestInfo{}, err
	}
	return convert.GuestFromPB(res), nil
}

func (g *guests) Exec(ctx context.Context, machine string, c fusion.GuestCommand) (fusion.GuestResult, error) {
	if err := c.Check(); err != nil { // what is too long would not even arrive
		return fusion.GuestResult{}, err
	}
	res, err := call(ctx, g.path(machine), g.c.guests.Exec, &pb.GuestExecRequest{Host: g.name, Machine: machine, Argv: c.Argv,
		Stdin: c.Stdin, Timeout: durationpb.New(c.Timeout)})
	if err != nil {
		return fusion.GuestResult{}, err
	}
	return convert.GuestResultFromPB(res), nil
}

// file is the URL of a file of a guest.
func (g *guests) file(machine, path string) string {
	return base + "/guest/" + url.PathEscape(machine) + "?" + url.Values{"host": {g.name}, "path": {path}}.Encode()
}

// ReadFile copies the body of GET /guest/MACHINE.
func (g *guests) ReadFile(ctx context.Context, machine, path string, w io.Writer) error {
	const op = "machine.read"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.file(machine, path), nil)
	if err != nil {
		return &fusion.Error{Op: op, Path: g.path(machine), Cause: fusion.ErrInvalid, Detail: err.Error()}
	}
	res, err := g.send(ctx, op, machine, req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	out := &sink{w: w}
	if _, err := io.Copy(out, io.LimitReader(res.Body, fusion.MaxGuestFile)); err != nil {
		if out.err != nil {
			return out.err
		}
		return transportError(ctx, op, g.path(machine), fmt.Errorf("the file broke off: %w", err))
	}
	return nil
}

// sink remembers why a file could not be written here.
type sink struct {
	w   io.Writer
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.err = err
	return n, err
}

// WriteFile streams r as the body of PUT /guest/MACHINE.
func (g *guests) WriteFile(ctx context.Context, machine, path string, r io.Reader) error {
	const op = "machine.write"
	body := &sourceReader{r: r}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, g.file(machine, path), body)
	if err != nil {
		return &fusion.Error{Op: op, Path: g.path(machine), Cause: fusion.ErrInvalid, Detail: err.Error()}
	}
	// A refusal must not get lost while the file is on its way.
	req.Header.Set("Expect", "100-continue")
	res, err := g.send(ctx, op, machine, req)
	if err != nil {
		if body.err != nil {
			return fmt.Errorf("%s %s: %w", op, g.path(machine), body.err)
		}
		return err
	}
	return res.Body.Close()
}

func (g *guests) send(ctx context.Context, op, machine string, req *http.Request) (*http.Response, error) {
	return (*apps)(g).send(ctx, op, g.path(machine), req)
}
