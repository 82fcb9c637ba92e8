package fusion

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// TunnelKind says what a tunnel does.
type TunnelKind string

const (
	// ForwardTunnel: an address here leads to Target, as Host reaches it.
	ForwardTunnel TunnelKind = "forward"
	// ReverseTunnel: an address at Host leads to Target, as this computer reaches it.
	ReverseTunnel TunnelKind = "reverse"
	// ProxyTunnel: an address here is a SOCKS5 and HTTP proxy that goes out at Host.
	ProxyTunnel TunnelKind = "proxy"
)

// Target is where the connections of a tunnel end, as one computer reaches it.
type Target struct {
	// Machine is a virtual machine of that computer, by its address there.
	Machine string `json:"machine,omitempty"`
	// Address is an IP address or a name, which that computer resolves. When Machine and
	// Address are empty it is that computer itself, at its loopback.
	Address string `json:"address,omitempty"`
	Port    int    `json:"port"`
}

// TunnelSpec says what tunnel to make.
type TunnelSpec struct {
	Kind TunnelKind `json:"kind"`
	// Proto is "tcp", the default, or "udp". A proxy is "tcp".
	Proto string `json:"proto"`
	// Listen is ADDRESS:PORT, or unix:PATH for "tcp" here: of this computer, and of Host
	// for a reverse tunnel. In a request port 0 is one that is free.
	Listen string `json:"listen"`
	// Open must be true for an address that other computers reach.
	Open bool `json:"open,omitempty"`
	// Host is the other computer, by name or ID in a request, by name in an answer.
	Host string `json:"host"`
	// Target is the zero value for a proxy.
	Target Target `json:"target,omitzero"`
	// Once: it ends with the node, and is not kept over its restart.
	Once bool `json:"once,omitempty"`
	// Limit is how many bytes a second may pass each way, 0 for no limit.
	Limit int64 `json:"limit,omitempty"`
	// Site publishes Target by name, of a reverse tunnel; the zero value is a bare port.
	Site Site `json:"site,omitzero"`
	// User and Password are what a proxy asks for, and a site: of a proxy, no User, no
	// question; of a site, no Password, and without a User any name will do. Answers have
	// no Password.
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
}

// TunnelState says how a tunnel is doing.
type TunnelState string

const (
	TunnelOpen    TunnelState = "open"    // connections are taken, as far as is known
	TunnelWaiting TunnelState = "waiting" // the other computer is offline; it goes on by itself
	TunnelFailed  TunnelState = "failed"  // it is not listened, or the last connection failed
)

// Tunnel is a tunnel that a host keeps.
type Tunnel struct {
	TunnelSpec
	ID     string      `json:"id"`
	HostID HostID      `json:"hostId"`
	State  TunnelState `json:"state"`
	// Note says what is wrong, "" when nothing is, and Hint what helps.
	Note string `json:"note,omitempty"`
	Hint string `json:"hint,omitempty"`
	// Connections are those through it now, or clients of "udp"; Total is since the node
	// started, as are the bytes. In comes from Target, or for a proxy from outside.
	Connections int   `json:"connections"`
	Total       int64 `json:"total"`
	BytesIn     int64 `json:"bytesIn"`
	BytesOut    int64 `json:"bytesOut"`
	// RateIn and RateOut are bytes a second, over the last whole seconds.
	RateIn  float64 `json:"rateIn"`
	RateOut float64 `json:"rateOut"`
	// CertificateUntil is until when a site's certificate holds, zero while it has none.
	CertificateUntil time.Time `json:"certificateUntil,omitzero"`
}

// TunnelPoint is what passed a tunnel in the second that begins at At, in bytes.
type TunnelPoint struct {
	At  time.Time `json:"at"`
	In  int64     `json:"in"`
	Out int64     `json:"out"`
}

// Tunnels are the tunnels that one host keeps: ports that lead from it to other hosts and
// back. To make one at another host needs admin there. What a tunnel reaches is decided by
// the host whose network it is: it must have given the other the capability tunnel, and
// checks each connection.
type Tunnels interface {
	// List gives all tunnels by ID.
	List(ctx context.Context) ([]Tunnel, error)
	// Add begins a tunnel and gives it with its port. A host that is offline is no error.
	// It promises ErrInvalid for what Check refuses, ErrNotFound for a host that is not
	// paired, ErrExists for an address that has a tunnel, ErrBusy when another program has
	// it, and ErrPermission when the node, or the other host, may not.
	Add(ctx context.Context, spec TunnelSpec) (Tunnel, error)
	// Remove ends a tunnel, told by its ID or by what it listens on, and the connections
	// through it. It promises ErrNotFound.
	Remove(ctx context.Context, id string) error
	// Limit changes how many bytes a second may pass a tunnel each way, 0 for no limit, also
	// on the connections that it has. It promises ErrNotFound and ErrInvalid.
	Limit(ctx context.Context, id string, bytes int64) (Tunnel, error)
	// History gives what passed a tunnel in each of the last seconds, five minutes at
	// most, oldest first. It promises ErrNotFound.
	History(ctx context.Context, id string) ([]TunnelPoint, error)
	// Watch calls changed with all tunnels, at once and then about once a second while
	// something about them changes, until ctx ends.
	Watch(ctx context.Context, changed func([]Tunnel)) error
}

// String is the target as people write it after HOST.
func (t Target) String() string {
	switch {
	case t.Machine != "":
		return fmt.Sprintf("/%s:%d", t.Machine, t.Port)
	case t.Address != "":
		return ":" + net.JoinHostPort(t.Address, strconv.Itoa(t.Port))
	}
	return fmt.Sprintf(":%d", t.Port)
}

// Object is what a grant of tunnel names for a target: MACHINE/PORT, where self is the
// computer itself, or ADDRESS:PORT. A grant of MACHINE is of all its ports. A name is an
// object of its own, and not the addresses that it means.
func (t Target) Object() string {
	port := strconv.Itoa(t.Port)
	if t.Machine != "" {
		return t.Machine + "/" + port
	}
	ip, err := netip.ParseAddr(t.Address)
	switch ip = ip.Unmap(); {
	case t.Address == "", strings.EqualFold(t.Address, "localhost"), err == nil && ip.IsLoopback():
		return Self + "/" + port
	case err == nil:
		return netip.AddrPortFrom(ip, uint16(t.Port)).String()
	}
	return strings.ToLower(strings.TrimSuffix(t.Address, ".")) + ":" + port
}

const targetHint = "a target is HOST:PORT for HOST itself, HOST/MACHINE:PORT for a machine of it, or HOST:ADDRESS:PORT for what HOST reaches, as in nas:80, nas/web:80 and nas:10.0.0.5:80"

// ParseTarget reads HOST:PORT, HOST/MACHINE:PORT or HOST:ADDRESS:PORT; an IPv6 address is in
// brackets. An empty HOST is this computer. It returns an error with cause ErrInvalid for
// anything else.
func ParseTarget(text string) (host string, t Target, err error) {
	refuse := func(detail string) (string, Target, error) {
		return "", Target{}, &Error{Op: "tunnel", Path: clip(text), Cause: ErrInvalid, Detail: detail, Hint: targetHint}
	}
	at := strings.LastIndexByte(text, ':')
	if at < 0 {
		return refuse("it has no port")
	}
	if t.Port, err = parsePort(text[at+1:], 1); err != nil {
		return refuse("its port is not one of 1 to 65535")
	}
	where, address, behind := strings.Cut(text[:at], ":")
	host, machine, in := strings.Cut(where, "/")
	t.Machine = machine
	if behind {
		inner, closed := strings.CutSuffix(strings.TrimPrefix(address, "["), "]")
		if bracketed := strings.HasPrefix(address, "["); bracketed != closed || !bracketed && strings.Contains(address, ":") {
			return refuse("an IPv6 address is written in brackets")
		}
		t.Address = inner
	}
	switch {
	case host != "" && CheckName(host) != nil:
		return refuse("its host is no name")
	case in && (CheckName(machine) != nil || behind):
		return refuse("its machine is no name")
	case behind && t.Address == "":
		return refuse("its address is empty")
	}
	return host, t, t.Check()
}

// Check returns an error with cause ErrInvalid unless a tunnel can lead there.
func (t Target) Check() error {
	refuse := func(detail, hint string) error {
		return &Error{Op: "tunnel", Path: clip(t.String()), Cause: ErrInvalid, Detail: detail, Hint: hint}
	}
	switch {
	case t.Port < 1 || t.Port > 65535:
		return refuse("that is no port", "a port is 1 to 65535")
	case t.Machine != "" && t.Address != "":
		return refuse("it is a machine and an address", targetHint)
	case t.Machine != "":
		return CheckName(t.Machine)
	case t.Address == "":
		return nil
	}
	ip, err := netip.ParseAddr(t.Address)
	switch {
	case err == nil && ip.Zone() != "":
		return refuse("an address with a zone is reached from one interface only", "take an address without %"+clip(ip.Zone()))
	case err == nil && (ip.IsUnspecified() || ip.IsMulticast()):
		return refuse("nobody can be connected to there", targetHint)
	case err != nil && !hostName(t.Address):
		return refuse("that is neither an IP address nor a name", targetHint)
	}
	return nil
}

// hostName says whether text can be a name of the DNS: labels of letters, digits, dashes and
// underscores. What looks like a number only is none, as resolvers read such as addresses.
func hostName(text string) bool {
	text = strings.TrimSuffix(text, ".")
	if text == "" || len(text) > 253 {
		return false
	}
	labels := strings.Split(text, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
	}
	last := labels[len(labels)-1]
	return strings.Trim(last, "0123456789") != "" && !strings.HasPrefix(strings.ToLower(last), "0x")
}

const listenHint = "listen on PORT for this computer alone, on ADDRESS:PORT, or on unix:PATH, as in 8080, 127.0.0.1:8080 and unix:/tmp/web"

// ParseListen reads PORT, ADDRESS:PORT or unix:PATH, where PATH is absolute, and gives it as
// a TunnelSpec has it. It returns an error with cause ErrInvalid for anything else.
func ParseListen(text string) (string, error) {
	refuse := func(detail, hint string) (string, error) {
		return "", &Error{Op: "tunnel", Path: clip(text), Cause: ErrInvalid, Detail: detail, Hint: hint}
	}
	if path, unix := strings.CutPrefix(text, "unix:"); unix {
		if !filepath.IsAbs(path) || filepath.Clean(path) != path || len(path) > 100 || strings.ContainsAny(path, "\x00\n") {
			return refuse("a socket's path is absolute and has at most 100 bytes", listenHint)
		}
		return text, nil
	}
	host, port := "127.0.0.1", text
	if strings.Contains(text, ":") {
		var err error
		if host, port, err = net.SplitHostPort(text); err != nil {
			return refuse("that is no address of this computer", listenHint)
		}
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || ip.Zone() != "" || ip.IsMulticast() {
		return refuse("that is no IP address of this computer", listenHint)
	}
	number, err := parsePort(port, 0)
	if err != nil {
		return refuse("that is no port", listenHint)
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(number)).String(), nil
}

func parsePort(text string, least int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > 65535 || text != strconv.Itoa(n) {
		return 0, fmt.Errorf("no port: %w", ErrInvalid)
	}
	return n, nil
}

// Loopback says whether only programs of the listening computer reach a Listen.
func Loopback(listen string) bool {
	at, err := netip.ParseAddrPort(listen)
	return strings.HasPrefix(listen, "unix:") || err == nil && at.Addr().IsLoopback()
}

// WithDefaults fills in the protocol, and writes Listen as ParseListen does.
func (s TunnelSpec) WithDefaults() TunnelSpec {
	if s.Proto == "" {
		s.Proto = "tcp"
	}
	if listen, err := ParseListen(s.Listen); err == nil {
		s.Listen = listen
	}
	return s
}

// CheckLimit returns an error with cause ErrInvalid unless bytes a second can be a limit.
func CheckLimit(bytes int64) error {
	if bytes < 0 || bytes > 0 && bytes < 1024 {
		return &Error{Op: "tunnel", Path: "limit", Cause: ErrInvalid, Detail: "nothing would pass", Hint: "a limit is 1K a second or more, as in --limit 10M"}
	}
	return nil
}

// maxProxyUser bounds a proxy's user and password, in bytes (RFC 1929).
const maxProxyUser = 255

// Check returns an error with cause ErrInvalid unless the tunnel can be asked for.
func (s TunnelSpec) Check() error {
	refuse := func(detail, hint string) error {
		return &Error{Op: "tunnel", Path: clip(s.Listen), Cause: ErrInvalid, Detail: detail, Hint: hint}
	}
	if _, err := ParseListen(s.Listen); err != nil {
		return err
	}
	unix := strings.HasPrefix(s.Listen, "unix:")
	switch {
	case s.Kind != ForwardTunnel && s.Kind != ReverseTunnel && s.Kind != ProxyTunnel:
		return refuse("there is no such kind of tunnel", "forward, reverse or proxy")
	case s.Proto != "tcp" && s.Proto != "udp":
		return refuse("there is no such protocol", "tcp or udp")
	case s.Host == "":
		return refuse("it names no other computer", targetHint)
	case unix && (s.Proto == "udp" || s.Kind == ReverseTunnel):
		return refuse("a socket's path is for TCP of this computer", "listen on a port")
	case !s.Open && !Loopback(s.Listen):
		return refuse("everybody who reaches that address could use the tunnel", "say that this is meant: --open")
	case CheckLimit(s.Limit) != nil:
		return CheckLimit(s.Limit)
	case s.Kind == ProxyTunnel && (s.Proto == "udp" || s.Target != (Target{})):
		return refuse("a proxy goes where its programs say", "leave the target out: hither proxy LOCAL HOST")
	case s.Site != (Site{}):
		return s.checkSite()
	case s.Kind != ProxyTunnel && s.User+s.Password != "":
		return refuse("only a proxy asks for a user", "leave the user out")
	case len(s.User) > maxProxyUser || len(s.Password) > maxProxyUser || strings.ContainsAny(s.User, ":\r\n") || (s.User == "") != (s.Password == ""):
		return refuse("that is no user and password", "a user without a colon, and a password, of at most 255 bytes each")
	case s.Kind == ProxyTunnel && !Loopback(s.Listen) && s.User == "":
		return refuse("everybody could go out through it", "give it a user and a password: --user NAME")
	case s.Kind == ProxyTunnel:
		return nil
	}
	return s.Target.Check()
}
