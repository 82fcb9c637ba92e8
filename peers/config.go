package peers

import (
	"log/slog"
	"os"
	"time"

	"hither/fusion"
)

// Config says who this computer is. Only Dir is required.
type Config struct {
	// Dir keeps the identity, the paired computers and the chosen port.
	Dir string
	// Name is what other computers see. Default: the host name. Characters that
	// fusion.CheckName refuses become dashes.
	Name string
	// Listen is HOST:PORT for TCP, and for QUIC on the same port of UDP. Default
	// ":0", every address of IPv4 and IPv6. Port 0 is chosen once and kept in Dir.
	Listen string
	// NoMapping keeps the router of a home network from being asked to open the port.
	// It is not asked either when Listen names an address. Default: it is asked.
	NoMapping bool
	// NoMDNS turns discovery on the local network off. Default: on.
	NoMDNS bool
	// OfferFor is how long a pairing code can be used. Default: 10 minutes.
	OfferFor time.Duration
	// Version is the release that other computers are told. Default: "dev".
	Version string
	// Log gets what the owner would want in a report. Default: silent.
	Log *slog.Logger

	tune tuning
}

// tuning holds what tests shorten. Its zero value becomes defaults.
type tuning struct {
	now      func() time.Time
	interval time.Duration // between heartbeats
	patience time.Duration // for the answer to one
	quick    time.Duration // for the redial inside Dial
	stranger time.Duration // an unpaired connection may last this long
	pair     time.Duration // for the whole exchange of a pairing
	own      time.Duration // for making a connection of one stream
}

func (c Config) withDefaults() (Config, error) {
	if c.Dir == "" {
		return c, &fusion.Error{Op: "peers.open", Cause: fusion.ErrInvalid, Detail: "no directory given"}
	}
	if c.Name == "" {
		c.Name, _ = os.Hostname() // cleanName has a word for "no host name"
	}
	c.Name = cleanName(c.Name)
	c.Listen = or(c.Listen, ":0")
	c.OfferFor = or(c.OfferFor, 10*time.Minute)
	c.Version = or(c.Version, "dev")
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	t := &c.tune
	if t.now == nil {
		t.now = time.Now
	}
	// A host that stops right after an answer is found dead after
	// interval + patience: 3.8 s, inside the 5 s that people are promised.
	t.interval = or(t.interval, time.Second)
	t.patience = or(t.patience, 2800*time.Millisecond)
	t.quick = or(t.quick, 1500*time.Millisecond)
	t.stranger = or(t.stranger, time.Minute)
	t.pair = or(t.pair, 30*time.Second)
	t.own = or(t.own, 2*time.Second)
	return c, nil
}

func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
