package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/coder/websocket"

	"hither/app/client"
	"hither/app/terminal"
	"hither/fusion"
	"hither/mirror/wire"
)

// terminalRequest names the terminal to open and how.
type terminalRequest struct {
	// Bearer is the page's token; only the WebSocket needs it.
	Bearer  string `json:"bearer"`
	Host    string `json:"host"`
	Machine string `json:"machine"`
	fusion.TerminalOptions
}

// terminalQuery reads the request of an upgrade. What is no number is refused
// with the size.
func terminalQuery(q url.Values) terminalRequest {
	number := func(key string) int {
		n, err := strconv.Atoi(q.Get(key))
		if err != nil && q.Has(key) {
			return -1
		}
		return n
	}
	return terminalRequest{Host: q.Get("host"), Machine: q.Get("machine"), TerminalOptions: fusion.TerminalOptions{
		ViewOnly: q.Get("viewOnly") == "1", Columns: number("columns"), Rows: number("rows"), Term: q.Get("term")}}
}

// openTerminal opens a terminal as the caller may see it. The view ends when the
// caller loses what it needs.
func (s *Server) openTerminal(ctx context.Context, a access, r terminalRequest) (fusion.Pipe, fusion.ViewOptions, error) {
	r.ViewOnly = r.ViewOnly || !s.mayOn(ctx, fusion.ControlCap, a.object)
	mode := fusion.ViewOptions{ViewOnly: r.ViewOnly, NoDrops: true}
	h, _, err := s.resolve(ctx, r.Host)
	if err != nil {
		return nil, mode, err
	}
	if r.Machine == fusion.Self && !callerOf(ctx).Owner {
		// Its shell is all that its owner can do: say what grant that needs.
		if err := s.allowPeer(callerOf(ctx).Peer, fusion.ControlCap, fusion.Self); err != nil {
			return nil, mode, err
		}
	}
	start := time.Now()
	t, err := h.Terminals().Open(ctx, r.Machine, r.TerminalOptions)
	s.logCall(ctx, terminalPath+"?"+r.Host+"/"+r.Machine, start, err)
	if err != nil {
		return nil, mode, err
	}
	return terminal.Host(t), mode, nil
}

// upgradeTerminal opens a terminal over a WebSocket (the page) or over the bare
// connection (command line, other nodes).
func (s *Server) upgradeTerminal(w http.ResponseWriter, r *http.Request) {
	ctx := withTrace(r.Context(), r.Header)
	if r.Header.Get("Upgrade") != client.TerminalUpgrade {
		s.terminalSocket(ctx, w, r)
		return
	}
	request := terminalQuery(r.URL.Query())
	access, err := s.allow(ctx, terminalPath, asked(request.Machine))
	var pipe fusion.Pipe
	var mode fusion.ViewOptions
	if err == nil {
		pipe, mode, err = s.openTerminal(ctx, access, request)
	}
	if err != nil {
		s.refusedView(ctx, terminalPath, request.Machine, err)
		writeError(w, err)
		return
	}
	conn, err := hijack(w)
	if err == nil {
		err = conn.switched(client.TerminalUpgrade, "")
	}
	if err != nil {
		_ = pipe.Close()
		s.log.Warn("the connection could not be taken over", "err", err)
		return
	}
	s.showTerminal(ctx, pipe, wire.Stream(conn), access, mode)
}

// terminalSocket serves the page. The first message is a terminalRequest as JSON;
// an error is answered as JSON text before the end.
func (s *Server) terminalSocket(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	conn, ok := s.acceptSocket(w, r)
	if !ok {
		return
	}
	pipe, access, mode, err := s.terminalHello(ctx, conn)
	if err != nil {
		s.refusedView(ctx, terminalPath, "", err)
		refuseSocket(ctx, conn, err)
		return
	}
	s.showTerminal(ctx, pipe, &socketPipe{ctx: ctx, conn: conn}, access, mode)
}

func (s *Server) terminalHello(ctx context.Context, conn *websocket.Conn) (fusion.Pipe, access, fusion.ViewOptions, error) {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	var request terminalRequest
	if err := firstMessage(ctx, conn, &request); err != nil || request.Machine == "" {
		return nil, access{}, fusion.ViewOptions{}, &fusion.Error{Op: "machine.console", Cause: fusion.ErrInvalid,
			Detail: "the first message names no machine", Hint: "reload the page"}
	}
	ctx, allowed, err := s.admit(ctx, request.Bearer, terminalPath, asked(request.Machine))
	if err != nil {
		return nil, allowed, fusion.ViewOptions{}, err
	}
	pipe, mode, err := s.openTerminal(ctx, allowed, request)
	return pipe, allowed, mode, err
}

// showTerminal carries messages until either side ends.
func (s *Server) showTerminal(ctx context.Context, pipe, viewer fusion.Pipe, access access, mode fusion.ViewOptions) {
	s.done.Add(1)
	defer s.done.Done()
	if err := s.runView(pipe, viewer, access, mode); err != nil {
		s.log.Debug("terminal ended", "trace", fusion.Trace(ctx), "err", err)
	}
}
