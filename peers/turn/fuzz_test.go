package turn

import (
	"net"
	"testing"

	"github.com/pion/stun/v4"
)

// FuzzTake gives the server anything, from a computer that has an allocation and from
// others: nothing leaves but answers to who sent.
func FuzzTake(f *testing.F) {
	for _, kind := range []stun.MessageType{stun.BindingRequest, stun.NewType(stun.MethodAllocate, stun.ClassRequest),
		stun.NewType(stun.MethodSend, stun.ClassIndication), stun.NewType(stun.MethodCreatePermission, stun.ClassRequest)} {
		m, err := stun.Build(stun.TransactionID, kind, stun.NewUsername("1:laptop"), stun.NewRealm(realm), stun.NewNonce("n"),
			&stun.XORMappedAddress{IP: net.IPv4(127, 0, 0, 1), Port: 53}, stun.NewLongTermIntegrity("1:laptop", realm, "guess"), stun.Fingerprint)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(m.Raw)
	}
	s := New(Config{Member: func(string) bool { return true }})
	to := &talk{}
	s.feeds[to] = &feed{in: make(chan datagram, 1)}
	s.Credential("laptop")
	f.Fuzz(func(t *testing.T, b []byte) {
		before := to.answers
		s.Take(to, to.LocalAddr(), append([]byte(nil), b...))
		if to.answers > before+1 || len(s.all()) > 0 {
			t.Errorf("%d answers, %d relays", to.answers-before, len(s.all()))
		}
		select {
		case <-s.feeds[to].in:
		default:
		}
	})
}
