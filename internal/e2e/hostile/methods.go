package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "hither/proto/hither/v1" // its services are listed
)

// everyMethod calls each method and each path of the API with an empty message. Through
// counts those that answer anything but that the caller is not allowed to; How has each.
func (a *attack) everyMethod() error {
	var c caller
	defer func() { c.close() }()
	protoregistry.GlobalFiles.RangeFilesByPackage("hither.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				method := service.Methods().Get(j)
				path := fmt.Sprintf("/%s/%s", service.FullName(), method.Name())
				text := post(path, "json", "{}")
				if method.IsStreamingServer() {
					text = post(path, "connect+json", "\x00\x00\x00\x00\x02{}")
				}
				a.call(&c, strings.TrimPrefix(path, "/hither.v1."), asking(text))
			}
		}
		return true
	})
	for _, line := range []string{"GET /guest/x?path=/etc/passwd", "PUT /guest/x?path=/tmp/x", "PUT /images/x.img", "GET /images/" + strings.Repeat("0", 64),
		"POST /copies/?name=x", "GET /copies/x", "DELETE /copies/x", "POST /handover/?name=x", "GET /handover/x", "DELETE /handover/x"} {
		a.call(&c, line, asking(line+" HTTP/1.1\r\nHost: hither\r\nContent-Length: 0\r\n\r\n"))
	}
	for _, path := range []string{"/screen", "/terminal"} {
		a.call(&c, path, asking("GET "+path+"?machine=self&screen=self HTTP/1.1\r\nHost: hither\r\nConnection: Upgrade\r\nUpgrade: hither-"+path[1:]+"\r\n\r\n"))
		a.call(&c, path+" as a WebSocket", func(ctx context.Context, e *evil) (string, error) { return e.socket(ctx, path) })
	}
	return nil
}

// caller is a peer that comes again when its connection has ended.
type caller struct{ evil *evil }

func (c *caller) close() {
	if c.evil != nil {
		c.evil.close()
		c.evil = nil
	}
}

// asking is a request whose answer's code is wanted.
func asking(text string) func(context.Context, *evil) (string, error) {
	return func(ctx context.Context, e *evil) (string, error) {
		status, body, err := e.ask(ctx, text)
		return codeOf(status, body), err
	}
}

// call counts one call as "METHOD: code". What is cut off is asked again: the node may not
// have come round to ending the calls before it, which count as long.
func (a *attack) call(c *caller, method string, ask func(context.Context, *evil) (string, error)) {
	var code string
	for range 5 {
		ctx, cancel := context.WithTimeout(a.ctx, 20*time.Second)
		var err error
		if c.evil == nil {
			c.evil, err = a.connected()
		}
		if err == nil {
			code, err = ask(ctx, c.evil)
		}
		cancel()
		if err == nil {
			break
		}
		code = short(err)
		c.close()
		a.rest(200 * time.Millisecond)
	}
	a.tried(code != "unauthenticated" && code != "permission_denied", method+": "+code)
}

// codeOf finds the code of Connect in an answer, of a call or of a stream.
func codeOf(status int, body []byte) string {
	if len(body) > 5 && body[0]&^3 == 0 && body[1] == 0 { // an envelope of a stream
		body = body[5:]
	}
	var answer struct {
		Code  string
		Cause string
		Error struct{ Code string }
	}
	_ = json.Unmarshal(body, &answer) // what is no JSON has no code
	switch {
	case answer.Error.Code != "":
		return answer.Error.Code
	case answer.Code != "":
		return answer.Code
	case answer.Cause == "permission":
		return "permission_denied"
	case answer.Cause == "unpaired":
		return "unauthenticated"
	case answer.Cause != "":
		return answer.Cause
	}
	return http.StatusText(status)
}

// socket opens a WebSocket and says that it wants the screen of the computer; the answer
// comes as a message too.
func (e *evil) socket(ctx context.Context, path string) (code string, _ error) {
	s, err := e.stream(ctx, apiProtocol)
	if err != nil {
		return "", err
	}
	defer s.Reset()
	_ = s.SetDeadline(time.Now().Add(10 * time.Second))
	_, err = io.WriteString(s, "GET "+path+" HTTP/1.1\r\nHost: hither\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	if err != nil {
		return "", err
	}
	in := bufio.NewReader(s)
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		return "", err
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(res.Body)
		return codeOf(res.StatusCode, body), nil
	}
	hello := `{"machine":"self","screen":"self"}`
	// A text message of a client is masked (RFC 6455, 5.2), here with zeros.
	if _, err := io.WriteString(s, "\x81"+string([]byte{0x80 | byte(len(hello)), 0, 0, 0, 0})+hello); err != nil {
		return "", err
	}
	var head [4]byte
	if _, err := io.ReadFull(in, head[:2]); err != nil {
		return "", err
	}
	size := int(head[1])
	if size == 126 {
		if _, err := io.ReadFull(in, head[2:]); err != nil {
			return "", err
		}
		size = int(head[2])<<8 | int(head[3])
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(in, text); err != nil {
		return "", err
	}
	return codeOf(0, text), nil
}
