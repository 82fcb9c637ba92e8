package main

import (
	"context"
	"io"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"

	"hither/app/client"
	"hither/app/convert"
	wireterm "hither/app/terminal"
	"hither/fusion"
	"hither/fusion/hosttest"
	"hither/mirror/wire"
	pb "hither/proto/hither/v1"
	"hither/proto/hither/v1/hitherv1connect"
)

// newGuests is a host with the machine "web", which runs and has an agent.
func newGuests() fusion.Host {
	m := hosttest.NewMemory("12D3nas", "nas")
	if _, err := m.Machines().Create(context.Background(), fusion.MachineSpec{Name: "web", Start: true}); err != nil {
		panic(err)
	}
	m.GiveAgent("web")
	return m
}

func (f *fake) addGuests(mux *http.ServeMux) {
	mux.Handle(hitherv1connect.NewGuestServiceHandler(fakeGuests{fake: f}))
	mux.HandleFunc("GET /terminal", f.terminal)
	mux.HandleFunc("GET /guest/{machine}", func(w http.ResponseWriter, r *http.Request) {
		f.answerPlain(w, f.guests.Guests().ReadFile(r.Context(), r.PathValue("machine"), r.URL.Query().Get("path"), w))
	})
	mux.HandleFunc("PUT /guest/{machine}", func(w http.ResponseWriter, r *http.Request) {
		f.answerPlain(w, f.guests.Guests().WriteFile(r.Context(), r.PathValue("machine"), r.URL.Query().Get("path"), r.Body))
	})
}

// answerPlain answers a request that is no method.
func (f *fake) answerPlain(w http.ResponseWriter, err error) {
	if err == nil {
		return
	}
	text, merr := protojson.Marshal(convert.Describe(err))
	if merr != nil {
		panic(merr)
	}
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(text) // the client may be gone
}

// terminal answers GET /terminal with one that echoes.
func (f *fake) terminal(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	t, err := f.guests.Terminals().Open(r.Context(), q.Get("machine"), fusion.TerminalOptions{ViewOnly: q.Get("viewOnly") == "1"})
	if err != nil {
		f.answerPlain(w, err)
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_, err = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+client.TerminalUpgrade+"\r\n\r\n")
	}
	if err != nil {
		panic(err)
	}
	_ = wire.Join(wireterm.Host(t), wire.Stream(conn)) // however it ended
}

type fakeGuests struct {
	hitherv1connect.UnimplementedGuestServiceHandler
	*fake
}

func (f fakeGuests) Info(ctx context.Context, req *connect.Request[pb.GuestInfoRequest]) (*connect.Response[pb.GuestInfo], error) {
	info, err := f.guests.Guests().Info(ctx, req.Msg.Machine)
	if err != nil {
		return nil, convert.ErrorToPB(err)
	}
	return answer(convert.GuestToPB(info))
}

func (f fakeGuests) Exec(ctx context.Context, req *connect.Request[pb.GuestExecRequest]) (*connect.Response[pb.GuestResult], error) {
	result, err := f.guests.Guests().Exec(ctx, req.Msg.Machine, fusion.GuestCommand{Argv: req.Msg.Argv, Stdin: req.Msg.Stdin})
	if err != nil {
		return nil, convert.ErrorToPB(err)
	}
	return answer(convert.GuestResultToPB(result))
}
