package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// throw sends bytes on a new stream of a protocol and tells how it ended. What is answered
// and is no refusal went through.
func (a *attack) throw(e *evil, protocol, what string, b []byte) {
	ctx, cancel := context.WithTimeout(a.ctx, 5*time.Second)
	defer cancel()
	s, err := e.stream(ctx, protocol)
	if err != nil {
		a.tried(false, protocol+": "+short(err))
		return
	}
	defer s.Reset()
	_ = s.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err = s.Write(b); err == nil {
		_ = s.CloseWrite()
	}
	got, err := io.ReadAll(io.LimitReader(s, 4<<10))
	how := "ended"
	if err != nil {
		how = short(err)
	}
	if len(got) > 0 {
		how = "answered: " + strings.ToValidUTF8(string(got[:min(len(got), 40)]), "?")
	}
	a.tried(false, protocol+" "+what+": "+strings.Map(func(r rune) rune {
		if r < ' ' {
			return '.'
		}
		return r
	}, how))
}

// malformed sends nonsense of several kinds on every protocol.
func (a *attack) malformed() error {
	noise := make([]byte, 8<<10)
	if _, err := rand.Read(noise); err != nil {
		return err
	}
	frame := func(body string) []byte {
		return append(binary.BigEndian.AppendUint16(nil, uint16(len(body))), body...)
	}
	kinds := map[string][]byte{
		"nothing": {}, "a byte": {1}, "zeros": make([]byte, 1024), "ones": bytes.Repeat([]byte{255}, 1024), "noise": noise,
		"braces": frame("{}"), "an array": frame("[]"), "deep": frame(strings.Repeat("[", 8000)),
		"many keys":   frame("{" + strings.Repeat(`"a":1,`, 1000) + `"b":2}`),
		"deep HTTP":   []byte(post("/hither.v1.MachineService/List", "json", strings.Repeat(`{"a":`, 50000))),
		"protobuf":    []byte(post("/hither.v1.MachineService/List", "proto", strings.Repeat("\x0b", 100000))), // groups that are never ended
		"lengths":     []byte(post("/hither.v1.MachineService/List", "proto", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f")),
		"two lengths": []byte("POST /hither.v1.MachineService/List HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: 7\r\n\r\n{}GET / "),
		"smuggled":    []byte("POST /hither.v1.MachineService/List HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
		"HTTP/2":      []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x12\x04\x00\x00\x00\x00\x00"),
	}
	e, err := a.connected()
	if err != nil {
		return err
	}
	defer func() { e.close() }()
	for _, protocol := range protocols {
		for what, b := range kinds {
			if a.ctx.Err() != nil {
				return fmt.Errorf("not all was tried in time")
			}
			if e.conn.IsClosed() {
				e.close()
				if e, err = a.connected(); err != nil {
					return err
				}
			}
			a.throw(e, protocol, what, b)
		}
	}
	return nil
}

// huge promises or sends far more than any message may have.
func (a *attack) huge() error {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := z.Write(make([]byte, 64<<20)); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	head := "POST /hither.v1.MachineService/List HTTP/1.1\r\nHost: h\r\nContent-Type: application/proto\r\n"
	big := strings.Repeat("x", 4<<20)
	kinds := []struct {
		protocol, what string
		bytes          []byte
	}{
		{pairProtocol, "a full frame", bytes.Repeat([]byte{255}, 70000)},
		{pulseProtocol, "a full frame", bytes.Repeat([]byte{255}, 70000)},
		{newsProtocol, "a full frame", bytes.Repeat([]byte{255}, 70000)},
		{ownerProtocol, "4 GiB promised", append([]byte{255, 255, 255, 255}, big...)},
		{ownerProtocol, "2 MiB promised", append([]byte{0, 32, 0, 0}, big...)},
		{lastingProtocol, "frames", bytes.Repeat([]byte{1}, 4<<20)},
		{"/hither/screen/1", "a message", bytes.Repeat([]byte{255}, 4<<20)},
		{apiProtocol, "a header", []byte("GET / HTTP/1.1\r\nHost: h\r\nX: " + big + "\r\n\r\n")},
		{apiProtocol, "a path", []byte("GET /" + big + " HTTP/1.1\r\nHost: h\r\n\r\n")},
		{apiProtocol, "a body", []byte(head + fmt.Sprintf("Content-Length: %d\r\n\r\n", 1<<40) + big)},
		{apiProtocol, "chunks", []byte(head + "Transfer-Encoding: chunked\r\n\r\n400000\r\n" + big + "\r\n")},
		{apiProtocol, "a gzip bomb", append([]byte(head+fmt.Sprintf("Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n", bomb.Len())), bomb.Bytes()...)},
	}
	return a.each(func(e *evil) {
		for _, k := range kinds {
			a.throw(e, k.protocol, k.what, k.bytes)
		}
	})
}

// guesses says the messages of a pairing out of turn, again, and with what was never known.
func (a *attack) guesses() error {
	number := a.aim
	point := append([]byte{4}, make([]byte, 64)...)
	intro := map[string]any{"number": number, "point": point, "name": "evil", "grants": []map[string]any{{"cap": "view"}}}
	body, err := json.Marshal(intro)
	if err != nil {
		return err
	}
	frame := append(binary.BigEndian.AppendUint16(nil, uint16(len(body))), body...)
	proof := []byte(`{"proof":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`)
	proof = append(binary.BigEndian.AppendUint16(nil, uint16(len(proof))), proof...)
	return a.each(func(e *evil) {
		a.throw(e, pairProtocol, "a point that is none", frame)
		a.throw(e, pairProtocol, "a proof first", proof)
		a.throw(e, pairProtocol, "all at once", bytes.Join([][]byte{frame, proof, proof, proof}, nil))
	})
}
