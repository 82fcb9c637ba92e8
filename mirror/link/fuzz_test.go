package link

import (
	"testing"
	"time"
)

func FuzzDatagram(f *testing.F) {
	for _, d := range datagrams() {
		f.Add(d.append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var d, again datagram
		if d.parse(b) != nil {
			return
		}
		if err := again.parse(d.append(nil)); err != nil || !same(d, again) {
			t.Fatalf("%+v came back as %+v, %v", d, again, err)
		}
	})
}

// FuzzPeer plays a hostile other side: what it says must cost no more than the
// bounds, and break nothing. Each datagram stands after its length.
func FuzzPeer(f *testing.F) {
	var all []byte
	for _, d := range datagrams() {
		b := d.append(nil)
		all = append(append(all, byte(len(b))), b...)
	}
	f.Add(all)
	f.Fuzz(func(t *testing.T, b []byte) {
		b = b[:min(len(b), 8<<10)] // each datagram is checked against the whole window
		s, r := newSender(), new(receiver)
		var d, out datagram
		now := time.Duration(0)
		for len(b) > 1 {
			n := min(int(b[0]), len(b)-1)
			datagram := b[1 : 1+n]
			b = b[1+n:]
			now += time.Duration(n) * time.Millisecond
			if !s.full() {
				s.push(make([]byte, 100*n), n%2 == 0)
			}
			for _, ok := s.produce(&out, now); ok; _, ok = s.produce(&out, now) {
				s.pace.spend(len(out.body))
			}
			if d.parse(datagram) != nil {
				return
			}
			if d.bits&hasAck != 0 && s.ack(&d.ack, now) != nil {
				return
			}
			if d.bits&(hasData|hasParity) != 0 {
				r.take(&d, now)
			}
			if _, err := r.pull(now); err != nil {
				return
			}
			r.ack(&out.ack, now)
			check(t, &s, r)
		}
	})
}

func check(t *testing.T, s *sender, r *receiver) {
	t.Helper()
	fly, lost := 0, 0
	for seq := s.base; seq < s.next; seq++ {
		switch p := s.slot(seq); {
		case p.lost:
			lost++
		case !p.arrived:
			fly += len(p.payload)
		}
	}
	if s.next-s.base > window || s.fly != fly || s.lost != lost {
		t.Fatalf("%d packets, %d bytes under way, not %d, and %d lost, not %d", s.next-s.base, s.fly, fly, s.lost, lost)
	}
	held := len(r.free)
	for _, b := range r.slots {
		if b != nil {
			held++
		}
	}
	if held > window || r.read > r.next || r.next > r.top && r.top != 0 || r.top > r.read+window || len(r.message) > 2+maxMessage {
		t.Fatalf("%d buffers; read %d next %d top %d", held, r.read, r.next, r.top)
	}
}
