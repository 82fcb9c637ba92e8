package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"syscall"

	"hither/app/home"
	"hither/fusion"
	"hither/internal/wholefile"
)

// settings is what a node remembers of how it was started: settings.json in
// the home. Only settings that worked are saved.
type settings struct {
	Name    string `json:"name,omitempty"`
	Listen  string `json:"listen,omitempty"`
	Mapping string `json:"portMapping,omitempty"`
	Web     string `json:"web,omitempty"`
	WebPort string `json:"webPort,omitempty"`
	Libvirt string `json:"libvirt,omitempty"`
}

const settingsFile = "settings.json"

// settle fills what cfg leaves open from what is remembered, and gives what is
// to be remembered.
func settle(cfg *Config) (*settings, error) {
	var s settings
	text, err := os.ReadFile(cfg.Home.Sub(settingsFile))
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, &fusion.Error{Op: "node", Path: cfg.Home.Sub(settingsFile), Cause: fusion.ErrInvalid, Detail: err.Error(),
			Hint: "mend or remove the file; it holds the node's name and ports only"}
	}
	for _, pair := range []struct{ given, kept *string }{
		{&cfg.Name, &s.Name}, {&cfg.Listen, &s.Listen}, {&cfg.Mapping, &s.Mapping}, {&cfg.Web, &s.Web}, {&cfg.Libvirt, &s.Libvirt},
	} {
		switch *pair.given {
		case "":
			*pair.given = *pair.kept
		case "auto":
			*pair.given = "" // back to the default
		}
		*pair.kept = *pair.given
	}
	if m := cfg.Mapping; m != "" && m != "on" && m != "off" {
		return nil, &fusion.Error{Op: "up", Path: "--port-mapping", Cause: fusion.ErrInvalid, Detail: fmt.Sprintf("%.20q", m), Hint: "one of: on, off, auto"}
	}
	if cfg.Name != "" {
		if err := fusion.CheckName(cfg.Name); err != nil {
			return nil, err
		}
	}
	return &s, nil
}

// save writes the settings whole or not at all.
func (s *settings) save(h home.Home) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := wholefile.Write(h.Sub(settingsFile), append(text, '\n')); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	return nil
}

// listenWeb opens the page's listener, or none for "off". Only the loopback is
// served: elsewhere the page would need TLS.
func listenWeb(addr string, s *settings) (net.Listener, error) {
	if addr == "off" {
		return nil, nil
	}
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	host, port, err := net.SplitHostPort(addr)
	ip, perr := netip.ParseAddr(host)
	if host == "localhost" {
		ip, perr = netip.MustParseAddr("127.0.0.1"), nil
	}
	switch {
	case err != nil || perr != nil:
		return nil, &fusion.Error{Op: "web", Path: addr, Cause: fusion.ErrInvalid, Hint: "--web takes HOST:PORT, for example 127.0.0.1:8480, or off"}
	case !ip.IsLoopback():
		return nil, &fusion.Error{Op: "web", Path: addr, Cause: fusion.ErrUnsupported, Detail: "the page is served on the loopback only",
			Hint: "use 127.0.0.1, and pair the other computer instead"}
	}
	if port == "0" && s.WebPort != "" {
		port = s.WebPort
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(ip.String(), port))
	if errors.Is(err, syscall.EADDRINUSE) && port == s.WebPort {
		listener, err = net.Listen("tcp", net.JoinHostPort(ip.String(), "0")) // somebody took the kept port
	}
	if err != nil {
		return nil, &fusion.Error{Op: "web", Path: addr, Cause: fusion.ErrBusy, Detail: err.Error(), Hint: "choose another port with --web"}
	}
	if _, port, err := net.SplitHostPort(listener.Addr().String()); err == nil {
		s.WebPort = port
	}
	return listener, nil
}

// listenUnix opens the API's socket; the home's lock makes sure that a socket
// which is there already is a dead one.
func listenUnix(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}
