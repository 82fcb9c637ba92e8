package mesh

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	// nameTTL is short, as machines move and computers are renamed; seconds.
	nameTTL = 5
	// namePort is where names are answered on the loopback, if it is free.
	namePort = "10053"
)

// underDomain says whether a name ends in the network's domain.
func underDomain(name string) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	return name == Domain || strings.HasSuffix(name, "."+Domain)
}

// serveNames answers names to programs of this computer: at its address, where a resolver can
// be pointed to, when it has a device; else on the loopback.
func (r *running) serveNames() {
	var tries []string
	if r.tun != nil {
		tries = append(tries, net.JoinHostPort(r.m.own.String(), "53"))
	}
	tries = append(tries, "127.0.0.1:"+namePort)
	// A port that is free for UDP may be taken for TCP.
	tries = append(tries, slices.Repeat([]string{"127.0.0.1:0"}, 16)...)
	var failed error
	for _, at := range tries {
		udp, err := net.ListenPacket("udp", at)
		if err != nil {
			failed = err
			continue
		}
		tcp, err := net.Listen("tcp", udp.LocalAddr().String())
		if err != nil {
			failed = err
			_ = udp.Close() // nobody asked yet
			continue
		}
		r.dns = udp.LocalAddr().String()
		for _, s := range []*dns.Server{{PacketConn: udp, Handler: r}, {Listener: tcp, Handler: r, MaxTCPQueries: 64}} {
			begun := make(chan struct{})
			s.NotifyStartedFunc = func() { close(begun) }
			r.work.Go(func() {
				if err := s.ActivateAndServe(); err != nil && r.ctx.Err() == nil {
					r.m.cfg.Log.Error("names are not answered any more", "err", err)
				}
			})
			<-begun
			r.closers = append(r.closers, func() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				_ = s.ShutdownContext(ctx) // it is closed either way
			})
		}
		return
	}
	r.m.cfg.Log.Error("names are not answered", "err", failed)
}

// ServeDNS is dns.Handler. Only programs of this computer are answered: names tell what
// computers and machines the owner has.
func (r *running) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	answer := new(dns.Msg).SetReply(q)
	from, err := netip.ParseAddrPort(w.RemoteAddr().String())
	switch at := from.Addr().Unmap(); {
	case err != nil || !at.IsLoopback() && at != r.m.own:
		return
	case len(q.Question) != 1 || q.Opcode != dns.OpcodeQuery:
		answer.SetRcode(q, dns.RcodeNotImplemented)
	default:
		answerName(r.book.Load(), answer, q.Question[0])
	}
	_ = w.WriteMsg(answer) // whoever asked left
}

// answerName fills in the answer to a question.
func answerName(b *book, answer *dns.Msg, q dns.Question) {
	name := strings.ToLower(q.Name)
	answer.Authoritative, answer.RecursionAvailable = true, false
	head := func(kind uint16) dns.RR_Header {
		return dns.RR_Header{Name: q.Name, Rrtype: kind, Class: dns.ClassINET, Ttl: nameTTL}
	}
	switch at, reverse := addressOfARPA(name); {
	case q.Qclass != dns.ClassINET:
		answer.Rcode = dns.RcodeRefused
	case reverse && b.called[at] != "":
		if q.Qtype == dns.TypePTR || q.Qtype == dns.TypeANY {
			answer.Answer = append(answer.Answer, &dns.PTR{Hdr: head(dns.TypePTR), Ptr: b.called[at] + "."})
		}
	case reverse:
		answer.Rcode = dns.RcodeNameError
	case !underDomain(name):
		answer.Rcode = dns.RcodeRefused
	case name == Domain+".":
	default:
		at, known := b.find(name)
		if !known {
			answer.Rcode = dns.RcodeNameError
		} else if q.Qtype == dns.TypeAAAA || q.Qtype == dns.TypeANY {
			answer.Answer = append(answer.Answer, &dns.AAAA{Hdr: head(dns.TypeAAAA), AAAA: at.AsSlice()})
		}
	}
	if len(answer.Answer) == 0 && answer.Rcode != dns.RcodeRefused { // how long "no" holds (RFC 2308)
		answer.Ns = append(answer.Ns, &dns.SOA{Hdr: dns.RR_Header{Name: Domain + ".", Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: nameTTL},
			Ns: Domain + ".", Mbox: Domain + ".", Serial: 1, Refresh: 3600, Retry: 600, Expire: 86400, Minttl: nameTTL})
	}
}

// addressOfARPA reads a whole name below ip6.arpa as an address of the network.
func addressOfARPA(name string) (netip.Addr, bool) {
	nibbles, ok := strings.CutSuffix(name, ".ip6.arpa.")
	if !ok || len(nibbles) != 63 {
		return netip.Addr{}, false
	}
	var raw [16]byte
	for i := range 32 {
		digit := strings.IndexByte("0123456789abcdef", nibbles[2*i])
		if digit < 0 || i > 0 && nibbles[2*i-1] != '.' {
			return netip.Addr{}, false
		}
		at := 31 - i // the last comes first
		raw[at/2] |= byte(digit) << (4 * (1 - at%2))
	}
	at := netip.AddrFrom16(raw)
	return at, Prefix.Contains(at)
}
