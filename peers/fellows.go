package peers

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"hither/fusion"
	"hither/internal/wholefile"
	"hither/peers/owner"
)

// ownerProtocol brings the lists of two computers of one owner together, over one stream:
//
//	opener   → answerer  state of its list
//	answerer → opener    state of its list; empty for an unpaired key
//	opener   → answerer  list and key, if the two differ and the answerer is in the list
//	answerer → opener    list and key, if the opener's lacks something and the opener is in it
//
// A message is its length in four bytes, big endian, and JSON. An unpaired key may open it:
// it may be a computer that joined while this one was away, and the list that it brings,
// signed by a key that follows this one's, is its proof.
const ownerProtocol = "/hither/owner/1"

// ownerWord is one message. Both fields are absent where there is nothing to say.
type ownerWord struct {
	State  *owner.State  `json:"state,omitempty"`
	Secret *owner.Secret `json:"secret,omitempty"`
}

// maxWord bounds one: a list in base64, and a little.
const maxWord = 2*owner.MaxBytes + 4<<10

func writeWord(w io.Writer, word ownerWord) error {
	body, err := json.Marshal(word)
	if err != nil {
		return err
	}
	if len(body) > maxWord {
		return fmt.Errorf("message of %d bytes, at most %d", len(body), maxWord)
	}
	_, err = w.Write(append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body))), body...))
	return err
}

// readWord takes memory as the bytes come, not as their number is promised.
func readWord(r io.Reader) (word ownerWord, err error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return word, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > maxWord {
		return word, fmt.Errorf("message of %d bytes, at most %d", size, maxWord)
	}
	body, err := io.ReadAll(io.LimitReader(r, int64(size)))
	if err == nil && len(body) < int(size) {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		err = json.Unmarshal(body, &word)
	}
	return word, err
}

func (n *Network) openOwner() error {
	var err error
	n.owner, err = owner.Open(owner.Config{Self: n.ID(), Path: filepath.Join(n.cfg.Dir, "owner.json"), Write: wholefile.Write, Now: n.cfg.tune.now})
	if err != nil {
		return err
	}
	n.strange.now = n.cfg.tune.now
	n.forAll(ownerProtocol, n.tracked(n.answerOwner))
	return nil
}

// isAdmin says whether grants are everything, for good.
func isAdmin(grants []fusion.Grant) bool {
	return slices.Contains(grants, fusion.Grant{Cap: fusion.AdminCap})
}

// agree brings the lists of this computer and a paired one together, if they are one
// owner's or a person paired them as such. While it does so, later calls ask it to do so
// once more.
func (n *Network) agree(id peer.ID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.links[id]
	if l == nil {
		return
	}
	if l.agreeAgain = l.agreeing; l.agreeing {
		return
	}
	l.agreeing = true
	for again := true; again; again = l.agreeAgain {
		l.agreeAgain = false
		n.mu.Unlock()
		n.agreeOnce(id)
		n.mu.Lock()
	}
	l.agreeing = false
}

// agreeTries is how often an exchange begins anew when its connection ends, as one of two
// that were opened at once does.
const agreeTries = 5

func (n *Network) agreeOnce(id peer.ID) {
	var last error
	for try := range agreeTries {
		r, ok := n.store.get(id)
		sessions := n.candidates(id)
		if !ok || !r.Hand && !n.owner.Has(hostID(id)) || len(sessions) == 0 || n.ctx.Err() != nil {
			return // its next session begins anew
		}
		if last = n.introduce(sessions[0].conn); last == nil {
			return
		}
		n.sleep(n.ctx, 100*time.Millisecond<<try)
	}
	n.cfg.Log.Info("the owner's list", "host", n.nameOf(id), "err", last)
}

// reintroduce is for a computer of the list that does not know this one yet.
func (n *Network) reintroduce(conn network.Conn) {
	if err := n.introduce(conn); err != nil {
		n.cfg.Log.Info("the owner's list", "host", n.nameOf(conn.RemotePeer()), "err", err)
		return
	}
	n.kick(conn.RemotePeer())
}

// introduce runs the exchange on a connection.
func (n *Network) introduce(conn network.Conn) error {
	stream, err := openStream(n.ctx, conn, ownerProtocol, n.cfg.tune.patience)
	if err != nil {
		return err
	}
	stream.SetDeadline(time.Now().Add(n.cfg.tune.pair))
	if err := n.introduceOver(stream); err != nil {
		stream.Reset()
		return err
	}
	return stream.Close()
}

func (n *Network) introduceOver(stream network.Stream) error {
	mine := n.owner.State()
	if err := writeWord(stream, ownerWord{State: &mine}); err != nil {
		return err
	}
	word, err := readWord(stream)
	if err != nil {
		return err
	}
	id := stream.Conn().RemotePeer()
	theirs := owner.State{}
	if word.State != nil {
		theirs = *word.State
	}
	if err := n.adopt(id, mine, theirs); err != nil {
		return err
	}
	if mine = n.owner.State(); bytes.Equal(mine.Sum, theirs.Sum) || !n.owner.Has(hostID(id)) {
		return nil
	}
	secret, _ := n.owner.Secret()
	if err := writeWord(stream, ownerWord{Secret: &secret}); err != nil {
		return err
	}
	word, err = readWord(stream)
	if err != nil || word.Secret == nil {
		return err
	}
	_, err = n.takeOwner(id, *word.Secret)
	return err
}

// adopt takes a computer that a person paired as the owner's into the list, unless it is
// the other that does so: the one with a list does, of two without one that with the lesser ID.
func (n *Network) adopt(id peer.ID, mine, theirs owner.State) error {
	n.owning.Lock()
	defer n.owning.Unlock()
	r, ok := n.store.get(id)
	if !ok || !r.Hand || n.owner.Has(hostID(id)) {
		return nil
	}
	one := mine.Owner != nil && bytes.Equal(mine.Owner, theirs.Owner) // it was in it before
	switch {
	case mine.Others > 0 && theirs.Others > 0 && !one:
		return errors.New("both computers belong to owners with others: they stay two, each with admin on the other")
	case one, mine.Others > 0:
	case theirs.Others > 0, hostID(id) < n.ID():
		return nil
	}
	self := owner.Entry{ID: n.ID(), Name: n.cfg.Name, Addrs: n.tellAddrs()}
	if err := n.owner.Add(self, owner.Entry{ID: r.ID, Name: r.Theirs, Addrs: r.Addrs}); err != nil {
		return err
	}
	return n.spread(id)
}

// answerOwner is the other end of introduce.
func (n *Network) answerOwner(stream network.Stream) {
	defer stream.Close()
	stream.SetDeadline(time.Now().Add(n.cfg.tune.pair))
	id := stream.Conn().RemotePeer()
	known := n.paired(id)
	if !known && !n.strange.take() {
		stream.Reset()
		return
	}
	err := n.answerIntroduction(stream, id, known)
	if err != nil && !errors.Is(err, io.EOF) {
		n.cfg.Log.Info("the owner's list", "from", id, "err", err)
		stream.Reset()
		return
	}
	if !known && n.owner.Has(hostID(id)) {
		n.strange.giveBack()
	}
}

func (n *Network) answerIntroduction(stream network.Stream, id peer.ID, known bool) error {
	if _, err := readWord(stream); err != nil {
		return err
	}
	var word ownerWord
	if known {
		state := n.owner.State()
		word.State = &state
	}
	if err := writeWord(stream, word); err != nil {
		return err
	}
	word, err := readWord(stream)
	if err != nil || word.Secret == nil {
		return err
	}
	h, err := n.takeOwner(id, *word.Secret)
	if err != nil {
		return err
	}
	word = ownerWord{}
	if secret, ok := n.owner.Secret(); ok && h.Behind && n.owner.Has(hostID(id)) {
		word.Secret = &secret
	}
	return writeWord(stream, word)
}

// takeOwner takes what another computer's list says.
func (n *Network) takeOwner(id peer.ID, s owner.Secret) (owner.Heard, error) {
	n.owning.Lock()
	defer n.owning.Unlock()
	take := func() (owner.Heard, error) { return n.owner.Hear(hostID(id), s) }
	if r, ok := n.store.get(id); ok && r.Hand {
		take = func() (owner.Heard, error) { return n.owner.Join(s) }
	}
	h, err := take()
	if errors.Is(err, fusion.ErrUnpaired) && n.owner.Has(hostID(id)) { // this computer was revoked
		return h, errors.Join(err, n.owner.Leave(), n.applyOwner())
	}
	if err != nil || !h.Changed {
		return h, err
	}
	return h, n.spread(id)
}

// spread makes the paired computers those of the list, and tells the others of it.
// Network.owning is held.
func (n *Network) spread(but peer.ID) error {
	if err := n.applyOwner(); err != nil {
		return err
	}
	n.mu.Lock()
	told := slices.Collect(maps.Keys(n.links))
	n.mu.Unlock()
	for _, id := range told {
		if id != but {
			n.start(func() { n.agree(id) })
		}
	}
	return nil
}

// applyOwner pairs the computers of the list and forgets those that it revoked.
// Network.owning is held.
func (n *Network) applyOwner() error {
	hosts := n.owner.Hosts()
	now := n.cfg.tune.now()
	var come, gone []peer.ID
	change := func(records map[peer.ID]record) {
		come, gone = nil, nil
		for _, e := range hosts {
			id, err := peerID(e.ID)
			if err != nil || e.ID == n.ID() {
				continue
			}
			r, known := records[id]
			switch {
			case e.Revoked && known && r.Own:
				gone = append(gone, id)
			case e.Revoked || known && r.Own && !r.Hand:
			default:
				if !known {
					r = record{ID: e.ID, Theirs: e.Name, Addrs: usable(e.Addrs, true), Grants: []fusion.Grant{{Cap: fusion.AdminCap}}, Paired: now, Color: leastColor(records)}
					r.Name = freeName(e.Name, func(name string) bool { return name == n.cfg.Name || named(records, name) })
				}
				r.Own, r.Hand, r.Confirmed = true, false, true
				records[id] = r
				come = append(come, id)
			}
		}
	}
	if change(n.store.all()); len(come)+len(gone) == 0 {
		return nil
	}
	err := n.store.update(func(next map[peer.ID]record) error {
		change(next)
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range come {
		if l := n.link(id); l != nil {
			n.notify(id)
		}
	}
	for _, id := range gone {
		err = errors.Join(err, n.forget(id))
	}
	return err
}

// disown takes a computer out of the owner's list, for all its computers. Network.owning
// is held.
func (n *Network) disown(ctx context.Context, id peer.ID) error {
	if !n.owner.Has(hostID(id)) {
		return nil
	}
	if err := n.owner.Revoke(hostID(id)); err != nil {
		return err
	}
	n.cfg.Log.Info("revoked", "host", id, "trace", fusion.Trace(ctx))
	return n.spread(id)
}
