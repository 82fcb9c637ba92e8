package rtc

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
	dtlsnet "github.com/pion/dtls/v3/pkg/net"
	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"

	"hither/fusion"
	"hither/mirror/link"
)

// description is what two nodes tell each other of how they can be reached. It
// travels as JSON where a browser's SDP does, over a connection that is
// authentic and secret.
type description struct {
	Ufrag      string   `json:"ufrag"`
	Pwd        string   `json:"pwd"`
	Candidates []string `json:"candidates"` // as in RFC 8839, section 5.1
	// Secret is the key of the connection, made by the viewer for this one.
	Secret []byte `json:"secret,omitempty"`
}

const (
	secretBytes   = 32
	maxCandidates = 64
)

// parse reads a description. It promises ErrInvalid.
func (d *description) parse(text string) ([]ice.Candidate, error) {
	if err := json.Unmarshal([]byte(text), d); err != nil {
		return nil, failed(fusion.ErrInvalid, err.Error(), "")
	}
	if d.Ufrag == "" || d.Pwd == "" || len(d.Candidates) > maxCandidates {
		return nil, failed(fusion.ErrInvalid, "the description has no credentials or too many candidates", "")
	}
	var all []ice.Candidate
	for _, raw := range d.Candidates {
		c, err := ice.UnmarshalCandidate(raw)
		if err != nil {
			return nil, failed(fusion.ErrInvalid, err.Error(), "")
		}
		all = append(all, c)
	}
	return all, nil
}

// direct is one side of a connection between two nodes: ICE finds the way, DTLS
// seals each datagram with a key that both know, and nothing lies between it and
// the link.
type direct struct {
	agent   *ice.Agent
	dials   bool
	secret  []byte
	remote  description
	closing sync.Once
	err     error
}

func newDirect(dials bool, servers []Server) (*direct, error) {
	types := []ice.CandidateType{ice.CandidateTypeHost}
	if len(servers) > 0 {
		types = append(types, ice.CandidateTypeServerReflexive, ice.CandidateTypeRelay)
	}
	agent, err := ice.NewAgentWithOptions(
		ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4, ice.NetworkTypeUDP6}),
		ice.WithCandidateTypes(types),
		ice.WithUrls(uris(servers)),
		ice.WithSTUNGatherTimeout(gatherTime),
		ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled),
		ice.WithIncludeLoopback(),
		ice.WithDisconnectedTimeout(disconnectTime),
		ice.WithFailedTimeout(failTime),
		ice.WithKeepaliveInterval(aliveTime),
		ice.WithLoggerFactory(silent),
	)
	if err != nil {
		return nil, failed(err, "", "")
	}
	d := &direct{agent: agent, dials: dials}
	err = agent.OnConnectionStateChange(func(s ice.ConnectionState) {
		if s == ice.ConnectionStateFailed {
			_ = agent.Close() // it wakes the link's Read; Close waits
		}
	})
	if err != nil {
		return nil, failed(errors.Join(err, d.Close()), "", "")
	}
	return d, nil
}

// uris gives servers as the agent wants them (RFC 7065).
func uris(servers []Server) (all []*stun.URI) {
	for _, s := range servers {
		all = append(all, &stun.URI{Scheme: stun.SchemeTypeTURN, Proto: stun.ProtoTypeUDP, Host: s.Addr.Addr().String(), Port: int(s.Addr.Port()),
			Username: s.Name, Password: s.Password})
	}
	return all
}

// dial gives the connected pipe of the viewer's side.
func (d *direct) dial(ctx context.Context, exchange func(context.Context, string) (string, error)) (fusion.Pipe, error) {
	d.secret = make([]byte, secretBytes)
	if _, err := rand.Read(d.secret); err != nil {
		return nil, failed(err, "", "")
	}
	offer, err := d.describe(ctx, d.secret)
	if err != nil {
		return nil, err
	}
	answer, err := exchange(ctx, offer)
	if err != nil {
		return nil, err
	}
	if err := d.hear(answer); err != nil {
		return nil, err
	}
	return d.wait(ctx)
}

// answer makes the host's description for a viewer's.
func (d *direct) answer(ctx context.Context, offer string) (string, error) {
	if err := d.hear(offer); err != nil {
		return "", err
	}
	if d.secret = d.remote.Secret; len(d.secret) != secretBytes {
		return "", failed(fusion.ErrInvalid, "length of the secret", "")
	}
	return d.describe(ctx, nil)
}

// hear takes the other side's description.
func (d *direct) hear(text string) error {
	candidates, err := d.remote.parse(text)
	for _, c := range candidates {
		err = errors.Join(err, d.agent.AddRemoteCandidate(c))
	}
	return err
}

// describe gathers this side's addresses.
func (d *direct) describe(ctx context.Context, secret []byte) (string, error) {
	gathered := make(chan struct{})
	err := d.agent.OnCandidate(func(c ice.Candidate) {
		if c == nil {
			close(gathered)
		}
	})
	if err == nil {
		err = d.agent.GatherCandidates()
	}
	if err != nil {
		return "", failed(err, "", "")
	}
	enough := time.NewTimer(gatherTime)
	defer enough.Stop()
	select {
	case <-gathered:
	case <-enough.C:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	own := description{Secret: secret}
	candidates, err := d.agent.GetLocalCandidates()
	for _, c := range candidates[:min(len(candidates), maxCandidates)] {
		own.Candidates = append(own.Candidates, c.Marshal())
	}
	if err == nil {
		own.Ufrag, own.Pwd, err = d.agent.GetLocalUserCredentials()
	}
	if err != nil {
		return "", failed(err, "", "")
	}
	text, err := json.Marshal(own)
	return string(text), err
}

// wait connects both sides and makes the link, which owns d.
func (d *direct) wait(ctx context.Context) (fusion.Pipe, error) {
	connect := d.agent.Accept
	if d.dials {
		connect = d.agent.Dial
	}
	way, err := connect(ctx, d.remote.Ufrag, d.remote.Pwd)
	if err != nil {
		return nil, failed(fusion.ErrOffline, "no way between the viewer and this host", "")
	}
	sealed, err := d.seal(dtlsnet.PacketConnFromConn(way))
	if err == nil {
		err = sealed.HandshakeContext(ctx)
	}
	if err != nil {
		return nil, failed(fusion.ErrOffline, "the connection was lost before it began: "+err.Error(), "")
	}
	return link.New(secured{sealed, d}), nil
}

// way is the type of the own candidate that is used; "" when the connection is lost.
func (d *direct) way() string {
	pair, err := d.agent.GetSelectedCandidatePair()
	if err != nil || pair == nil {
		return ""
	}
	return pair.Local.Type().String()
}

func (d *direct) seal(way net.PacketConn) (*dtls.Conn, error) {
	key := func([]byte) ([]byte, error) { return d.secret, nil }
	suite := dtls.TLS_PSK_WITH_AES_128_GCM_SHA256
	if d.dials {
		return dtls.ClientWithOptions(way, way.LocalAddr(), dtls.WithPSK(key), dtls.WithPSKIdentityHint([]byte(label)),
			dtls.WithCipherSuites(suite), dtls.WithFlightInterval(flightTime), dtls.WithLoggerFactory(silent))
	}
	// ICE has shown already that the viewer's address is its own.
	return dtls.ServerWithOptions(way, way.LocalAddr(), dtls.WithPSK(key), dtls.WithPSKIdentityHint([]byte(label)),
		dtls.WithCipherSuites(suite), dtls.WithFlightInterval(flightTime), dtls.WithLoggerFactory(silent), dtls.WithInsecureSkipVerifyHello(true))
}

// Close ends the connection and waits for all that it runs.
func (d *direct) Close() error {
	d.closing.Do(func() { d.err = d.agent.GracefulClose() })
	return d.err
}

// secured is the connection for a link.
type secured struct {
	*dtls.Conn
	direct *direct
}

func (s secured) Close() error {
	_ = s.Conn.Close() // it tells the other side, if there is one
	return s.direct.Close()
}
