// Package rtc carries a view to a browser over WebRTC: two data channels,
// `frames` from the host and `input` from the viewer, both ordered and
// reliable, one message of mirror/wire each.
//
// The browser makes a complete offer (it waits for its candidates), hands it to
// the API, and gets a complete answer. Whoever brought the offer has been let
// in by the API; the answer's fingerprint then binds the connection to it. The
// addresses of this host are told, the loopback's too, and a browser that hides
// its own behind an mDNS name is found by its first packet. No STUN or TURN
// server is asked.
//
// A Gateway runs one session per answered offer; Close waits for all. What is
// unsent is bounded by maxBuffered, and then the view waits: it sends newer
// pixels later. Dial is the viewer's side in Go.
package rtc

import (
	"log/slog"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"

	"hither/fusion"
)

// Labels of the data channels.
const (
	framesLabel = "frames"
	inputLabel  = "input"
)

const (
	maxSDP      = 64 << 10
	maxSessions = 64
	maxBuffered = 512 << 10
	lowBuffered = 128 << 10
	// connectTime is how long a viewer may take from the answer to its channels.
	connectTime = 30 * time.Second
	// drainTime is how long a close waits for what was written.
	drainTime = 2 * time.Second
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
	e.LoggerFactory = &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled}
	return webrtc.NewAPI(webrtc.WithSettingEngine(e)).NewPeerConnection(webrtc.Configuration{})
}
