package peers

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"

	"hither/fusion"
)

// pairProtocol is one exchange per stream, frames of at most maxFrame bytes:
//
//	joiner → offerer   intro   number, point X, name, addresses, grants for the offerer
//	offerer → joiner   intro   status; if ok: point Y, name, addresses, grants for the joiner
//	joiner → offerer   proof   "joiner knows the words"
//	offerer → joiner   reply   status; if ok: proof "offerer knows the words"
//	joiner → offerer   proof   "joiner wants to be stored"
//	offerer → joiner   proof   "offerer has stored"
//	joiner → offerer   proof   "joiner has stored"
//
// The joiner proves itself first: who breaks off before that has learned
// nothing, so only a wrong proof is a guess. The offerer stores before the
// joiner does, both after both proofs. On a cut before the fifth message nobody
// has stored. After it the offerer may have: the joiner asks (a pulse says so)
// and stores too, or tells its person to try again, and then the offerer drops
// its unconfirmed record at the next contact, when the joiner says "unpaired".
const pairProtocol = "/hither/pair/1"

// intro is the first message each way.
type intro struct {
	Status string         `json:"status,omitempty"` // offerer's only
	Number string         `json:"number,omitempty"` // joiner's only
	Point  []byte         `json:"point,omitempty"`
	Name   string         `json:"name,omitempty"`
	Addrs  []string       `json:"addrs,omitempty"`
	Grants []fusion.Grant `json:"grants,omitempty"`
}

// reply is the offerer's word on the joiner's proof.
type reply struct {
	Status string `json:"status"`
	Proof  []byte `json:"proof,omitempty"`
}

const statusOK = "ok"

// parseIntro reads a first message strictly: every field present, bounded and
// of its kind. Role says who sent it.
func parseIntro(role int, body []byte) (intro, error) {
	var m intro
	if err := json.Unmarshal(body, &m); err != nil {
		return intro{}, err
	}
	if role == roleOfferer && m.Status != statusOK {
		return intro{Status: clip(m.Status, 32)}, nil
	}
	if role == roleJoiner && !isNumber(m.Number) {
		return intro{}, fmt.Errorf("no number")
	}
	if len(m.Point) != pointSize {
		return intro{}, errPoint
	}
	if err := fusion.CheckName(m.Name); err != nil {
		return intro{}, err
	}
	grants, err := checkGrants(m.Grants)
	// Who offers may give nothing: Invite.
	if err != nil || len(grants) == 0 && role == roleJoiner || len(m.Grants) > maxPairGrants {
		return intro{}, fmt.Errorf("grants %.100q", m.Grants)
	}
	if len(m.Addrs) > maxAddrs {
		return intro{}, fmt.Errorf("%d addresses", len(m.Addrs))
	}
	m.Grants = grants
	return m, nil
}

// readProof reads a frame of exactly one MAC.
func readProof(r io.Reader) ([]byte, error) {
	body, err := readBytes(r)
	if err == nil && len(body) != sha256.Size {
		return nil, fmt.Errorf("a proof of %d bytes", len(body))
	}
	return body, err
}

// expectProof reads a proof and checks it.
func expectProof(r io.Reader, p *proofs, what string) error {
	mac, err := readProof(r)
	if err != nil {
		return err
	}
	if !p.check(what, mac) {
		return fmt.Errorf("no proof that %s", what)
	}
	return nil
}

func sendProof(w io.Writer, p *proofs, what string) error {
	mac, err := p.make(what)
	if err != nil {
		return err
	}
	return writeBytes(w, mac)
}

// refusal is why an offerer does not go on; its text is the status on the wire.
type refusal string

const (
	refusedWrong   refusal = "wrong"
	refusedBurnt   refusal = "burnt"
	refusedUsed    refusal = "used"
	refusedExpired refusal = "expired"
	refusedUnknown refusal = "unknown"
	refusedBusy    refusal = "busy"
	refusedInvalid refusal = "invalid"
)

// err says it to a person.
func (r refusal) err() error {
	e := &fusion.Error{Op: "host.pair", Cause: fusion.ErrPermission}
	switch r {
	case refusedWrong:
		e.Detail, e.Hint = "the code is wrong", "read the code again; after three wrong tries a new one is needed"
	case refusedBurnt:
		e.Detail, e.Hint = "three wrong codes were tried", "make a new code on the other computer: hither pair"
	case refusedUsed:
		e.Detail, e.Hint = "the code was used already", "make a new code on the other computer: hither pair"
	case refusedExpired:
		e.Detail, e.Hint = "the code has expired", "make a new code on the other computer: hither pair"
	case refusedUnknown:
		e.Cause, e.Detail = fusion.ErrNotFound, "no code with this number is open there"
		e.Hint = "look at the number, or make a new code on the other computer: hither pair"
	case refusedBusy:
		e.Cause, e.Detail = fusion.ErrBusy, "too many tries to pair"
		e.Hint = "wait a minute, then make a new code on the other computer: hither pair"
	default:
		e.Cause, e.Detail = fusion.ErrInvalid, "the other computer did not understand"
		e.Hint = "update Hither on both computers"
	}
	return e
}
