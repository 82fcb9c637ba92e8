package api

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type machineService struct{ s *Server }

// named fills in whose machine it is.
func named(m fusion.Machine, host fusion.HostInfo) *pb.Machine {
	m = m.Offered(host)
	m.Host = host.Name
	m.Address = host.Name + "/" + m.Name
	return convert.MachineToPB(m)
}

// one calls do on the machines of a host and names the machine it gives.
func (m machineService) one(ctx context.Context, host string,
	do func(fusion.Machines) (fusion.Machine, error)) (*connect.Response[pb.Machine], error) {
	h, info, err := m.s.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	machine, err := do(h.Machines())
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(named(machine, info)), nil
}

func (m machineService) List(ctx context.Context, req *connect.Request[pb.MachineListRequest]) (*connect.Response[pb.MachineListResponse], error) {
	h, info, err := m.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	list, err := h.Machines().List(ctx)
	if err != nil {
		return nil, err
	}
	sight, seen := m.s.sight(ctx, fusion.ViewCap), list[:0]
	for _, x := range list {
		if x, ok := sight.machine(x); ok {
			seen = append(seen, x)
		}
	}
	return connect.NewResponse(&pb.MachineListResponse{
		Machines: convert.All(seen, func(x fusion.Machine) *pb.Machine { return named(x, info) }),
	}), nil
}

func (m machineService) Get(ctx context.Context, req *connect.Request[pb.MachineGetRequest]) (*connect.Response[pb.Machine], error) {
	return m.one(ctx, req.Msg.Host, func(x fusion.Machines) (fusion.Machine, error) { return x.Get(ctx, req.Msg.Name) })
}

func (m machineService) Create(ctx context.Context, req *connect.Request[pb.MachineCreateRequest]) (*connect.Response[pb.Machine], error) {
	if err := m.s.mayFetch(ctx, req.Msg.Iso, req.Msg.Image); err != nil {
		return nil, err
	}
	spec := convert.MachineSpecFromPB(req.Msg)
	return m.one(ctx, req.Msg.Host, func(x fusion.Machines) (fusion.Machine, error) { return x.Create(ctx, spec) })
}

func (m machineService) Do(ctx context.Context, req *connect.Request[pb.MachineDoRequest]) (*connect.Response[pb.MachineDoResponse], error) {
	h, _, err := m.s.resolve(ctx, req.Msg.Host)
	if err == nil {
		err = m.s.mayDo(ctx, req.Msg.Name)
	}
	if err != nil {
		return nil, err
	}
	if err := h.Machines().Do(ctx, req.Msg.Name, fusion.Verb(req.Msg.Verb)); err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.MachineDoResponse{}), nil
}

func (m machineService) Remove(ctx context.Context, req *connect.Request[pb.MachineRemoveRequest]) (*connect.Response[pb.MachineRemoveResponse], error) {
	h, _, err := m.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	if err := h.Machines().Remove(ctx, req.Msg.Name); err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.MachineRemoveResponse{}), nil
}

func (m machineService) Screenshot(ctx context.Context, req *connect.Request[pb.MachineScreenshotRequest]) (*connect.Response[pb.MachineScreenshotResponse], error) {
	h, _, err := m.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	png, err := h.Machines().Screenshot(ctx, req.Msg.Name)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.MachineScreenshotResponse{Png: png}), nil
}

func (m machineService) Stats(ctx context.Context, req *connect.Request[pb.MachineStatsRequest]) (*connect.Response[pb.MachineStatsResponse], error) {
	h, _, err := m.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	stats, err := h.Machines().Stats(ctx)
	if err != nil {
		return nil, err
	}
	if sight := m.s.sight(ctx, fusion.ViewCap); sight != nil {
		stats = kept(stats, func(x fusion.Stats) bool { return sight.named(x.Name) })
	}
	return connect.NewResponse(&pb.MachineStatsResponse{Stats: convert.All(stats, convert.StatsToPB)}), nil
}

// putImage streams a request's body into a host's image pool.
func (s *Server) putImage(w http.ResponseWriter, r *http.Request) {
	c, err := s.beginPath(r, imagesPath, nil)
	if err != nil {
		writeError(w, err)
		return
	}
	h, _, err := s.resolve(c.ctx, r.URL.Query().Get("host"))
	if err == nil {
		err = h.Machines().Upload(c.ctx, r.PathValue("name"), r.ContentLength, c.body(r))
	}
	if err = c.end(err); err != nil {
		writeError(w, err)
		drain(w, r)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// drainTime bounds how long a refused upload is still read.
const drainTime = 5 * time.Second

// drain sends the answer and reads on for a while: a sender whose connection
// breaks while it writes never reads why.
func drain(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	err := control.Flush()
	if err == nil {
		err = control.SetReadDeadline(time.Now().Add(drainTime))
	}
	if err == nil {
		_, _ = io.Copy(io.Discard, r.Body) // the sender stops, or the time is over
	}
}

// writeError answers a plain HTTP request with an error as JSON.
func writeError(w http.ResponseWriter, err error) {
	status := map[string]int{"not_found": 404, "exists": 409, "permission": 403, "invalid": 400,
		"unsupported": 501, "offline": 503, "unpaired": 401, "busy": 429}[fusion.CauseName(err)]
	if status == 0 {
		status = http.StatusInternalServerError
	}
	text, merr := protojson.Marshal(convert.Describe(err))
	if merr != nil {
		text = []byte(`{"detail":"the error could not be written"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	// Who is told where the answer ends need not wait for what drain reads.
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) // the caller is gone if this fails
}
