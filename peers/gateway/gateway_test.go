package gateway

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

// fake is a router that gives an address and other ports than were wanted.
type fake struct {
	ip      netip.Addr
	err     error
	removed []string
}

func (f *fake) kind() string                                 { return "UPnP" }
func (f *fake) external(context.Context) (netip.Addr, error) { return f.ip, f.err }
func (f *fake) add(_ context.Context, proto string, _, want uint16, _ time.Duration) (uint16, error) {
	return want + 1, f.err
}
func (f *fake) remove(_ context.Context, proto string, port, outside uint16) error {
	f.removed = append(f.removed, fmt.Sprintf("%s %d %d", proto, port, outside))
	return nil
}

func mapper() *Mapper {
	public := func(ip netip.Addr) bool { return ip.IsGlobalUnicast() && !ip.IsPrivate() }
	return New(4711, public, func() {}, slog.New(slog.DiscardHandler))
}

// TestAsk: what a router says is taken over, unless its address cannot be one outside.
func TestAsk(t *testing.T) {
	m, f := mapper(), &fake{ip: netip.MustParseAddr("203.0.113.7")}
	s, err := m.ask(t.Context(), f)
	if err != nil || s.Kind != "UPnP" || s.TCP.String() != "203.0.113.7:4712" || s.UDP != s.TCP {
		t.Errorf("%+v, %v", s, err)
	}
	m.set(s)
	m.end(t.Context(), f)
	if strings.Join(f.removed, ", ") != "tcp 4711 4712, udp 4711 4712" || m.State() != (State{}) {
		t.Errorf("removed %v, %+v", f.removed, m.State())
	}
	for _, ip := range []string{"127.0.0.1", "10.0.0.1", "192.168.1.1", "0.0.0.0", "224.0.0.1", "169.254.1.1", "255.255.255.255", "::1"} {
		f.ip = netip.MustParseAddr(ip)
		if s, err := m.ask(t.Context(), f); err == nil || !strings.Contains(err.Error(), ip) || s != (State{}) {
			t.Errorf("%s: %+v, %v", ip, s, err)
		}
	}
	f.err = errors.New("no")
	if s, err := m.ask(t.Context(), f); err == nil || s != (State{}) {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestPMP speaks with a gateway of the test.
func TestPMP(t *testing.T) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for buf := make([]byte, 64); ; {
			size, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			answer := []byte{0, buf[1] | 0x80, 0, 0, 0, 0, 0, 1, 203, 0, 113, 9}
			if size == 12 { // a mapping: the port, another one outside, the time
				answer = append(answer[:8], buf[4], buf[5], 0x20, 0x21, buf[8], buf[9], buf[10], buf[11])
			}
			if _, err := conn.WriteToUDPAddrPort(answer, from); err != nil {
				return
			}
		}
	}()
	defer func() { conn.Close(); <-done }()
	p := &pmp{conn.LocalAddr().(*net.UDPAddr).AddrPort()}
	ip, err := p.external(t.Context())
	if err != nil || ip.String() != "203.0.113.9" {
		t.Errorf("%v, %v", ip, err)
	}
	port, err := p.add(t.Context(), "tcp", 4711, 4711, time.Minute)
	if err != nil || port != 0x2021 {
		t.Errorf("%d, %v", port, err)
	}
	if err := p.remove(t.Context(), "udp", 4711, port); err != nil {
		t.Error(err)
	}
}

const description = `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device><deviceList><device><deviceList><device>
<serviceList><service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><controlURL>%s</controlURL></service></serviceList>
</device></deviceList></device></deviceList></device></root>`

// TestUPnP speaks with a gateway of the test, whose wanted port belongs to somebody else.
func TestUPnP(t *testing.T) {
	control := "/control"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch action := strings.Trim(r.Header.Get("SOAPAction"), `"`); {
		case r.URL.Path == "/away":
			http.Redirect(w, r, "/description", http.StatusFound)
		case r.URL.Path == "/long":
			_, _ = w.Write(make([]byte, 2*maxBody))
		case r.URL.Path == "/description":
			fmt.Fprintf(w, description, control)
		case strings.HasSuffix(action, "#GetExternalIPAddress"):
			fmt.Fprint(w, `<s:Envelope xmlns:s="e"><s:Body><u:GetExternalIPAddressResponse xmlns:u="x"><NewExternalIPAddress>203.0.113.9</NewExternalIPAddress></u:GetExternalIPAddressResponse></s:Body></s:Envelope>`)
		case strings.HasSuffix(action, "#AddPortMapping"):
			body := make([]byte, r.ContentLength)
			_, _ = r.Body.Read(body)
			if strings.Contains(string(body), "<NewExternalPort>4713<") {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			if strings.Contains(string(body), "<NewExternalPort>4711<") {
				w.WriteHeader(http.StatusInternalServerError)
				fmt.Fprint(w, `<s:Envelope xmlns:s="e"><s:Body><s:Fault><detail><UPnPError><errorCode>718</errorCode></UPnPError></detail></s:Fault></s:Body></s:Envelope>`)
			}
		}
	}))
	defer server.Close()
	self := netip.MustParseAddr("127.0.0.1")
	u, err := describe(t.Context(), self, self, server.URL+"/description")
	if err != nil {
		t.Fatal(err)
	}
	if ip, err := u.external(t.Context()); err != nil || ip.String() != "203.0.113.9" {
		t.Errorf("%v, %v", ip, err)
	}
	if port, err := u.add(t.Context(), "tcp", 4711, 4711, time.Minute); err != nil || port == 4711 || port < 1024 {
		t.Errorf("%d, %v", port, err)
	}
	if port, err := u.add(t.Context(), "tcp", 4711, 4713, time.Minute); err == nil {
		t.Errorf("a router that did not answer opened port %d", port)
	}
	if err := u.remove(t.Context(), "tcp", 4711, 4711); err != nil {
		t.Error(err)
	}
	other := netip.MustParseAddr("192.168.1.1")
	if _, err := describe(t.Context(), other, self, server.URL+"/description"); err == nil {
		t.Error("a description that is not on the router was fetched")
	}
	for _, path := range []string{"/away", "/long", "/nothing"} {
		if _, err := describe(t.Context(), self, self, server.URL+path); err == nil {
			t.Error(path, "was taken")
		}
	}
	control = "http://127.0.0.2:80/control"
	if _, err := describe(t.Context(), self, self, server.URL+"/description"); err == nil {
		t.Error("a control URL elsewhere was taken")
	}
}

func TestOnTheRouter(t *testing.T) {
	gateway := netip.MustParseAddr("192.168.1.1")
	for text, good := range map[string]bool{
		"http://192.168.1.1:5000/x": true, "http://192.168.1.1/": true, "https://192.168.1.1/": false, "http://192.168.1.2/": false,
		"http://localhost/": false, "http://u@192.168.1.1/": false, "file:///etc/passwd": false, "": false, "//192.168.1.1": false, ":": false,
	} {
		if _, err := on(gateway, &url.URL{}, text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzPMP(f *testing.F) {
	f.Add(byte(0), []byte{0, 128, 0, 0, 0, 0, 0, 1, 203, 0, 113, 9}, 12)
	f.Fuzz(func(t *testing.T, op byte, answer []byte, size int) {
		if checkPMP(op, answer, size) == nil && (len(answer) != size || binary.BigEndian.Uint16(answer[2:]) != 0) {
			t.Errorf("% x", answer)
		}
	})
}

func FuzzDevice(f *testing.F) {
	f.Add([]byte(fmt.Sprintf(description, "/control")))
	f.Fuzz(func(t *testing.T, body []byte) {
		if service, _, err := parseDevice(body); err == nil && !strings.HasPrefix(service, "urn:") {
			t.Errorf("service %q", service)
		}
	})
}
