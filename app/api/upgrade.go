package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"hither/app/convert"
	"hither/internal/rawconn"
	"hither/mirror/wire"
)

// taken is a connection that was an HTTP request.
type taken struct{ net.Conn }

// hijack takes a request's connection over.
func hijack(w http.ResponseWriter) (taken, error) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return taken{}, err
	}
	return taken{rawconn.Ahead(conn, buffered.Reader)}, nil
}

// switched answers 101; the connection is the caller's from then on. On an error
// it is closed. more is header lines.
func (t taken) switched(protocol, more string) error {
	_, err := io.WriteString(t, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+protocol+"\r\n"+more+"\r\n")
	if err == nil {
		err = t.SetDeadline(time.Time{})
	}
	if err != nil {
		return errors.Join(err, t.Close())
	}
	return nil
}

// helloTimeout bounds how long a WebSocket may take to say what it wants.
const helloTimeout = 10 * time.Second

// acceptSocket takes a WebSocket of the page; when it does not, the answer is given.
func (s *Server) acceptSocket(w http.ResponseWriter, r *http.Request) (*websocket.Conn, bool) {
	if err := s.checkOrigin(r); err != nil {
		writeError(w, err)
		return nil, false
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // checkOrigin is stricter
	if err != nil {
		s.log.Debug("websocket", "err", err)
		return nil, false
	}
	conn.SetReadLimit(wire.MaxMessage)
	return conn, true
}

// firstMessage reads what a WebSocket wants, as JSON.
func firstMessage(ctx context.Context, conn *websocket.Conn, into any) error {
	kind, text, err := conn.Read(ctx)
	if err == nil && kind == websocket.MessageText {
		err = json.Unmarshal(text, into)
	}
	return err
}

// admit checks who a WebSocket's first message comes from.
func (s *Server) admit(ctx context.Context, bearer, path string, about asked) (context.Context, access, error) {
	if s.tokens.valid(bearer) {
		ctx = withCaller(ctx, Caller{Owner: true})
	}
	access, err := s.allow(ctx, path, about)
	return ctx, access, err
}

// refuseSocket answers an error as JSON text, the last thing that is said.
func refuseSocket(ctx context.Context, conn *websocket.Conn, err error) {
	text, merr := json.Marshal(convert.Describe(err))
	if merr == nil {
		_ = conn.Write(ctx, websocket.MessageText, text) // the page may be gone
	}
	_ = conn.Close(websocket.StatusPolicyViolation, "refused")
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
