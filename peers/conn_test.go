package peers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"hither/fusion"
)

const webProtocol = "/hither/test-http/1"

// webPair serves HTTP on a and gives b's client for it.
func webPair(t *testing.T, handler http.Handler) *http.Client {
	t.Helper()
	a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop"))
	pair(t, a, b)
	server := &http.Server{Handler: handler, ConnContext: func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, http.LocalAddrContextKey, c.(interface{ Peer() fusion.HostID }).Peer())
	}}
	done := make(chan struct{})
	l := a.Listen(webProtocol)
	go func() { defer close(done); server.Serve(l) }()
	t.Cleanup(func() { server.Close(); <-done })
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return b.Dial(ctx, a.ID(), webProtocol)
		}}}
}

func TestHTTP(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 1<<17) // 2 MiB, more than a window
	client := webPair(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			io.Copy(w, r.Body)
			return
		}
		io.WriteString(w, big)
	}))
	for range 5 {
		answer, err := client.Get("http://nas/")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || string(body) != big {
			t.Fatalf("%d bytes, %v", len(body), err)
		}
	}
	answer, err := client.Post("http://nas/", "text/plain", strings.NewReader(big))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err != nil || string(body) != big {
		t.Fatalf("%d bytes, %v", len(body), err)
	}
}

func TestHTTPStreamAndCancel(t *testing.T) {
	ended := make(chan error, 1)
	client := webPair(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i := 0; ; i++ {
			if _, err := fmt.Fprintln(w, i); err != nil {
				ended <- err
				return
			}
			http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
				ended <- r.Context().Err()
				return
			case <-time.After(time.Millisecond):
			}
		}
	}))
	ctx, cancel := context.WithCancel(testContext(t))
	request, err := http.NewRequestWithContext(ctx, "GET", "http://nas/", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.ReadFull(answer.Body, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case err := <-ended:
		t.Log("the server saw:", err)
	case <-testContext(t).Done():
		t.Fatal("the server goes on")
	}
}

// streamPair gives the two ends of one stream.
func streamPair(t *testing.T) (near, far net.Conn) {
	t.Helper()
	a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop"))
	pair(t, a, b)
	l := a.Listen(echoProtocol)
	t.Cleanup(func() { l.Close() })
	near, err := b.Dial(testContext(t), a.ID(), echoProtocol)
	if err != nil {
		t.Fatal(err)
	}
	far, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

func TestCloseSendsEverything(t *testing.T) {
	near, far := streamPair(t)
	text := bytes.Repeat([]byte("x"), 1<<20)
	go func() {
		near.Write(text)
		near.Close()
	}()
	if got, err := io.ReadAll(far); err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := near.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
}

func TestWriteToAClosedEnd(t *testing.T) {
	near, far := streamPair(t)
	near.Close()
	until(t, "the writer hears that nobody reads", func() bool {
		far.SetDeadline(time.Now().Add(patient))
		_, err := far.Write(make([]byte, 1000))
		return err != nil
	})
}

func TestDeadlines(t *testing.T) {
	near, _ := streamPair(t)
	near.SetReadDeadline(time.Now().Add(-time.Second))
	if _, err := near.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v", err)
	}
	near.SetReadDeadline(time.Time{})
	read := make(chan error, 1)
	go func() { _, err := near.Read(make([]byte, 1)); read <- err }()
	near.SetReadDeadline(time.Unix(1, 0))
	if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("waiting read: %v", err)
	}
}

func TestCloseEndsAWaitingRead(t *testing.T) {
	near, _ := streamPair(t)
	read := make(chan error, 1)
	go func() { _, err := near.Read(make([]byte, 1)); read <- err }()
	near.Close()
	if err := <-read; err == nil {
		t.Error("read went well")
	}
}

func TestDialHonoursContext(t *testing.T) {
	a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop"))
	pair(t, a, b)
	ctx, cancel := context.WithCancel(testContext(t))
	cancel()
	if _, err := a.Dial(ctx, b.ID(), pulseProtocol); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
