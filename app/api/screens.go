package api

import (
	"context"
	"net/http"
	"time"

	"connectrpc.com/connect"
	"github.com/coder/websocket"

	"hither/app/audit"
	"hither/app/client"
	"hither/app/convert"
	"hither/fusion"
	"hither/mirror/rtc"
	pb "hither/proto/hither/v1"
)

type screenService struct{ s *Server }

func (x screenService) List(ctx context.Context, req *connect.Request[pb.ScreenListRequest]) (*connect.Response[pb.ScreenListResponse], error) {
	h, info, err := x.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	list, err := h.Screens().List(ctx, req.Msg.Machine)
	if err != nil {
		return nil, err
	}
	if sight := x.s.sight(ctx, fusion.ViewCap); sight != nil {
		list = kept(list, sight.screen)
	}
	return connect.NewResponse(&pb.ScreenListResponse{
		Screens: convert.All(list, func(sc fusion.Screen) *pb.Screen { return namedScreen(sc, info) }),
	}), nil
}

// screenRequest names the screen to open and how.
type screenRequest struct {
	// Bearer is the page's token; only the WebSocket needs it.
	Bearer   string `json:"bearer"`
	Host     string `json:"host"`
	Screen   string `json:"screen"`
	ViewOnly bool   `json:"viewOnly"`
	Windows  bool   `json:"windows"`
}

// openScreen opens a screen as the caller may see it, by what it was allowed.
func (s *Server) openScreen(ctx context.Context, a access, r screenRequest) (fusion.Pipe, fusion.ViewOptions, error) {
	options := fusion.ViewOptions{ViewOnly: r.ViewOnly || !s.mayOn(ctx, fusion.ControlCap, a.object),
		NoDrops: !s.may(ctx, fusion.FilesCap), Windows: r.Windows,
		Microphone: s.mayOn(ctx, fusion.MicrophoneCap, a.object), Here: callerOf(ctx).Owner}
	h, _, err := s.resolve(ctx, r.Host)
	if err != nil {
		return nil, options, err
	}
	start := time.Now()
	pipe, err := h.Screens().Open(ctx, r.Screen, options)
	s.logCall(ctx, screenPath+"?"+r.Host+"/"+r.Screen, start, err)
	return pipe, options, err
}

// Connect answers an offer for datagrams. The view lives on after the call,
// until their connection or the screen ends.
func (x screenService) Connect(ctx context.Context, req *connect.Request[pb.ScreenConnectRequest]) (*connect.Response[pb.ScreenConnectResponse], error) {
	answer, err := x.s.datagrams.Answer(ctx, req.Msg.OfferSdp, func(ctx context.Context) (rtc.Session, error) {
		if token := req.Msg.Moves; token != "" {
			return x.s.moveOf(ctx, token)
		}
		access := callOf(ctx).allowed()
		pipe, options, err := x.s.openScreen(ctx, access, screenRequest{Host: req.Msg.Host, Screen: req.Msg.Screen,
			ViewOnly: req.Msg.ViewOnly, Windows: req.Msg.Windows})
		return &session{Pipe: pipe, s: x.s, access: access, options: options}, err
	})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.ScreenConnectResponse{AnswerSdp: answer}), nil
}

// session is an open screen that waits for its viewer.
type session struct {
	fusion.Pipe
	s       *Server
	access  access
	options fusion.ViewOptions
}

func (x *session) Run(viewer fusion.Pipe) error {
	return x.s.runView(x.Pipe, viewer, x.access, x.options)
}

// move is a view over a stream that goes on over datagrams when its viewer says so.
type move struct{ movable }

// moveOf finds the view of a token that the caller got.
func (s *Server) moveOf(ctx context.Context, token string) (rtc.Session, error) {
	m, ok := s.views.movable(token, callerOf(ctx).Peer)
	if !ok {
		return nil, &fusion.Error{Op: "screen.connect", Cause: fusion.ErrNotFound, Detail: "the view has ended"}
	}
	return move{m}, nil
}

// Run offers the connection and stays until the view ends.
func (m move) Run(viewer fusion.Pipe) error {
	if m.Offer(viewer) {
		<-m.Done()
	}
	return nil
}

// Close leaves the view where it is.
func (m move) Close() error { return nil }

// upgradeScreen opens a screen over a WebSocket (the page) or over the bare
// connection (command line, other nodes).
func (s *Server) upgradeScreen(w http.ResponseWriter, r *http.Request) {
	ctx := withTrace(r.Context(), r.Header)
	if r.Header.Get("Upgrade") != client.ScreenUpgrade {
		s.screenSocket(ctx, w, r)
		return
	}
	query := r.URL.Query()
	request := screenRequest{Host: query.Get("host"), Screen: query.Get("screen"), ViewOnly: query.Get("viewOnly") == "1",
		Windows: query.Get("windows") == "1"}
	access, err := s.allow(ctx, screenPath, asked(request.Screen))
	var pipe fusion.Pipe
	var options fusion.ViewOptions
	if err == nil {
		pipe, options, err = s.openScreen(ctx, access, request)
	}
	if err != nil {
		s.refusedView(ctx, screenPath, request.Screen, err)
		writeError(w, err)
		return
	}
	viewer, err := takeOver(w)
	if err != nil {
		_ = pipe.Close()
		s.log.Warn("the connection could not be taken over", "err", err)
		return
	}
	s.done.Add(1)
	defer s.done.Done()
	if err := s.runView(pipe, viewer, access, options); err != nil {
		s.log.Debug("view ended", "trace", fusion.Trace(ctx), "err", err)
	}
}

// refusedView writes down that a screen or a terminal was not shown.
func (s *Server) refusedView(ctx context.Context, path, name string, err error) {
	if !callerOf(ctx).Owner && audit.ResultOf(err) == audit.Refused {
		s.refused(ctx, path, asked(name), err)
	}
}

// takeOver answers 101 with the name of the view, and gives the viewer.
func takeOver(w http.ResponseWriter) (viewer movable, err error) {
	conn, err := hijack(w)
	if err != nil {
		return movable{}, err
	}
	viewer = newMovable(conn)
	return viewer, conn.switched(client.ScreenUpgrade, client.ViewHeader+": "+viewer.token+"\r\n")
}

// screenSocket serves the page where WebRTC cannot run. The first message is a
// screenRequest as JSON; an error is answered as JSON text before the end.
func (s *Server) screenSocket(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	conn, ok := s.acceptSocket(w, r)
	if !ok {
		return
	}
	s.done.Add(1)
	defer s.done.Done()
	pipe, access, options, err := s.socketHello(ctx, conn)
	if err != nil {
		s.refusedView(ctx, screenPath, "", err)
		refuseSocket(ctx, conn, err)
		return
	}
	viewer := &socketPipe{ctx: ctx, conn: conn}
	if err := s.runView(pipe, viewer, access, options); err != nil {
		s.log.Debug("view ended", "trace", fusion.Trace(ctx), "err", err)
	}
}

// socketHello reads the first message and opens the screen it names.
func (s *Server) socketHello(ctx context.Context, conn *websocket.Conn) (fusion.Pipe, access, fusion.ViewOptions, error) {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	var request screenRequest
	if err := firstMessage(ctx, conn, &request); err != nil || request.Screen == "" {
		return nil, access{}, fusion.ViewOptions{}, &fusion.Error{Op: "screen.open", Cause: fusion.ErrInvalid,
			Detail: "the first message names no screen", Hint: "reload the page"}
	}
	ctx, allowed, err := s.admit(ctx, request.Bearer, screenPath, asked(request.Screen))
	if err != nil {
		return nil, allowed, fusion.ViewOptions{}, err
	}
	pipe, options, err := s.openScreen(ctx, allowed, request)
	return pipe, allowed, options, err
}
