package rtc

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"hither/fusion"
	"hither/mirror/wire"
)

const patience = 60 * time.Second

// joined is a session that shows a view.
type joined struct{ fusion.Pipe }

func (j joined) Run(viewer fusion.Pipe) error { return wire.Join(j.Pipe, viewer) }

// connect gives the viewer's pipe and the host's view.
func connect(t *testing.T, dial dialFunc) (g *Gateway, viewer, host fusion.Pipe) {
	t.Helper()
	g = NewGateway(Config{})
	view, host := wire.Pair()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	viewer, err := dial(ctx, func(ctx context.Context, offer string) (string, error) {
		if strings.Contains(offer, ".local") {
			t.Error("the offer hides its addresses")
		}
		return g.Answer(ctx, offer, func(context.Context) (Session, error) { return joined{view}, nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		viewer.Close()
		host.Close()
		g.Close()
	})
	return g, viewer, host
}

func TestMessagesGoBothWays(t *testing.T) { each(t, messagesGoBothWays) }

func messagesGoBothWays(t *testing.T, dial dialFunc) {
	_, viewer, host := connect(t, dial)
	const n = 100 // 1.6 MB, more than may be unsent
	message := make([]byte, wire.MaxMessage)
	errs := make(chan error, 2)
	go func() {
		for i := range n {
			message[0], message[1] = byte(i), byte(i>>8)
			if err := host.Write(message); err != nil {
				errs <- err
				return
			}
		}
		errs <- nil
	}()
	go func() {
		for i := range n {
			if err := viewer.Write(wire.Ping{ID: uint64(i)}.Append(nil)); err != nil {
				errs <- err
				return
			}
		}
		errs <- nil
	}()
	heard := make(chan error, 1)
	go func() {
		for i := range n {
			m, err := host.Read()
			if err == nil && string(m) != string(wire.Ping{ID: uint64(i)}.Append(nil)) {
				err = errors.New("ping out of order")
			}
			if err != nil {
				heard <- err
				return
			}
		}
		heard <- nil
	}()
	for i := range n {
		m, err := viewer.Read()
		if err != nil {
			t.Fatal(err)
		}
		if len(m) != wire.MaxMessage || m[0] != byte(i) || m[1] != byte(i>>8) {
			t.Fatalf("message %d has %d bytes and number %d", i, len(m), int(m[0])|int(m[1])<<8)
		}
	}
	for _, c := range []chan error{errs, errs, heard} {
		if err := <-c; err != nil {
			t.Error(err)
		}
	}
}

func TestLastWordsArrive(t *testing.T) { each(t, lastWordsArrive) }

func lastWordsArrive(t *testing.T, dial dialFunc) {
	_, viewer, host := connect(t, dial)
	want := wire.Closed{Reason: wire.Revoked, Text: "taken away"}
	if err := host.Write(want.Append(nil)); err != nil {
		t.Fatal(err)
	}
	host.Close()
	b, err := viewer.Read()
	if err != nil {
		t.Fatal(err)
	}
	if m, err := wire.ParseHost(b); m != want {
		t.Error(m, err)
	}
	if _, err := viewer.Read(); err != io.EOF {
		t.Error(err)
	}
}

func TestViewEndsWithItsViewer(t *testing.T) { each(t, viewEndsWithItsViewer) }

func viewEndsWithItsViewer(t *testing.T, dial dialFunc) {
	_, viewer, host := connect(t, dial)
	viewer.Close()
	if _, err := host.Read(); err != io.EOF {
		t.Error(err)
	}
}

func TestCloseEndsTheSessions(t *testing.T) { each(t, closeEndsTheSessions) }

func closeEndsTheSessions(t *testing.T, dial dialFunc) {
	g, viewer, host := connect(t, dial)
	g.Close()
	if _, err := viewer.Read(); err != io.EOF {
		t.Error(err)
	}
	if _, err := host.Read(); err != io.EOF {
		t.Error(err)
	}
	if _, err := g.Answer(t.Context(), "", nil); !errors.Is(err, fusion.ErrOffline) {
		t.Error(err)
	}
}

func TestNoAnswerForNonsense(t *testing.T) {
	g := NewGateway(Config{})
	defer g.Close()
	opened := func(context.Context) (Session, error) {
		t.Error("a view was opened for it")
		return nil, io.EOF
	}
	for _, offer := range []string{"", "v=0\r\n", "nonsense", strings.Repeat("a", maxSDP+1)} {
		if _, err := g.Answer(t.Context(), offer, opened); !errors.Is(err, fusion.ErrInvalid) {
			t.Errorf("%.20q: %v", offer, err)
		}
	}
	_, err := Dial(t.Context(), func(ctx context.Context, offer string) (string, error) {
		return g.Answer(ctx, offer, func(context.Context) (Session, error) { return nil, fusion.ErrNotFound })
	})
	if !errors.Is(err, fusion.ErrNotFound) {
		t.Error(err)
	}
}
