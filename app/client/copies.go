package client

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type copies host

var _ fusion.Copies = (*copies)(nil)

func (p *copies) path(name string) string { return (*host)(p).path(name) }

func (p *copies) Clone(ctx context.Context, machine string, spec fusion.CloneSpec) (fusion.Machine, error) {
	res, err := long(ctx, p.c, p.path(machine), p.c.copies.Clone, &pb.CloneRequest{
		Host: p.name, Machine: machine, Name: spec.Name, Mode: string(spec.Mode), Start: spec.Start})
	if err != nil {
		return fusion.Machine{}, err
	}
	return convert.MachineFromPB(res), nil
}

func (p *copies) SetTemplate(ctx context.Context, machine string, on bool) (fusion.Machine, error) {
	res, err := call(ctx, p.path(machine), p.c.copies.SetTemplate, &pb.SetTemplateRequest{Host: p.name, Machine: machine, On: on})
	if err != nil {
		return fusion.Machine{}, err
	}
	return convert.MachineFromPB(res), nil
}

func (p *copies) Export(ctx context.Context, machine string, format fusion.ExportFormat) (fusion.Exported, error) {
	path := p.path(machine)
	res, err := long(ctx, p.c, path, p.c.copies.Export, &pb.ExportRequest{Host: p.name, Machine: machine, Format: string(format)})
	if err != nil {
		return nil, err
	}
	return &exported{c: p.c, path: path, trace: fusion.Trace(ctx), of: res}, nil
}

func (p *copies) Deploy(ctx context.Context, machine string, spec fusion.DeploySpec) ([]fusion.Machine, error) {
	req := &pb.DeployRequest{Host: p.name, Machine: machine, Count: int32(spec.Count), Prefix: spec.Prefix, Start: spec.Start}
	for _, id := range spec.To {
		req.To = append(req.To, string(id))
	}
	res, err := long(ctx, p.c, p.path(machine), p.c.copies.Deploy, req)
	if err != nil {
		return nil, err
	}
	return convert.All(res.Machines, convert.MachineFromPB), nil
}

func (p *copies) DeployImage(ctx context.Context, image string, of fusion.MachineSpec, spec fusion.DeploySpec) ([]fusion.Machine, error) {
	req := &pb.DeployImageRequest{Host: p.name, Name: image, Count: int32(spec.Count), Prefix: spec.Prefix, Start: spec.Start,
		Of: convert.MachineSpecToPB(of)}
	for _, id := range spec.To {
		req.To = append(req.To, string(id))
	}
	res, err := long(ctx, p.c, p.path(image), p.c.copies.DeployImage, req)
	if err != nil {
		return nil, err
	}
	return convert.All(res.Machines, convert.MachineFromPB), nil
}

// exported is a machine's file at the node that was asked.
type exported struct {
	c     *Client
	path  string
	trace string
	of    *pb.ExportResponse
}

func (e *exported) Name() string { return e.of.Name }
func (e *exported) Size() int64  { return e.of.Size }

func (e *exported) url() string { return base + "/copies/" + url.PathEscape(e.of.Ticket) }

// Open streams GET /copies/TICKET, from an offset as a range (RFC 9110, section 14).
func (e *exported) Open(ctx context.Context, offset int64) (io.ReadCloser, error) {
	const op = "machine.export"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url(), nil)
	if err != nil {
		return nil, &fusion.Error{Op: op, Path: e.path, Cause: fusion.ErrInvalid, Detail: err.Error()}
	}
	want := http.StatusOK
	if offset > 0 {
		want = http.StatusPartialContent
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	req.Header.Set(TraceHeader, e.trace)
	res, err := e.c.http.Do(req)
	switch {
	case err != nil:
		return nil, transportError(ctx, op, e.path, err)
	case res.StatusCode == want:
		return res.Body, nil
	}
	defer res.Body.Close()
	return nil, readError(res, e.path)
}

// closeTime bounds how long a node is told that a file is not needed any more; it
// finds that out by itself too.
const closeTime = 10 * time.Second

func (e *exported) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, e.url(), nil)
	if err != nil {
		return err
	}
	req.Header.Set(TraceHeader, e.trace)
	res, err := e.c.http.Do(req)
	if err != nil {
		return transportError(ctx, "machine.export", e.path, err)
	}
	defer res.Body.Close()
	if res.StatusCode/100 == 2 || res.StatusCode == http.StatusNotFound {
		return nil
	}
	return readError(res, e.path)
}

// StatusCanceled answers an import whose job somebody canceled.
const StatusCanceled = 499

// Import streams the file as the body of POST /copies/.
func (p *copies) Import(ctx context.Context, spec fusion.ImportSpec, size int64, r io.Reader) (fusion.Machine, error) {
	const op = "machine.import"
	path := p.path(spec.Name)
	if fusion.Key(ctx) == "" {
		ctx = fusion.WithKey(ctx, rand.Text())
	}
	body := &sourceReader{r: r}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/copies/?"+importQuery(p.name, spec).Encode(), body)
	if err != nil {
		return fusion.Machine{}, &fusion.Error{Op: op, Path: path, Cause: fusion.ErrInvalid, Detail: err.Error()}
	}
	req.ContentLength = size
	if size == 0 {
		req.Body = http.NoBody
	}
	req.Header.Set(TraceHeader, fusion.Trace(ctx))
	req.Header.Set(KeyHeader, fusion.Key(ctx))
	// A refusal must not get lost while the file is on its way.
	req.Header.Set("Expect", "100-continue")
	m, err := p.imported(ctx, path, req)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		err = cancelCall(ctx, p.c, path, ctx.Err())
	case body.err != nil:
		err = fmt.Errorf("%s %s: %w", op, path, body.err)
	}
	return m, err
}

// importQuery writes a spec as POST /copies/ has it.
func importQuery(host string, spec fusion.ImportSpec) url.Values {
	return url.Values{"host": {host}, "name": {spec.Name}, "raw": {strconv.FormatBool(spec.Raw)},
		"memory": {strconv.FormatInt(spec.MemoryBytes, 10)}, "cpus": {strconv.Itoa(spec.CPUs)},
		"start": {strconv.FormatBool(spec.Start)}}
}

// maxMachine bounds the answer in bytes.
const maxMachine = 64 << 10

// imported sends the request and reads the machine that it is answered with.
func (p *copies) imported(ctx context.Context, path string, req *http.Request) (fusion.Machine, error) {
	const op = "machine.import"
	res, err := p.c.http.Do(req)
	if err != nil {
		return fusion.Machine{}, transportError(ctx, op, path, err)
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == StatusCanceled:
		return fusion.Machine{}, context.Canceled
	case res.StatusCode/100 != 2:
		return fusion.Machine{}, readError(res, path)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxMachine))
	var m pb.Machine
	if err == nil {
		err = protojson.Unmarshal(text, &m)
	}
	if err != nil {
		return fusion.Machine{}, transportError(ctx, op, path, err)
	}
	return convert.MachineFromPB(&m), nil
}
