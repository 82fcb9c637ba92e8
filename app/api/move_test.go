package api

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"connectrpc.com/connect"

	"hither/app/client"
	"hither/fusion"
	"hither/mirror/rtc"
	"hither/mirror/wire"
	pb "hither/proto/hither/v1"
)

// faraway delays what a connection reads, as a long way does.
type faraway struct{ net.Conn }

func (f faraway) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	time.Sleep(10 * time.Millisecond) // the length of the way
	return n, err
}

// traveller is the host as a computer far away sees it. moved yields what came
// of each attempt to go on over datagrams.
func traveller(dial client.Dial) (host fusion.Host, moved chan error) {
	moved = make(chan error, 1)
	c := client.New(dial, func(ctx context.Context) (net.Conn, error) {
		conn, err := dial(ctx)
		return faraway{conn}, err
	})
	c.Datagrams = func(ctx context.Context, exchange func(context.Context, string) (string, error)) (fusion.Pipe, error) {
		pipe, err := rtc.Dial(ctx, exchange)
		moved <- err
		return pipe, err
	}
	return c.HostAs("", "cloud"), moved
}

// acknowledge says that a first frame is on the glass, which begins the move.
func acknowledge(t *testing.T, pipe fusion.Pipe) {
	t.Helper()
	if err := pipe.Write(wire.Ack{Seq: 1}.Append(nil)); err != nil {
		t.Fatal(err)
	}
}

// TestAViewMovesToDatagrams begins over a long stream and goes on over a short
// way, and then loses its permission there.
func TestAViewMovesToDatagrams(t *testing.T) {
	s := newScene(t)
	s.node.grant("laptop", fusion.ControlCap)
	host, moved := traveller(s.peer("laptop"))
	pipe, _ := open(t, host, fusion.ViewOptions{})
	s.waitViews(1)
	acknowledge(t, pipe)
	read := make(chan wire.Closed, 1)
	pongs := make(chan uint64, 100)
	go func() {
		defer close(read)
		for {
			b, err := pipe.Read()
			if err != nil {
				return
			}
			switch m, _ := wire.ParseHost(b); m := m.(type) {
			case wire.Pong:
				pongs <- m.ID
			case wire.Closed:
				read <- m
			}
		}
	}()
	if err := <-moved; err != nil {
		t.Fatal(err)
	}
	// Answers come faster than over the stream, once both sides have moved.
	fast := func(id uint64) bool {
		start := time.Now()
		if err := pipe.Write(wire.Ping{ID: id}.Append(nil)); err != nil {
			t.Fatal(err)
		}
		if got := <-pongs; got != id {
			t.Fatalf("pong %d for ping %d", got, id)
		}
		return time.Since(start) < 10*time.Millisecond
	}
	deadline := time.Now().Add(patience)
	for id := uint64(1); !fast(id); id++ {
		if time.Now().After(deadline) {
			t.Fatal("the view stayed on its stream")
		}
	}
	// A permission holds over both carriers.
	s.node.grant("laptop")
	s.server.GrantsChanged("laptop")
	if why := <-read; why.Reason != wire.Revoked {
		t.Errorf("it ended with %+v", why)
	}
	s.waitViews(0)
}

// TestAViewStaysOnItsStream where there is no way for datagrams.
func TestAViewStaysOnItsStream(t *testing.T) {
	s := newScene(t)
	s.node.grant("laptop", fusion.ViewCap)
	dial := s.peer("laptop")
	c := client.New(dial, func(ctx context.Context) (net.Conn, error) {
		conn, err := dial(ctx)
		return faraway{conn}, err
	})
	tried := make(chan struct{})
	c.Datagrams = func(ctx context.Context, exchange func(context.Context, string) (string, error)) (fusion.Pipe, error) {
		defer close(tried)
		_, err := rtc.Dial(ctx, func(ctx context.Context, offer string) (string, error) {
			if _, err := exchange(ctx, offer); err != nil {
				return "", err
			}
			return "", fusion.ErrOffline // the answer is lost
		})
		return nil, err
	}
	pipe, _ := open(t, c.HostAs("", "cloud"), fusion.ViewOptions{})
	acknowledge(t, pipe)
	done := make(chan error, 1)
	go func() {
		<-tried
		done <- pipe.Write(wire.Ping{ID: 7}.Append(nil))
	}()
	for {
		b, err := pipe.Read()
		if err != nil {
			t.Fatal(err)
		}
		if m, _ := wire.ParseHost(b); m == (wire.Pong{ID: 7}) {
			break
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestOnlyItsViewerMovesAView: a name of another's view is of no use.
func TestOnlyItsViewerMovesAView(t *testing.T) {
	s := newScene(t)
	s.node.grant("laptop", fusion.ViewCap)
	s.node.grant("thief", fusion.ViewCap)
	open(t, hostOf(s.peer("laptop"), ""), fusion.ViewOptions{ViewOnly: true})
	s.waitViews(1)
	var token string
	for _, v := range s.server.views.of(func(*view) bool { return true }) {
		token = v.token
	}
	for _, token := range []string{token, "unknown"} {
		_, err := rtc.Dial(t.Context(), func(ctx context.Context, offer string) (string, error) {
			res, err := s.server.connectAs("thief", ctx, &pb.ScreenConnectRequest{Moves: token, OfferSdp: offer})
			if err != nil {
				return "", err
			}
			return res.Msg.AnswerSdp, nil
		})
		if !errors.Is(err, fusion.ErrNotFound) {
			t.Errorf("token %q: %v", token, err)
		}
	}
	s.waitViews(1)
}

// connectAs calls Connect for a peer.
func (s *Server) connectAs(peer fusion.HostID, ctx context.Context, req *pb.ScreenConnectRequest) (*connect.Response[pb.ScreenConnectResponse], error) {
	return screenService{s: s}.Connect(withCaller(ctx, Caller{Peer: peer}), connect.NewRequest(req))
}
