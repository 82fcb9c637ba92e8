//go:build !linux

package peers

import (
	"net"
	"syscall"

	"hither/fusion"
)

// sharesPorts is false where a second node could take a port that is shared:
// holes are punched by QUIC alone there.
const sharesPorts = false

func share(net.Listener) error { return nil }

func reuse(syscall.RawConn) error { return fusion.ErrUnsupported }
