package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"

	"hither/app/client"
	"hither/app/convert"
	"hither/app/jobs"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type copyService struct{ s *Server }

func (c copyService) Clone(ctx context.Context, req *connect.Request[pb.CloneRequest]) (*connect.Response[pb.Machine], error) {
	h, info, err := c.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	spec := fusion.CloneSpec{Name: req.Msg.Name, Mode: fusion.CloneMode(req.Msg.Mode), Start: req.Msg.Start}
	m, err := h.Copies().Clone(ctx, req.Msg.Machine, spec)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(named(m, info)), nil
}

func (c copyService) SetTemplate(ctx context.Context, req *connect.Request[pb.SetTemplateRequest]) (*connect.Response[pb.Machine], error) {
	h, info, err := c.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	m, err := h.Copies().SetTemplate(ctx, req.Msg.Machine, req.Msg.On)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(named(m, info)), nil
}

func (c copyService) Export(ctx context.Context, req *connect.Request[pb.ExportRequest]) (*connect.Response[pb.ExportResponse], error) {
	h, _, err := c.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	e, err := h.Copies().Export(ctx, req.Msg.Machine, fusion.ExportFormat(req.Msg.Format))
	if err != nil {
		return nil, err
	}
	ticket := c.s.ready.put(callerOf(ctx), thingOf(ctx), e, c.s.log)
	return connect.NewResponse(&pb.ExportResponse{Ticket: ticket, Name: e.Name(), Size: e.Size()}), nil
}

func (c copyService) Deploy(ctx context.Context, req *connect.Request[pb.DeployRequest]) (*connect.Response[pb.DeployResponse], error) {
	h, _, err := c.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	spec := convert.DeploySpecFromPB(req.Msg)
	made, err := h.Copies().Deploy(ctx, req.Msg.Machine, spec)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.DeployResponse{Machines: convert.All(made, convert.MachineToPB)}), nil
}

func (c copyService) DeployImage(ctx context.Context, req *connect.Request[pb.DeployImageRequest]) (*connect.Response[pb.DeployResponse], error) {
	h, _, err := c.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	spec := convert.DeploySpecFromPB(req.Msg)
	made, err := h.Copies().DeployImage(ctx, req.Msg.Name, convert.MachineSpecFromPB(req.Msg.Of), spec)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.DeployResponse{Machines: convert.All(made, convert.MachineToPB)}), nil
}

// importMachine makes a machine of a request's body, as a job: it is the caller's
// until the body has come, and then the host's.
func (s *Server) importMachine(w http.ResponseWriter, r *http.Request) {
	c, err := s.beginPath(r, copiesPath, nil)
	var m *pb.Machine
	if err == nil {
		ctx := c.ctx
		if key := r.Header.Get(client.KeyHeader); len(key) <= maxKey && fusion.CheckName(key) == nil {
			ctx = fusion.WithKey(ctx, key)
		}
		m, err = s.doImport(ctx, r, c.body(r))
		err = c.end(err)
	}
	switch {
	case errors.Is(err, context.Canceled):
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(client.StatusCanceled)
		drain(w, r)
		return
	case err != nil:
		writeError(w, err)
		drain(w, r)
		return
	}
	text, err := protojson.Marshal(m)
	if err != nil {
		writeError(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // the caller is gone if this fails; the machine is there
}

func (s *Server) doImport(ctx context.Context, r *http.Request, sent io.Reader) (*pb.Machine, error) {
	query := r.URL.Query()
	spec, err := importSpec(query)
	if err != nil {
		return nil, err
	}
	h, info, err := s.resolve(ctx, query.Get("host"))
	if err != nil {
		return nil, err
	}
	call := jobs.Call{Caller: callerOf(ctx).String(), Key: fusion.Key(ctx), Print: copiesPath + "\n" + query.Encode() + "\n" + strconv.FormatInt(r.ContentLength, 10),
		Op: "machine.import", Name: spec.Name, Hidden: !info.Local}
	made, err := s.node.Jobs().Do(ctx, call, func(ctx context.Context) (any, error) {
		body, stop := until(ctx, sent)
		defer stop()
		m, err := h.Copies().Import(ctx, spec, r.ContentLength, body)
		return named(m, info), err
	})
	if err != nil {
		return nil, err
	}
	return made.(*pb.Machine), nil
}

// until reads a body until ctx ends, so that a job that is canceled does not wait
// for a sender that sends nothing. The body stays readable, for drain; stop is
// called when nothing more is wanted of it.
func until(ctx context.Context, body io.Reader) (r io.Reader, stop func()) {
	out, in := io.Pipe()
	go func() {
		_, err := io.Copy(in, body)
		_ = in.CloseWithError(err)
	}()
	ended := context.AfterFunc(ctx, func() { _ = out.CloseWithError(ctx.Err()) })
	return out, func() { ended(); _ = out.Close() }
}

func importSpec(query url.Values) (fusion.ImportSpec, error) {
	spec := fusion.ImportSpec{Name: query.Get("name"), Raw: query.Get("raw") == "true", Start: query.Get("start") == "true"}
	memory, err := number(query.Get("memory"))
	if err != nil {
		return spec, err
	}
	cpus, err := number(query.Get("cpus"))
	spec.MemoryBytes, spec.CPUs = memory, int(min(cpus, 1<<20))
	return spec, err
}

// number reads a count; none is 0.
func number(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, &fusion.Error{Op: "machine.import", Cause: fusion.ErrInvalid, Detail: "a size is no number", Hint: "give sizes in bytes"}
	}
	return n, nil
}
