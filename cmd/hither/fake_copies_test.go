package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
	"hither/proto/hither/v1/hitherv1connect"
)

type fakeCopies struct {
	hitherv1connect.UnimplementedCopyServiceHandler
	*fake
}

func (f fakeCopies) Clone(_ context.Context, req *connect.Request[pb.CloneRequest]) (*connect.Response[pb.Machine], error) {
	of, err := (fakeMachines{fake: f.fake}).find(req.Msg.Host, req.Msg.Machine)
	if err != nil {
		return nil, err
	}
	if of.State != "off" {
		return refuse[pb.Machine](fusion.ErrInvalid, of.Name, "shut it down first")
	}
	return f.add(req.Msg.Host, req.Msg.Name, fmt.Sprintf("of %s, mode %q, start %v", of.Name, req.Msg.Mode, req.Msg.Start))
}

// add makes a machine whose note says how.
func (f *fake) add(host, name, note string) (*connect.Response[pb.Machine], error) {
	h, err := f.host(host)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	m := &pb.Machine{Address: h + "/" + name, Host: h, Name: name, Kind: "vm", State: "off", Note: note}
	f.machines[h] = append(f.machines[h], m)
	return answer(m)
}

func (f fakeCopies) SetTemplate(_ context.Context, req *connect.Request[pb.SetTemplateRequest]) (*connect.Response[pb.Machine], error) {
	m, err := (fakeMachines{fake: f.fake}).find(req.Msg.Host, req.Msg.Machine)
	if err != nil {
		return nil, err
	}
	m.Template = req.Msg.On
	return answer(m)
}

const exportedText = "a machine in a file"

func (f fakeCopies) Export(_ context.Context, req *connect.Request[pb.ExportRequest]) (*connect.Response[pb.ExportResponse], error) {
	m, err := (fakeMachines{fake: f.fake}).find(req.Msg.Host, req.Msg.Machine)
	if err != nil {
		return nil, err
	}
	text := exportedText + " as " + req.Msg.Format + "\n"
	return answer(&pb.ExportResponse{Ticket: req.Msg.Format, Name: m.Name + ".tar", Size: int64(len(text))})
}

// exported cuts the first answer off in the middle.
func (f *fake) exported(w http.ResponseWriter, r *http.Request) {
	text := exportedText + " as " + r.PathValue("ticket") + "\n"
	f.mu.Lock()
	cut := !f.cut
	f.cut = true
	f.mu.Unlock()
	if cut {
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		_, _ = io.WriteString(w, text[:7]) // the client may be gone
		panic(http.ErrAbortHandler)
	}
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(text))
}

func (f *fake) imported(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	q := r.URL.Query()
	note := fmt.Sprintf("%q raw %s memory %s cpus %s start %s", body, q.Get("raw"), q.Get("memory"), q.Get("cpus"), q.Get("start"))
	m, err := f.add(q.Get("host"), q.Get("name"), note)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	text, err := protojson.Marshal(m.Msg)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(text) // the client may be gone
}

func (f fakeCopies) Deploy(_ context.Context, req *connect.Request[pb.DeployRequest]) (*connect.Response[pb.DeployResponse], error) {
	if _, err := (fakeMachines{fake: f.fake}).find(req.Msg.Host, req.Msg.Machine); err != nil {
		return nil, err
	}
	spec := convert.DeploySpecFromPB(req.Msg)
	spec, err := spec.Check(req.Msg.Machine)
	if err != nil {
		return nil, convert.ErrorToPB(err)
	}
	return f.deployed(spec, 0)
}

// DeployImage takes images of nas, and the sizes that the test gives.
func (f fakeCopies) DeployImage(_ context.Context, req *connect.Request[pb.DeployImageRequest]) (*connect.Response[pb.DeployResponse], error) {
	f.mu.Lock()
	_, there := f.images[req.Msg.Name]
	f.mu.Unlock()
	if !there {
		return refuse[pb.DeployResponse](fusion.ErrNotFound, req.Msg.Name, "hither image ls")
	}
	spec := convert.DeploySpecFromPB(req.Msg)
	of := convert.MachineSpecFromPB(req.Msg.Of)
	spec, err := spec.CheckImage(req.Msg.Name, of)
	if err != nil {
		return nil, convert.ErrorToPB(err)
	}
	return f.deployed(spec, of.MemoryBytes)
}

// deployed answers with the machines that a checked spec makes.
func (f fakeCopies) deployed(spec fusion.DeploySpec, memory int64) (*connect.Response[pb.DeployResponse], error) {
	res := &pb.DeployResponse{}
	for i, id := range spec.To {
		h, err := f.host(string(id))
		if err != nil {
			return nil, err
		}
		for _, name := range spec.Names(i) {
			res.Machines = append(res.Machines, &pb.Machine{Address: h + "/" + name, Host: h, Name: name, Kind: "vm", State: "off", MemoryBytes: memory})
		}
	}
	return answer(res)
}
