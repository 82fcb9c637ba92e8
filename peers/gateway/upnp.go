package gateway

import (
	"bufio"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxBody bounds a description or an answer.
const maxBody = 256 << 10

// upnp speaks to a WANIPConnection or WANPPPConnection service of a gateway.
type upnp struct {
	gateway, self netip.Addr
	control       *url.URL
	service       string
}

func (u *upnp) kind() string { return "UPnP" }

// search is the multicast group of SSDP (UPnP Device Architecture 1.1, 1.3).
var search = net.UDPAddr{IP: net.IPv4(239, 255, 255, 250), Port: 1900}

// findUPnP searches for an Internet Gateway Device and takes the gateway's answer alone.
func findUPnP(ctx context.Context, gateway, self netip.Addr) (*upnp, error) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: self.AsSlice()})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	for _, target := range []string{"urn:schemas-upnp-org:device:InternetGatewayDevice:1", "urn:schemas-upnp-org:device:InternetGatewayDevice:2"} {
		ask := "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: " + target + "\r\n\r\n"
		if _, err := conn.WriteToUDP([]byte(ask), &search); err != nil {
			return nil, err
		}
	}
	if err := conn.SetReadDeadline(time.Now().Add(searchFor)); err != nil {
		return nil, err
	}
	last, buf := errors.New("no answer"), make([]byte, 2048)
	for {
		size, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return nil, last
		}
		if from.Addr().Unmap() != gateway {
			continue
		}
		answer, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(buf[:size])), nil)
		if err != nil {
			last = err
			continue
		}
		u, err := describe(ctx, gateway, self, answer.Header.Get("Location"))
		if err == nil {
			return u, nil
		}
		last = err
	}
}

// on gives a URL if it is one of HTTP on the gateway itself.
func on(gateway netip.Addr, base *url.URL, text string) (*url.URL, error) {
	u, err := base.Parse(text)
	if err != nil {
		return nil, err
	}
	host, err := netip.ParseAddr(u.Hostname())
	if u.Scheme != "http" || err != nil || host.Unmap() != gateway || u.User != nil {
		return nil, fmt.Errorf("%.100q is not on the router", text)
	}
	return u, nil
}

// device is what is read of a description (UPnP Device Architecture 1.1, 2.3).
type device struct {
	Services []struct {
		Type    string `xml:"serviceType"`
		Control string `xml:"controlURL"`
	} `xml:"serviceList>service"`
	Devices []device `xml:"deviceList>device"`
}

func describe(ctx context.Context, gateway, self netip.Addr, location string) (*upnp, error) {
	at, err := on(gateway, &url.URL{}, location)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	body, err := fetch(req)
	if err != nil {
		return nil, err
	}
	service, control, err := parseDevice(body)
	if err != nil {
		return nil, err
	}
	u := &upnp{gateway: gateway, self: self, service: service}
	u.control, err = on(gateway, at, control)
	return u, err
}

// parseDevice finds the service that opens ports in a description.
func parseDevice(body []byte) (service, control string, err error) {
	var root struct {
		Device device `xml:"device"`
	}
	if err := xml.Unmarshal(body, &root); err != nil {
		return "", "", err
	}
	for all := []device{root.Device}; len(all) > 0; {
		d := all[0]
		all = append(all[1:], d.Devices...)
		for _, s := range d.Services {
			switch s.Type {
			case "urn:schemas-upnp-org:service:WANIPConnection:1", "urn:schemas-upnp-org:service:WANIPConnection:2", "urn:schemas-upnp-org:service:WANPPPConnection:1":
				return s.Type, s.Control, nil
			}
		}
	}
	return "", "", errors.New("it describes no connection to the outside")
}

// fetch makes one request to the gateway, on a connection of its own, not redirected.
func fetch(req *http.Request) ([]byte, error) {
	ctx, cancel := context.WithTimeout(req.Context(), answerFor)
	defer cancel()
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxBody:
		return nil, errors.New("its answer is too long")
	case res.StatusCode != http.StatusOK:
		return nil, fault(body, res.Status)
	}
	return body, nil
}

// fault gives the words of a SOAP fault.
func fault(body []byte, status string) error {
	var f struct {
		Code string `xml:"Body>Fault>detail>UPnPError>errorCode"`
		Text string `xml:"Body>Fault>detail>UPnPError>errorDescription"`
	}
	if xml.Unmarshal(body, &f) != nil || f.Code == "" {
		return fmt.Errorf("%.40q", status)
	}
	return faultError{clip(f.Code, 10), clip(f.Text, 60)}
}

// faultError is a gateway's refusal (UPnP Device Architecture 1.1, 3.2.2).
type faultError struct{ code, text string }

func (e faultError) Error() string { return fmt.Sprintf("%q %q", e.code, e.text) }

// conflict is ConflictInMappingEntry: the port outside is somebody else's.
const conflict = "718"

func clip(text string, most int) string { return text[:min(len(text), most)] }

// call is one action (UPnP Device Architecture 1.1, 3.2.1). args are names and values.
func (u *upnp) call(ctx context.Context, action string, args ...string) ([]byte, error) {
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body><u:%s xmlns:u="%s">`, action, u.service)
	for i := 0; i < len(args); i += 2 {
		fmt.Fprintf(&b, "<%s>%s</%s>", args[i], args[i+1], args[i])
	}
	fmt.Fprintf(&b, "</u:%s></s:Body></s:Envelope>", action)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.control.String(), strings.NewReader(b.String()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", `text/xml; charset="utf-8"`)
	req.Header["SOAPAction"] = []string{fmt.Sprintf("%q", u.service+"#"+action)} // some routers want this spelling
	return fetch(req)
}

func (u *upnp) external(ctx context.Context) (netip.Addr, error) {
	body, err := u.call(ctx, "GetExternalIPAddress")
	if err != nil {
		return netip.Addr{}, err
	}
	var r struct {
		IP string `xml:"Body>GetExternalIPAddressResponse>NewExternalIPAddress"`
	}
	if err := xml.Unmarshal(body, &r); err != nil {
		return netip.Addr{}, err
	}
	ip, err := netip.ParseAddr(strings.TrimSpace(r.IP))
	return ip.Unmap(), err
}

// add tries the wanted port, and two others where that is somebody else's.
func (u *upnp) add(ctx context.Context, proto string, port, want uint16, life time.Duration) (uint16, error) {
	var last error
	for i := range 3 {
		outside := want
		if i > 0 {
			outside = 1024 + (want+uint16(i)*7919)%(65535-1024)
		}
		_, last = u.call(ctx, "AddPortMapping", "NewRemoteHost", "", "NewExternalPort", number(outside), "NewProtocol", strings.ToUpper(proto),
			"NewInternalPort", number(port), "NewInternalClient", u.self.String(), "NewEnabled", "1", "NewPortMappingDescription", "Hither",
			"NewLeaseDuration", strconv.Itoa(int(life/time.Second)))
		if last == nil {
			return outside, nil
		}
		if f, ok := errors.AsType[faultError](last); !ok || f.code != conflict {
			break
		}
	}
	return 0, last
}

func (u *upnp) remove(ctx context.Context, proto string, _, outside uint16) error {
	_, err := u.call(ctx, "DeletePortMapping", "NewRemoteHost", "", "NewExternalPort", number(outside), "NewProtocol", strings.ToUpper(proto))
	return err
}

func number(port uint16) string { return strconv.Itoa(int(port)) }
