package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// web asks the loopback listener as pages of other sites, by other names and without a
// token or with a wrong one.
func (a *attack) web() error {
	_, port, err := net.SplitHostPort(a.target)
	if err != nil {
		return err
	}
	own := a.target
	const list = "/hither.v1.MachineService/List"
	upgrade := "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
	type try struct{ what, line, host, headers string }
	tries := []try{
		{"no token", "POST " + list, own, ""},
		{"an empty token", "POST " + list, own, "Authorization: Bearer \r\n"},
		{"a wrong token", "POST " + list, own, "Authorization: Bearer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n"},
		{"basic", "POST " + list, own, "Authorization: Basic YTpi\r\n"},
		{"a cookie", "POST " + list, own, "Cookie: token=x\r\n"},
		{"a token in the address", "POST " + list + "?token=x", own, ""},
		{"a session", "POST /hither.v1.NodeService/Session", own, ""},
		{"an image", "GET /images/" + strings.Repeat("0", 64), own, ""},
		{"a ticket", "GET /copies/AAAAAAAAAAAAAAAAAAAAAA", own, ""},
		{"an absolute address", "POST http://evil.example" + list, own, ""},
	}
	for _, name := range []string{"evil.example", "evil.example:" + port, "localhost.evil.example:" + port, "127.0.0.1.nip.io:" + port,
		"127.0.0.1", "localhost", "[::1]:" + port, "0.0.0.0:" + port, "127.1:" + port, "2130706433:" + port, "wails.localhost", "", own + ".", own + ", evil.example"} {
		tries = append(tries, try{"rebound", "POST " + list, name, ""}, try{"rebound", "GET /", name, ""},
			try{"rebound", "GET /screen", name, upgrade})
	}
	for _, origin := range []string{"http://evil.example", "https://" + own, "http://" + own + ".evil.example", "http://evil.example@" + own, "null", "file://",
		"http://127.0.0.1", "http://localhost", "http://LOCALHOST:" + port + "0", "http://wails.localhost.evil.example", "http://[::1]:" + port} {
		origin := "Origin: " + origin + "\r\n"
		tries = append(tries, try{"another site", "POST " + list, own, origin}, try{"another site", "OPTIONS " + list, own, origin + "Access-Control-Request-Method: POST\r\n"},
			try{"another site", "GET /screen", own, origin + upgrade}, try{"another site", "GET /terminal", own, origin + upgrade})
	}
	tries = append(tries, try{"a form", "POST " + list, own, "Sec-Fetch-Site: cross-site\r\nContent-Type: text/plain\r\n"})
	for _, one := range tries {
		a.webTry(one.what+" "+one.line, one.line, one.host, one.headers)
	}
	return nil
}

func (a *attack) webTry(what, line, host, headers string) {
	ctx, cancel := context.WithTimeout(a.ctx, 5*time.Second)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", a.target)
	if err != nil {
		a.tried(false, err.Error())
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if !strings.Contains(headers, "Content-Type") {
		headers += "Content-Type: application/json\r\n"
	}
	body := ""
	if strings.HasPrefix(line, "POST") {
		body = "{}"
	}
	_, err = fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: %s\r\n%sContent-Length: %d\r\nConnection: %s\r\n\r\n%s", line, host, headers, len(body),
		map[bool]string{true: "Upgrade", false: "close"}[strings.Contains(headers, "Upgrade:")], body)
	if err != nil {
		a.tried(false, what+": "+short(err))
		return
	}
	status, text, err := answer(conn)
	if err != nil {
		a.tried(false, what+": "+short(err))
		return
	}
	a.tried(status < 400, fmt.Sprintf("%s: %d %s", what, status, codeOf(status, text)))
}

// paths names files that are outside of what was granted.
func (a *attack) paths() error {
	e, err := a.connected()
	if err != nil {
		return err
	}
	defer e.close()
	for _, up := range []string{"../x", "..%2fx", "%2e%2e/x", "/etc/x", "%2fetc%2fx", "..\\x", "a/../../x", "x%00y", "..", ".", "~/x", "\xff", strings.Repeat("a", 5000)} {
		asQuery := url.QueryEscape(up)
		if strings.Contains(up, "%") {
			asQuery = up
		}
		for _, line := range []string{
			"PUT /images/" + strings.ReplaceAll(up, "\xff", "%ff"), "GET /images/" + strings.ReplaceAll(up, "\xff", "%ff"),
			"POST /copies/?name=" + asQuery, "GET /copies/" + asQuery, "DELETE /copies/" + asQuery,
			"POST /handover/?name=" + asQuery, "GET /handover/" + asQuery + "?after=", "DELETE /handover/" + asQuery,
			"PUT /guest/" + asQuery + "?path=" + asQuery, "GET /guest/self?path=" + asQuery,
		} {
			body := strings.Repeat("evil", 200)
			ctx, cancel := context.WithTimeout(a.ctx, 5*time.Second)
			status, text, err := e.ask(ctx, fmt.Sprintf("%s HTTP/1.1\r\nHost: hither\r\nContent-Length: %d\r\n\r\n%s", line, len(body), body))
			cancel()
			verb, place, _ := strings.Cut(line, "/")
			place, _, _ = strings.Cut(place, "/")
			through := err == nil && status < 300 && !strings.HasPrefix(line, "POST /handover") // its name is made safe
			how := codeOf(status, text)
			if err != nil {
				how = short(err)
			}
			a.tried(through, verb+place+": "+how)
		}
	}
	return nil
}
