// Package rtc carries a view over datagrams to a browser or to another node: ICE
// finds the way, DTLS seals it, and a link of mirror/link, which loses nothing
// and waits for little, makes a pipe of it.
//
// A browser speaks WebRTC: one data channel, `screen`, whose messages are neither
// ordered nor sent again. Between nodes the datagrams go without SCTP, which
// holds back what follows a loss: see docs/decisions/0008.
//
// The viewer makes a complete offer (it waits for its candidates), hands it to
// the API, and gets a complete answer. Whoever brought the offer has been let
// in by the API; the answer's fingerprint, or between nodes the offer's secret,
// then binds the connection to it. The addresses of this host are told, the
// loopback's too, and a browser that hides its own behind an mDNS name is found
// by its first packet. Between nodes STUN and TURN servers are asked, those of the
// owner's routers: see docs/decisions/0045.
//
// A Gateway runs one session per answered offer; Close waits for all. Dial is
// the viewer's side of a node.
package rtc

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"

	"hither/fusion"
)

// label of the data channel.
const label = "screen"

const (
	maxSDP      = 64 << 10
	maxSessions = 64
	// connectTime is how long a viewer may take from the answer to its channel.
	connectTime = 30 * time.Second
	// gatherTime bounds how long servers are waited for; the others' addresses are
	// told then.
	gatherTime = 3 * time.Second
	// A viewer that is silent for some seconds is lost, so that what it held
	// down is let go.
	disconnectTime = 4 * time.Second
	failTime       = 8 * time.Second
	aliveTime      = time.Second
	// flightTime is after how long a lost step of the handshake is sent again.
	flightTime = 200 * time.Millisecond
	// sctpWindow is more than a link has under way, so that only the link says
	// how fast it goes: SCTP takes each lost packet for a full path.
	sctpWindow = 4 << 20
)

// Config of a Gateway; the zero value works.
type Config struct {
	Log *slog.Logger // default: silent
	// Servers gives those by which this host is found, for each offer of a node.
	// Default: none.
	Servers func(context.Context) []Server
}

// Server is one for STUN (RFC 8489) and TURN (RFC 8656) over UDP, with a long-term
// credential.
type Server struct {
	Addr           netip.AddrPort
	Name, Password string
}

func failed(cause error, detail, hint string) error {
	return &fusion.Error{Op: "screen.webrtc", Cause: cause, Detail: detail, Hint: hint}
}

// silent keeps the libraries from printing.
var silent = &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled}

// newConnection makes a browser's peer connection, of this host's own addresses.
func newConnection() (*webrtc.PeerConnection, error) {
	var e webrtc.SettingEngine
	e.DetachDataChannels()
	e.SetIncludeLoopbackCandidate(true)
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	e.SetICETimeouts(disconnectTime, failTime, aliveTime)
	e.EnableSCTPZeroChecksum(true)
	e.SetSCTPMinCwnd(sctpWindow)
	e.SetSCTPRTOMax(500 * time.Millisecond) // pion begins at 1 s, which a person sees as a frozen picture
	e.SetDTLSRetransmissionInterval(flightTime)
	e.LoggerFactory = silent
	return webrtc.NewAPI(webrtc.WithSettingEngine(e)).NewPeerConnection(webrtc.Configuration{})
}
