package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"connectrpc.com/connect"
	"github.com/coder/websocket"

	"hither/app/client"
	"hither/app/convert"
	"hither/fusion"
	"hither/mirror/rtc"
	"hither/mirror/wire"
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

// openScreen opens a screen as the caller may see it.
func (s *Server) openScreen(ctx context.Context, r screenRequest) (fusion.Pipe, fusion.ViewOptions, error) {
	options := fusion.ViewOptions{ViewOnly: r.ViewOnly || !s.may(ctx, fusion.ControlCap),
		NoDrops: !s.may(ctx, fusion.FilesCap), Windows: r.Windows,
		Microphone: s.may(ctx, fusion.MicrophoneCap), Here: callerOf(ctx).Owner}
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
		pipe, options, err := x.s.openScreen(ctx, screenRequest{Host: req.Msg.Host, Screen: req.Msg.Screen,
			ViewOnly: req.Msg.ViewOnly, Windows: req.Msg.Windows})
		return &session{Pipe: pipe, s: x.s, peer: callerOf(ctx).Peer, options: options}, err
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
	peer    fusion.HostID
	options fusion.ViewOptions
}

func (x *session) Run(viewer fusion.Pipe) error {
	return x.s.runView(x.Pipe, viewer, x.peer, x.options)
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
	err := s.allow(ctx, screenPath)
	var pipe fusion.Pipe
	var options fusion.ViewOptions
	if err == nil {
		pipe, options, err = s.openScreen(ctx, request)
	}
	if err != nil {
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
	if err := s.runView(pipe, viewer, callerOf(ctx).Peer, options); err != nil {
		s.log.Debug("view ended", "trace", fusion.Trace(ctx), "err", err)
	}
}

// takeOver answers 101 with the name of the view, and gives the viewer.
func takeOver(w http.ResponseWriter) (viewer movable, err error) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return movable{}, err
	}
	viewer = newMovable(taken{Conn: conn, reader: buffered.Reader})
	_, err = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+client.ScreenUpgrade+
		"\r\n"+client.ViewHeader+": "+viewer.token+"\r\n\r\n")
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		return movable{}, errors.Join(err, conn.Close())
	}
	return viewer, nil
}

// taken reads what the server had read ahead first.
type taken struct {
	net.Conn
	reader io.Reader
}

func (t taken) Read(p []byte) (int, error) { return t.reader.Read(p) }

// helloTimeout bounds how long a WebSocket may take to name its screen.
const helloTimeout = 10 * time.Second

// screenSocket serves the page where WebRTC cannot run. The first message is a
// screenRequest as JSON; an error is answered as JSON text before the end.
func (s *Server) screenSocket(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	if err := s.checkOrigin(r); err != nil {
		writeError(w, err)
		return
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // checkOrigin is stricter
	if err != nil {
		s.log.Debug("websocket", "err", err)
		return
	}
	s.done.Add(1)
	defer s.done.Done()
	conn.SetReadLimit(wire.MaxMessage)
	pipe, options, err := s.socketHello(ctx, conn)
	if err != nil {
		text, merr := json.Marshal(convert.Describe(err))
		if merr == nil {
			_ = conn.Write(ctx, websocket.MessageText, text) // the page may be gone
		}
		_ = conn.Close(websocket.StatusPolicyViolation, "refused")
		return
	}
	viewer := &socketPipe{ctx: ctx, conn: conn}
	if err := s.runView(pipe, viewer, callerOf(ctx).Peer, options); err != nil {
		s.log.Debug("view ended", "trace", fusion.Trace(ctx), "err", err)
	}
}

// socketHello reads the first message and opens the screen it names.
func (s *Server) socketHello(ctx context.Context, conn *websocket.Conn) (fusion.Pipe, fusion.ViewOptions, error) {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	var request screenRequest
	kind, text, err := conn.Read(ctx)
	if err == nil && kind == websocket.MessageText {
		err = json.Unmarshal(text, &request)
	}
	if err != nil || request.Screen == "" {
		return nil, fusion.ViewOptions{}, &fusion.Error{Op: "screen.open", Cause: fusion.ErrInvalid,
			Detail: "the first message names no screen", Hint: "reload the page"}
	}
	if s.tokens.valid(request.Bearer) {
		ctx = withCaller(ctx, Caller{Owner: true})
	}
	if err := s.allow(ctx, screenPath); err != nil {
		return nil, fusion.ViewOptions{}, err
	}
	return s.openScreen(ctx, request)
}

// socketPipe carries wire messages as binary WebSocket messages.
type socketPipe struct {
	ctx  context.Context // of the request; ends with the server
	conn *websocket.Conn
}

func (p *socketPipe) Read() ([]byte, error) {
	for {
		kind, m, err := p.conn.Read(p.ctx)
		switch {
		case err != nil:
			return nil, io.EOF // the page went away, however it did
		case kind == websocket.MessageBinary && len(m) > 0:
			return m, nil
		}
	}
}

func (p *socketPipe) Write(m []byte) error {
	return p.conn.Write(p.ctx, websocket.MessageBinary, m)
}

func (p *socketPipe) Close() error {
	return p.conn.CloseNow()
}
