package fusion

import (
	"context"
	"iter"
	"time"
)

// Host is a computer with a node. All methods may be called from many
// goroutines. A call ends when its context does, with the context's error.
//
// Errors promised by every method: ErrOffline when the host cannot be reached,
// ErrPermission when this node's key was not granted the capability, and
// ErrUnsupported when the host's platform or release lacks the ability.
type Host interface {
	// Info says what the host is and how it is doing now.
	Info(ctx context.Context) (HostInfo, error)
	Machines() Machines
	Hardware() Hardware
	Copies() Copies
	Backups() Backups
	Screens() Screens
	Apps() Apps
	Folders() Folders
	Jobs() Jobs
	Terminals() Terminals
	Guests() Guests
	Images() Images
	Networks() Networks
	Forwards() Forwards
	Tunnels() Tunnels
	Mesh() Mesh
	Storage() Storage
	Devices() Devices
	NetBoot() NetBoot
	Computer
	Meters() Meters
	// Watch yields what is now, then one event with Kind EventReady, then each
	// change. Seq rises by one; a gap means events were lost, and the watcher
	// lists again by watching anew. It ends with an error when ctx ends, when
	// the host goes away, or when the watcher is too slow (ErrBusy).
	Watch(ctx context.Context) iter.Seq2[Event, error]
}

// HostInfo is a host as a person sees it.
type HostInfo struct {
	ID     HostID `json:"id"`
	Name   string `json:"name"`
	Online bool   `json:"online"`
	// Path is how packets go there: "direct", "relay", or "" when offline or
	// when it is this computer.
	Path string `json:"path"`
	// Via is the router of a relayed path, Transport how packets go ("tcp", "quic"; of
	// a relayed path as far as the router), Addr the other end as a multiaddr, and
	// RTTMicros how long an answer takes, smoothed, in microseconds.
	Via       string `json:"via,omitempty"`
	Transport string `json:"transport,omitempty"`
	Addr      string `json:"addr,omitempty"`
	RTTMicros int64  `json:"rttMicros,omitempty"`
	// WhyNot says why a path is not direct and what would help; "" when it is.
	WhyNot string   `json:"whyNot,omitempty"`
	Roles  []string `json:"roles"`
	// Own is true for a computer of the owner's list: each of those knows it, and
	// forgetting it on one revokes it on all.
	Own bool `json:"own"`
	// Local is true for the computer whose node answered.
	Local bool `json:"local"`
	// Color is the index (0 to 7) of the host's colour in the palette.
	Color    int       `json:"color"`
	OS       string    `json:"os"`
	Version  string    `json:"version"`
	LastSeen time.Time `json:"lastSeen,omitzero"`
	// Fingerprint is the short form of the key that both sides can read aloud.
	Fingerprint string `json:"fingerprint"`
	// Grants is what this host's key may do on the computer that answered.
	Grants []string `json:"grants"`
	// May is what the computer that answered may do on this host, as the host last
	// said; empty when it does not say.
	May []string `json:"may"`
	// Away is why it is offline, "" while it is online and where nobody knows.
	Away Away `json:"away,omitempty"`
	// Cards are its wired network cards, which can wake it. Only a computer that may
	// control it is told them.
	Cards []Card `json:"cards"`
}

// EventKind says which field of an Event is set.
type EventKind string

const (
	EventReady   EventKind = "ready"   // the present state is complete
	EventHost    EventKind = "host"    // Host
	EventMachine EventKind = "machine" // Machine
	EventScreen  EventKind = "screen"  // Screen: an app's window came, changed or went
	EventFolder  EventKind = "folder"  // Folder
	EventJob     EventKind = "job"     // Job: a long operation began, went on or ended
	EventSession EventKind = "session" // Session: another computer opened something here, or closed it
	EventRequest EventKind = "request" // Request: one was refused something here, or that was answered
)

// Event is one fact about a host: the present value of one thing, or that it
// is gone (Removed; then only the names in the value are set).
type Event struct {
	Seq     uint64    `json:"seq"`
	Kind    EventKind `json:"kind"`
	Removed bool      `json:"removed,omitempty"`
	Host    *HostInfo `json:"host,omitempty"`
	Machine *Machine  `json:"machine,omitempty"`
	Screen  *Screen   `json:"screen,omitempty"`
	Folder  *Folder   `json:"folder,omitempty"`
	Job     *Job      `json:"job,omitempty"`
	Session *Session  `json:"session,omitempty"`

	Request *AccessRequest `json:"request,omitempty"`
}
