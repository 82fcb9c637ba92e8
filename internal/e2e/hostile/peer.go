package main

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multistream"
)

// The protocols of a node, as docs/wire.md has them.
const (
	apiProtocol     = "/hither/api/1"
	pulseProtocol   = "/hither/pulse/1"
	newsProtocol    = "/hither/news/1"
	pairProtocol    = "/hither/pair/1"
	ownerProtocol   = "/hither/owner/1"
	lastingProtocol = "/hither/lasting/1"
)

var protocols = []string{apiProtocol, pulseProtocol, newsProtocol, pairProtocol, ownerProtocol, lastingProtocol,
	"/hither/screen/1", "/hither/folder/1", "/hither/move/1", "/hither/usb/1", "/hither/backup/1", "/hither/tunnel/1",
	"/libp2p/circuit/relay/0.2.0/hop", "/libp2p/circuit/relay/0.2.0/stop", "/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0", "/libp2p/dcutr"}

// evil is one peer and its connection to the target.
type evil struct {
	host   host.Host
	target peer.AddrInfo
	conn   network.Conn
}

// seed gives the key to use.
func (a *attack) seed() ([]byte, error) {
	if a.key == "" {
		seed := make([]byte, ed25519.SeedSize)
		_, err := rand.Read(seed)
		return seed, err
	}
	text, err := os.ReadFile(a.key)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
}

// peer makes a peer that has no limits of its own, not yet connected.
func (a *attack) peer(more ...libp2p.Option) (*evil, error) {
	seed, err := a.seed()
	if err != nil {
		return nil, err
	}
	key, err := crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(seed))
	if err != nil {
		return nil, err
	}
	target, err := peer.AddrInfoFromString(a.target)
	if err != nil {
		return nil, err
	}
	h, err := libp2p.New(append([]libp2p.Option{libp2p.Identity(key), libp2p.NoListenAddrs, libp2p.Ping(false), libp2p.DisableMetrics(),
		libp2p.ResourceManager(&network.NullResourceManager{}), libp2p.EnableRelay()}, more...)...)
	if err != nil {
		return nil, err
	}
	h.SetStreamHandler(pulseProtocol, pulse)
	return &evil{host: h, target: *target}, nil
}

// connected is peer with a connection. Refusal is an error.
func (a *attack) connected() (*evil, error) {
	e, err := a.peer()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(a.ctx, 10*time.Second)
	defer cancel()
	if err := e.host.Connect(ctx, e.target); err != nil {
		e.close()
		return nil, err
	}
	conns := e.host.Network().ConnsToPeer(e.target.ID)
	if len(conns) == 0 {
		e.close()
		return nil, errors.New("connection closed")
	}
	e.conn = conns[0]
	a.begun()
	return e, nil
}

// pulse answers the node's heartbeats as a good computer would, or a paired key's connection
// ends at once.
func pulse(s network.Stream) {
	defer s.Reset()
	var size [2]byte
	if _, err := io.ReadFull(s, size[:]); err != nil {
		return
	}
	if _, err := io.CopyN(io.Discard, s, int64(size[0])<<8|int64(size[1])); err != nil {
		return
	}
	greeting := `{"name":"impostor","version":"dev","stand":"paired"}`
	if _, err := io.WriteString(s, string([]byte{0, byte(len(greeting))})+greeting); err != nil {
		return
	}
	_, _ = io.Copy(s, s) // until the node ends it
}

func (e *evil) close() { _ = e.host.Close() }

// stream opens a stream and has its protocol agreed.
func (e *evil) stream(ctx context.Context, id string) (network.Stream, error) {
	s, err := e.conn.NewStream(ctx)
	if err != nil {
		return nil, err
	}
	_ = s.SetDeadline(time.Now().Add(10 * time.Second))
	if err := multistream.SelectProtoOrFail(protocol.ID(id), s); err != nil {
		_ = s.Reset()
		return nil, err
	}
	return s, nil
}

// ask sends bytes on a new stream of the API and reads one answer.
func (e *evil) ask(ctx context.Context, text string) (status int, body []byte, err error) {
	s, err := e.stream(ctx, apiProtocol)
	if err != nil {
		return 0, nil, err
	}
	defer s.Reset()
	_ = s.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(s, text); err != nil {
		return 0, nil, err
	}
	return answer(s)
}

// answer reads an HTTP answer, at most 64 KiB of it.
func answer(r io.Reader) (int, []byte, error) {
	res, err := http.ReadResponse(bufio.NewReader(r), nil)
	if err != nil {
		return 0, nil, err
	}
	if res.ContentLength < 0 { // it may go on for ever; the first piece says what it is
		body := make([]byte, 64<<10)
		n, err := res.Body.Read(body)
		if n > 0 || err == io.EOF {
			err = nil
		}
		return res.StatusCode, body[:n], err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	return res.StatusCode, body, err
}

// post is a call of Connect with JSON.
func post(path, kind, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: hither\r\nContent-Type: application/%s\r\nConnect-Protocol-Version: 1\r\nContent-Length: %d\r\n\r\n%s",
		path, kind, len(body), body)
}

// short is an error as it is counted.
func short(err error) string {
	text := err.Error()
	for _, known := range []string{"gater disallows connection", "connection reset", "stream reset", "EOF", "deadline", "i/o timeout", "all dials failed",
		"protocols not supported", "resource limit", "context canceled", "connection closed", "broken pipe", "permission denied", "connection refused"} {
		if strings.Contains(text, known) {
			return known
		}
	}
	return text
}
