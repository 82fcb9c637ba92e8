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

// guest checks the caller and gives the guests of the host that the request names.
func (s *Server) guest(ctx context.Context, r *http.Request) (fusion.Guests, error) {
	if err := s.allow(ctx, guestFilesPath); err != nil {
		return nil, err
	}
	h, _, err := s.resolve(ctx, r.URL.Query().Get("host"))
	if err != nil {
		return nil, err
	}
	return h.Guests(), nil
}

// readGuestFile streams a file of a guest. One that cannot be read whole breaks
// the answer off.
func (s *Server) readGuestFile(w http.ResponseWriter, r *http.Request) {
	ctx := withTrace(r.Context(), r.Header)
	guests, err := s.guest(ctx, r)
	if err != nil {
		writeError(w, err)
		return
	}
	out := &answered{ResponseWriter: w}
	w.Header().Set("Content-Type", "application/octet-stream")
	err = guests.ReadFile(ctx, r.PathValue("machine"), r.URL.Query().Get("path"), out)
	switch {
	case err == nil:
	case out.begun:
		s.log.Info("a file of a guest was not read whole", "trace", fusion.Trace(ctx), "err", err)
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
	ctx := withTrace(r.Context(), r.Header)
	guests, err := s.guest(ctx, r)
	if err == nil {
		err = guests.WriteFile(ctx, r.PathValue("machine"), r.URL.Query().Get("path"), r.Body)
	}
	if err != nil {
		writeError(w, err)
		drain(w, r)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
