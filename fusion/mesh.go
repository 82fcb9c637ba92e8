package fusion

import (
	"context"
	"net/netip"
)

// MeshPrefix is the private network: a unique local address (RFC 4193) whose 40 bits of global
// ID and 16 of subnet spell "hither", so that all of an owner's computers know it without
// asking. What carries it never goes over it.
var MeshPrefix = netip.MustParsePrefix("fd68:6974:6865:7200::/64")

// Mesh is the private network between the owner's computers and their machines, as a host takes
// part in it: one address and one name for each of them, which stay. It is off until Up.
// All methods may be called from many goroutines.
type Mesh interface {
	// Status tells how it is now, also while it is off.
	Status(ctx context.Context) (MeshStatus, error)
	// Up lets the host take part, from now on and after a restart of its node. It is no
	// error when it does already.
	Up(ctx context.Context) (MeshStatus, error)
	// Down ends that; connections over the private network break. It is no error when it
	// does not take part.
	Down(ctx context.Context) (MeshStatus, error)
}

// The ways in which packets come to a host's programs.
const (
	MeshTUN  = "tun"  // a network device: every program, every protocol
	MeshUser = "user" // the node's own stack: services of the host are reached, programs go out by a proxy
)

// MeshStatus is a host's part in the private network.
type MeshStatus struct {
	Up bool `json:"up"`
	// Address is the host's own, and Name what it is called: "nas.hither". They are the
	// same whether it takes part or not.
	Address string `json:"address"`
	Name    string `json:"name"`
	// Plane is MeshTUN or MeshUser, "" while it is off; Device is the network device.
	Plane  string `json:"plane"`
	Device string `json:"device,omitempty"`
	// MTU is the largest packet in bytes.
	MTU int `json:"mtu"`
	// Note says why there is no device, or why it is off although it should be on; Hint what helps.
	Note string `json:"note,omitempty"`
	Hint string `json:"hint,omitempty"`
	// DNS is where the names are answered, as ADDRESS:PORT. Resolves says that the host's
	// own resolver asks there; NameHint says how it would where it does not.
	DNS      string `json:"dns,omitempty"`
	Resolves bool   `json:"resolves"`
	NameHint string `json:"nameHint,omitempty"`

	Peers    []MeshPeer    `json:"peers"`
	Machines []MeshMachine `json:"machines"`
}

// MeshState is how it is between a host and another computer.
type MeshState string

const (
	MeshIdle    MeshState = "idle"    // nothing passed yet
	MeshOpen    MeshState = "open"    // packets passed
	MeshOffline MeshState = "offline" // the other computer is
	MeshRefused MeshState = "refused" // one of the two lets no packets of the other in
)

// MeshPeer is another computer in the private network.
type MeshPeer struct {
	Host    string    `json:"host"`
	HostID  HostID    `json:"hostId"`
	Address string    `json:"address"`
	Name    string    `json:"name"`
	State   MeshState `json:"state"`
	Note    string    `json:"note,omitempty"`
	Hint    string    `json:"hint,omitempty"`
	// Bytes of packets since it is on, and packets that were not taken: those that waited
	// too long for the path, and those whose address was not the sender's to use.
	BytesIn  int64 `json:"bytesIn"`
	BytesOut int64 `json:"bytesOut"`
	Dropped  int64 `json:"dropped"`
}

// MeshMachine is a virtual machine in the private network. Host is who has it now.
type MeshMachine struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Host    string `json:"host"`
}
