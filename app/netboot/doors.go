package netboot

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pin/tftp/v3"
	"golang.org/x/net/netutil"

	"hither/fusion"
)

// The ports of network boot.
const (
	dhcpPort   = 67
	clientPort = 68
	tftpPort   = 69
	bootPort   = 4011 // PXE 2.1's boot server
)

const (
	// loaderDir is where Debian's package ipxe has its loaders.
	loaderDir = "/usr/lib/ipxe"
	// maxLoader bounds a loader in bytes.
	maxLoader = 8 << 20
	// maxAnswers bounds the answers to DHCP in a second.
	maxAnswers = 64
	// maxLoads bounds the loads by TFTP at a time, and maxConns the connections of HTTP.
	maxLoads, maxConns = 16, 64
	// tftpWait is how long a packet of TFTP is waited for.
	tftpWait = 3 * time.Second
)

// place is an interface with an IPv4 address.
type place struct {
	name   string
	prefix netip.Prefix
}

// places gives this computer's interfaces with an IPv4 address, but for the loopback.
func places() ([]place, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var list []place
	for _, i := range all {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 || i.Flags&net.FlagBroadcast == 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue // it went in this moment
		}
		for _, a := range addrs {
			p, err := netip.ParsePrefix(a.String())
			if err == nil && p.Addr().Is4() {
				list = append(list, place{i.Name, p})
				break
			}
		}
	}
	return list, nil
}

// choose gives the interface of a name, the only one there is for "".
func (s *Server) choose(name string) (place, error) {
	all, err := s.cfg.places()
	if err != nil {
		return place{}, &fusion.Error{Op: opSwitch, Cause: err}
	}
	var names []string
	for _, p := range all {
		names = append(names, p.name)
		if p.name == name || name == "" && len(all) == 1 {
			return p, nil
		}
	}
	known := cmp.Or(strings.Join(names, ", "), "none")
	if name == "" {
		return place{}, &fusion.Error{Op: opSwitch, Cause: fusion.ErrInvalid, Detail: "it is not clear on which network",
			Hint: fmt.Sprintf("name an interface: hither netboot on --interface IF; there are: %s", known)}
	}
	return place{}, &fusion.Error{Op: opSwitch, Path: plain(name), Cause: fusion.ErrNotFound, Detail: "there is no interface of this name with an IPv4 address",
		Hint: fmt.Sprintf("there are: %s", known)}
}

// doors are what listens.
type doors interface {
	port() int // of HTTP
	close() error
}

// opened are the doors on one interface. Each has a goroutine, which close ends and waits for.
type opened struct {
	s       *Server
	at      place
	loaders map[string][]byte
	packets []*net.UDPConn // of DHCP
	tftp    *tftp.Server
	load    *net.UDPConn
	loads   chan struct{} // one for each load
	web     *http.Server
	webAt   net.Listener
	running sync.WaitGroup
}

// openDoors opens all doors on an interface, or none.
func (s *Server) openDoors(at place) (doors, error) {
	o := &opened{s: s, at: at, loads: make(chan struct{}, maxLoads)}
	var err error
	if o.loaders, err = readLoaders(s.cfg.loaders); err != nil {
		return nil, err
	}
	if err := o.listen(); err != nil {
		return nil, errors.Join(doorError(at, err), o.shut())
	}
	for _, conn := range o.packets {
		o.running.Go(func() { o.answerDHCP(conn) })
	}
	o.tftp = tftp.NewServer(o.give, nil)
	o.tftp.SetTimeout(tftpWait)
	o.running.Go(func() {
		if err := o.tftp.Serve(o.load); err != nil && !errors.Is(err, net.ErrClosed) {
			s.cfg.Log.Warn("TFTP ended", "err", err)
		}
	})
	o.web = &http.Server{Handler: s.handler(o), ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Hour, IdleTimeout: time.Minute,
		MaxHeaderBytes: 8 << 10, ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug)}
	o.running.Go(func() {
		if err := o.web.Serve(netutil.LimitListener(o.webAt, maxConns)); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.cfg.Log.Warn("HTTP of network boot ended", "err", err)
		}
	})
	return o, nil
}

// readLoaders reads iPXE's.
func readLoaders(dir string) (map[string][]byte, error) {
	loaders := map[string][]byte{}
	for name, files := range map[string][]string{loaderName: {"undionly.kpxe"}, loaderEFI: {"snponly.efi", "ipxe.efi"}} {
		for _, file := range files {
			text, err := os.ReadFile(filepath.Join(dir, file))
			if err == nil && len(text) <= maxLoader {
				loaders[name] = text
				break
			}
		}
		if loaders[name] == nil {
			return nil, &fusion.Error{Op: opSwitch, Path: filepath.Join(dir, files[len(files)-1]), Cause: fusion.ErrNotFound, Detail: "iPXE is not installed here",
				Hint: "install it: sudo apt install ipxe"}
		}
	}
	return loaders, nil
}

// listen opens the sockets. The first of DHCP takes broadcasts only: what another program
// of this computer is asked directly stays its own.
func (o *opened) listen() error {
	self := o.at.prefix.Addr().String()
	config := net.ListenConfig{Control: onInterface(o.at.name)}
	for _, at := range []string{net.JoinHostPort("255.255.255.255", strconv.Itoa(dhcpPort)), net.JoinHostPort(self, strconv.Itoa(bootPort)),
		net.JoinHostPort(self, strconv.Itoa(tftpPort))} {
		conn, err := config.ListenPacket(o.s.ctx, "udp4", at)
		if err != nil {
			return err
		}
		o.packets = append(o.packets, conn.(*net.UDPConn))
	}
	o.load, o.packets = o.packets[2], o.packets[:2]
	o.s.mu.Lock()
	kept := o.s.list.Port
	o.s.mu.Unlock()
	var err error
	if o.webAt, err = config.Listen(o.s.ctx, "tcp4", net.JoinHostPort(self, strconv.Itoa(kept))); errors.Is(err, syscall.EADDRINUSE) {
		o.webAt, err = config.Listen(o.s.ctx, "tcp4", net.JoinHostPort(self, "0"))
	}
	return err
}

// doorError says why the ports cannot be had.
func doorError(at place, err error) error {
	e := &fusion.Error{Op: opSwitch, Path: at.name, Cause: err}
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		e.Cause, e.Detail, e.Hint = fusion.ErrUnsupported, "network boot is served on Linux only", "switch it on on a Linux computer of that network"
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		program, why := os.Executable()
		if why != nil {
			program = "/path/to/hither"
		}
		e.Cause, e.Detail = fusion.ErrPermission, "this user may not open the ports of DHCP and TFTP"
		e.Hint = fmt.Sprintf("let the program do so, and start the node anew: sudo setcap cap_net_bind_service,cap_net_raw=+ep %s && hither down && hither up", program)
	case errors.Is(err, syscall.EADDRINUSE):
		e.Cause, e.Detail = fusion.ErrBusy, "another program of this computer has the ports of DHCP or TFTP"
		e.Hint = "end it, or serve on another interface; sudo ss -lunp shows who has the ports 67, 69 and 4011"
	}
	return e
}

func (o *opened) port() int { return o.webAt.Addr().(*net.TCPAddr).Port }

// host is where HTTP is.
func (o *opened) host() string { return o.webAt.Addr().String() }

// shut closes what listens.
func (o *opened) shut() (err error) {
	for _, conn := range append(slices.Clone(o.packets), o.load) {
		if conn != nil {
			err = errors.Join(err, conn.Close())
		}
	}
	if o.webAt != nil && o.web == nil {
		err = errors.Join(err, o.webAt.Close())
	}
	return err
}

func (o *opened) close() error {
	err := o.shut()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	err = errors.Join(err, o.web.Close())
	o.tftp.Shutdown()
	o.running.Wait()
	return err
}

// answerDHCP answers on a port until it is closed. More than maxAnswers in a second are not heard.
func (o *opened) answerDHCP(conn *net.UDPConn) {
	port := conn.LocalAddr().(*net.UDPAddr).Port
	self := net.IP(o.at.prefix.Addr().AsSlice())
	script := "http://" + o.host() + "/boot.ipxe"
	packet := make([]byte, 1500)
	var second int64
	answers := 0
	for {
		n, from, err := conn.ReadFromUDP(packet)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // of the interface, which may come back
		}
		if now := time.Now().Unix(); now != second {
			second, answers = now, 0
		}
		if answers++; answers > maxAnswers {
			continue
		}
		a, r := answer(packet[:n], port, self, script)
		if a.mac != "" {
			o.s.saw(a)
		}
		if r == nil {
			continue
		}
		to := from
		if port == dhcpPort {
			to = &net.UDPAddr{IP: net.IPv4bcast, Port: clientPort}
		}
		if _, err := conn.WriteToUDP(r, to); err != nil {
			o.s.cfg.Log.Debug("a computer was not answered", "mac", a.mac, "err", err)
		}
	}
}

// saw puts a computer on the list.
func (s *Server) saw(a asking) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.list.add(a.mac)
	if c == nil {
		return
	}
	now := s.cfg.now()
	// A start asks several times; the list changes once.
	if !c.Seen.IsZero() && now.Sub(c.Seen) < 10*time.Second && c.Firmware != "" {
		return
	}
	c.UUID, c.Firmware, c.Vendor, c.Seen = cmp.Or(a.uuid, c.UUID), a.firmware, a.vendor, now
	if c.State == "" {
		s.cfg.Log.Info("a computer asks to start from the network", "mac", a.mac, "vendor", a.vendor)
		c.enter(fusion.BareSeen, now)
	}
	if c.State == fusion.BareSeen {
		c.Note, c.Hint = a.note, a.hint
	}
	s.touch()
}

var errTooMany = errors.New("too many loads at a time")

// give sends a loader by TFTP. What it is called is looked up, never opened.
func (o *opened) give(name string, to io.ReaderFrom) error {
	text, there := o.loaders[strings.TrimLeft(name, "/")]
	if !there {
		return os.ErrNotExist
	}
	select {
	case o.loads <- struct{}{}:
		defer func() { <-o.loads }()
	default:
		return errTooMany
	}
	if sized, ok := to.(tftp.OutgoingTransfer); ok {
		sized.SetSize(int64(len(text)))
	}
	_, err := to.ReadFrom(strings.NewReader(string(text)))
	return err
}
