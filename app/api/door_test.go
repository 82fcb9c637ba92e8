package api

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hither/fusion"
)

// counted is a message that counts what was read of it.
type counted struct {
	io.Reader
	read int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += n
	return n, err
}

// knock calls a method as somebody, with a body that must not be read when it is refused.
func (s *scene) knock(as Caller, method string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://hither"+method, body)
	r.Header.Set("Content-Type", "application/proto")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.server.door.ServeHTTP(w, r.WithContext(withCaller(r.Context(), as)))
	return w
}

// TestNothingIsReadOfARefusedCall: what a caller may not do costs no memory for its message,
// and little when it is a known computer.
func TestNothingIsReadOfARefusedCall(t *testing.T) {
	s := newScene(t)
	s.node.grant("id-guest", fusion.ViewCap)
	for _, r := range rpcs(t) {
		n := methods[r.procedure]
		for _, as := range []Caller{{Peer: "id-stranger"}, {Peer: "id-guest"}, {Anonymous: true}} {
			kind := "application/proto"
			if r.streams {
				kind = "application/connect+proto"
			}
			body := &counted{Reader: strings.NewReader(strings.Repeat("\x00", 1<<20))}
			w := s.knock(as, r.procedure, body, "Content-Type", kind)
			may := n.open || as.Peer == "id-guest" && (n.cap == fusion.ViewCap || n.or == fusion.ViewCap)
			most := 0
			if as.Peer == "id-guest" { // what a known computer asks for in vain is written down
				most = smallMessage
			}
			if !may && (body.read > most || !strings.Contains(w.Body.String(), "code")) {
				t.Errorf("%s by %+v: %d bytes were read; %d %s", r.procedure, as, body.read, w.Code, w.Body)
			}
		}
	}
}

// TestCallsOfOneComputerAreBounded: who has too many under way hears so, others do not.
func TestCallsOfOneComputerAreBounded(t *testing.T) {
	s := newScene(t)
	s.node.grant("id-guest", fusion.ViewCap)
	s.node.grant("id-other", fusion.ViewCap)
	var leave []func()
	for range maxCalls {
		l, err := s.server.door.enter("id-guest")
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, l)
	}
	list := func(peer fusion.HostID) int {
		return s.knock(Caller{Peer: peer}, listPath, strings.NewReader("")).Code
	}
	if code := list("id-guest"); code != http.StatusTooManyRequests {
		t.Errorf("one more: %d", code)
	}
	if code := list("id-other"); code != http.StatusOK {
		t.Errorf("another computer: %d", code)
	}
	for _, l := range leave {
		l()
	}
	if code := list("id-guest"); code != http.StatusOK || len(s.server.door.all) != 0 {
		t.Errorf("afterwards: %d, %v", code, s.server.door.all)
	}
}

// TestLargeMessagesAreFew: a computer has few calls with large messages, and others beside.
func TestLargeMessagesAreFew(t *testing.T) {
	s := newScene(t)
	s.node.grant("id-guest", fusion.ViewCap)
	d := s.server.door
	open := func() (*message, func()) {
		leave, err := d.enter("id-guest")
		if err != nil {
			t.Fatal(err)
		}
		m := &message{ReadCloser: io.NopCloser(bytes.NewReader(make([]byte, 2*smallMessage))), door: d, from: "id-guest"}
		return m, func() { m.leave(); leave() }
	}
	var ends []func()
	for range maxLarge {
		m, end := open()
		if n, err := io.Copy(io.Discard, m); err != nil || n != 2*smallMessage {
			t.Fatal(n, err)
		}
		ends = append(ends, end)
	}
	m, end := open()
	if n, err := io.Copy(io.Discard, m); err == nil || n != smallMessage {
		t.Errorf("one more: %d bytes, %v", n, err)
	}
	end()
	large := bytes.Repeat([]byte{0x0a, 0}, smallMessage) // field 1, empty, again and again
	if w := s.knock(Caller{Peer: "id-guest"}, listPath, bytes.NewReader(large)); w.Code != http.StatusTooManyRequests || !strings.Contains(w.Body.String(), "resource_exhausted") {
		t.Errorf("a large call: %d %s", w.Code, w.Body)
	}
	if w := s.knock(Caller{Peer: "id-guest"}, listPath, strings.NewReader("")); w.Code != http.StatusOK {
		t.Errorf("a small call: %d %s", w.Code, w.Body)
	}
	ends[0]()
	if w := s.knock(Caller{Peer: "id-guest"}, listPath, bytes.NewReader(large)); w.Code != http.StatusOK {
		t.Errorf("a large call afterwards: %d %s", w.Code, w.Body)
	}
	for _, end := range ends[1:] {
		end()
	}
}

// TestACallerThatWritesMoreIsCutOff: what comes while a call is answered is not kept.
func TestACallerThatWritesMoreIsCutOff(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	c := &callConn{Conn: near}
	go func() {
		_, _ = far.Write([]byte("request")) // read whole below
		_, _ = far.Write([]byte("more"))    // cut off
	}()
	request := make([]byte, 4096)
	if n, err := c.Read(request); err != nil || string(request[:n]) != "request" {
		t.Fatal(n, err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, errMore) {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := far.Write([]byte("and more")); err == nil {
		t.Error("it may go on")
	}
}
