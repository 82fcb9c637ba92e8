package peers

import (
	"net"
	"net/netip"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/pion/stun/v3"
)

// FuzzStun gives datagrams to who waits for a router's answer, and to a router: nobody
// without the password gets through.
func FuzzStun(f *testing.F) {
	key := stun.NewShortTermIntegrity("another password")
	for _, kind := range []stun.MessageType{stun.BindingRequest, stun.BindingSuccess} {
		m, err := stun.Build(stun.TransactionID, kind, stun.NewUsername("12D3KooWS4jkeyA6muhAdqeq6MZx8Y5igYq7KEMK62fiSxRZWtPb"),
			&stun.XORMappedAddress{IP: net.IPv4(203, 0, 113, 7), Port: 4711}, key, stun.Fingerprint)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(m.Raw)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if !stun.IsMessage(b) || len(b) > stunBuffer {
			return
		}
		m := &stun.Message{Raw: append([]byte(nil), b...)}
		if m.Decode() != nil {
			return
		}
		var o observer
		o.init()
		got := make(chan outside, 1)
		defer o.expect(m.TransactionID, stun.NewShortTermIntegrity("the password"), got)()
		o.answered(m, netip.AddrPort{})
		if len(got) > 0 {
			t.Errorf("%v was taken", <-got)
		}
		var name stun.Username
		if name.GetFrom(m) == nil {
			if id, err := peer.Decode(name.String()); err == nil && stun.NewShortTermIntegrity(o.password(id)).Check(m) == nil {
				t.Error("a question without the password")
			}
		}
	})
}
