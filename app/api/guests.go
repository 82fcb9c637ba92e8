package api

import (
	"context"
	"net/http"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type guestService struct{ s *Server }

func (g guestService) Info(ctx context.Context, req *connect.Request[pb.GuestInfoRequest]) (*connect.Response[pb.GuestInfo], error) {
	h, _, err := g.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	info, err := h.Guests().Info(ctx, req.Msg.Machine)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.GuestToPB(info)), nil
}

func (g guestService) Exec(ctx context.Context, req *connect.Request[pb.GuestExecRequest]) (*connect.Response[pb.GuestResult], error) {
	h, _, err := g.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	result, err := h.Guests().Exec(ctx, req.Msg.Machine, fusion.GuestCommand{Argv: req.Msg.Argv, Stdin: req.Msg.Stdin,
		Timeout: req.Msg.Timeout.AsDuration()})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.GuestResultToPB(result)), nil
}

// guest checks the caller and gives the guests of the host that the request names. The
// call is to be ended.
func (s *Server) guest(r *http.Request) (*call, fusion.Guests, error) {
	c, err := s.beginPath(r, guestFilesPath, asked(r.PathValue("machine")))
	if err != nil {
		return nil, nil, err
	}
	h, _, err := s.resolve(c.ctx, r.URL.Query().Get("host"))
	if err != nil {
		return nil, nil, c.end(err)
	}
	return c, h.Guests(), nil
}

// readGuestFile streams a file of a guest. One that cannot be read whole breaks
// the answer off.
func (s *Server) readGuestFile(w http.ResponseWriter, r *http.Request) {
	c, guests, err := s.guest(r)
	if err != nil {
		writeError(w, err)
		return
	}
	out := &answered{ResponseWriter: c.answer(w)}
	w.Header().Set("Content-Type", "application/octet-stream")
	err = c.end(guests.ReadFile(c.ctx, r.PathValue("machine"), r.URL.Query().Get("path"), out))
	switch {
	case err == nil:
	case out.begun:
		s.log.Info("a file of a guest was not read whole", "trace", fusion.Trace(c.ctx), "err", err)
		panic(http.ErrAbortHandler) // the receiver must not take it for whole
	default:
		writeError(w, err)
	}
}

// answered knows whether a part of the answer was given.
type answered struct {
	http.ResponseWriter
	begun bool
}

func (a *answered) Write(p []byte) (int, error) {
	a.begun = a.begun || len(p) > 0
	return a.ResponseWriter.Write(p)
}

// writeGuestFile streams a request's body into a file of a guest.
func (s *Server) writeGuestFile(w http.ResponseWriter, r *http.Request) {
	c, guests, err := s.guest(r)
	if err == nil {
		err = c.end(guests.WriteFile(c.ctx, r.PathValue("machine"), r.URL.Query().Get("path"), c.body(r)))
	}
	if err != nil {
		writeError(w, err)
		drain(w, r)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
