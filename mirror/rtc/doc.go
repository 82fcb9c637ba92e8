// Package rtc carries a view over WebRTC to a browser or another node: one data
// channel, `screen`, whose messages are neither ordered nor sent again, and over
// it a link of mirror/link, which loses nothing and waits for little.
//
// The viewer makes a complete offer (it waits for its candidates), hands it to
// the API, and gets a complete answer. Whoever brought the offer has been let
// in by the API; the answer's fingerprint then binds the connection to it. The
// addresses of this host are told, the loopback's too, and a browser that hides
// its own behind an mDNS name is found by its first packet. No STUN or TURN
// server is asked.
//
// A Gateway runs one session per answered offer; Close waits for all. Dial is
// the viewer's side in Go.
package rtc

import (
	"log/slog"
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
	// sctpWindow is more than a link has under way, so that only the link says
	// how fast it goes: SCTP takes each lost packet for a full path.
	sctpWindow = 4 << 20
)

// Config of a Gateway; the zero value works.
type Config struct {
	Log *slog.Logger // default: silent
}

func failed(cause error, detail, hint string) error {
	return &fusion.Error{Op: "screen.webrtc", Cause: cause, Detail: detail, Hint: hint}
}

// newConnection makes a peer connection of this host's own addresses. A viewer
// that is silent for some seconds is lost, so that what it held down is let go.
func newConnection() (*webrtc.PeerConnection, error) {
	var e webrtc.SettingEngine
	e.DetachDataChannels()
	e.SetIncludeLoopbackCandidate(true)
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	e.SetICETimeouts(4*time.Second, 8*time.Second, time.Second)
	e.EnableSCTPZeroChecksum(true)
	e.SetSCTPMinCwnd(sctpWindow)
	e.SetSCTPRTOMax(500 * time.Millisecond) // pion begins at 1 s, which a person sees as a frozen picture
	e.LoggerFactory = &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled}
	return webrtc.NewAPI(webrtc.WithSettingEngine(e)).NewPeerConnection(webrtc.Configuration{})
}
