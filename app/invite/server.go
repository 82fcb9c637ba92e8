package invite

import (
	"context"
	"log/slog"

	"hither/fusion"
)

// Config says whom an Inviter acts for. All but Log and Known is required.
type Config struct {
	// Self is the ID of this node, by which the far side knows its pairing.
	Self fusion.HostID
	// Version is this node's release, Program its own file.
	Version, Program string
	// Known are the owner's known_hosts files, which are only read. Accepted is
	// the one for keys that the owner accepted here.
	Known    []string
	Accepted string
	// Pair joins with a code at the first of the addresses that answers.
	Pair func(ctx context.Context, code string, addrs []string, grants []fusion.Grant) (fusion.HostInfo, error)
	// Paired gives a paired host by name or ID.
	Paired func(nameOrID string) (fusion.HostInfo, bool)
	// Forget ends the pairing with a host.
	Forget func(ctx context.Context, id fusion.HostID) error
	// Log may be nil for silence.
	Log *slog.Logger
}

// Inviter adds servers and takes Hither off them. It keeps no connection
// between calls and is safe for concurrent use.
type Inviter struct{ cfg Config }

// New makes an Inviter. It does no I/O.
func New(cfg Config) *Inviter {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Inviter{cfg: cfg}
}

// Login is how to reach a server.
type Login struct {
	// Server is ssh://USER@SERVER[:PORT]; without USER it is the node's own.
	Server string
	// Key is the file of a private key; "" is those in ~/.ssh.
	Key string
	// Agent is the socket of an ssh-agent (SSH_AUTH_SOCK), or "".
	Agent string
	// Accept is the fingerprint of a host key that the owner accepts ("SHA256:…").
	Accept string
}

// Spec says how a server is added.
type Spec struct {
	Login
	// Name is what the host is called; "" is the server's own name for itself.
	Name string
	// Listen is the HOST:PORT on which its node listens; "" is every address and
	// a port that is chosen once.
	Listen string
	// System makes it a system's service, which needs root there or sudo.
	System bool
	// Deb is a package that is installed there instead of this node's program,
	// Binary another program, built for that system. Both are files here.
	Deb, Binary string
	// Upgrade replaces a program that is there and differs.
	Upgrade bool
	// Grants is what the server may do here; none means everything.
	Grants []fusion.Grant
}

// Result says what became of an Add.
type Result struct {
	Host fusion.HostInfo
	// Before says that it was paired already; Upgraded that its program was replaced.
	Before, Upgraded bool
	// Version is the release there, Program its file.
	Version, Program string
	// Start says who starts the node there: "systemd-user", "systemd", "cron",
	// "nothing" (it runs now, and not after a restart) or "" when that was not touched.
	Start string
	// Notes are what the owner should know, and do.
	Notes []Note
}

// Note is something that did not go as well as it could have.
type Note struct{ Note, Hint string }

const (
	opAdd   = "host.add"
	opLeave = "host.leave"
	opLook  = "host.look"
)
