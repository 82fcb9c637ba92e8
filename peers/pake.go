package peers

import (
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math/big"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/schollz/pake/v3"
)

// The roles of the exchange: the one who typed the code sends first.
const (
	roleJoiner  = 0
	roleOfferer = 1
)

// pointSize is an uncompressed P-256 point (SEC 1, 2.3.3): 4, X, Y.
const pointSize = 65

// exchange is one run of the PAKE (Boneh and Shoup, figure 21.15) over P-256.
// schollz/pake panics on missing coordinates; it only ever sees points that
// this file has checked.
type exchange struct {
	role int
	pake *pake.Pake
}

func newExchange(role int, c code) (*exchange, error) {
	// 32 bytes whatever the words are, and another for each number.
	secret, err := hkdf.Key(sha256.New, []byte(c.String()), nil, "hither pair 1 secret", 32)
	if err != nil {
		return nil, err
	}
	p, err := pake.InitCurve(secret, role, "p256")
	if err != nil {
		return nil, err
	}
	return &exchange{role, p}, nil
}

// point gives this side's public value: the joiner's at once, the offerer's
// after meet.
func (e *exchange) point() []byte {
	x, y := e.pake.Xᵤ, e.pake.Xᵥ
	if e.role == roleOfferer {
		x, y = e.pake.Yᵤ, e.pake.Yᵥ
	}
	out := make([]byte, pointSize)
	out[0] = 4
	x.FillBytes(out[1:33])
	y.FillBytes(out[33:])
	return out
}

var errPoint = errors.New("not a point on P-256")

// meet takes the other side's public value and gives the key, which is the same
// on both sides only when the words are. It refuses anything but a point on the
// curve that is not infinity.
func (e *exchange) meet(point []byte) ([]byte, error) {
	if len(point) != pointSize || point[0] != 4 {
		return nil, errPoint
	}
	if _, err := ecdh.P256().NewPublicKey(point); err != nil {
		return nil, errPoint
	}
	x, y := new(big.Int).SetBytes(point[1:33]), new(big.Int).SetBytes(point[33:])
	theirs := &pake.Pake{Role: roleOfferer, Yᵤ: x, Yᵥ: y}
	if e.role == roleOfferer {
		theirs = &pake.Pake{Role: roleJoiner, Xᵤ: x, Xᵥ: y}
	}
	text, err := json.Marshal(theirs)
	if err != nil {
		return nil, err
	}
	if err := e.pake.Update(text); err != nil {
		return nil, err
	}
	return e.pake.SessionKey()
}

// proofs makes and checks the confirmations of one exchange.
type proofs struct {
	key        []byte
	transcript []byte
}

// The confirmations in the order in which they are sent.
const (
	joinerKnows   = "joiner knows the words"
	offererKnows  = "offerer knows the words"
	joinerCommits = "joiner wants to be stored"
	offererStored = "offerer has stored"
	joinerStored  = "joiner has stored"
)

// newProofs binds the key to everything that was said: both IDs and both first
// messages, byte for byte, with number, points, names, addresses and grants.
func newProofs(key []byte, joiner, offerer peer.ID, first, second []byte) *proofs {
	h := sha256.New()
	for _, part := range [][]byte{[]byte("hither pair 1"), []byte(joiner), []byte(offerer), first, second} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		h.Write(part)
	}
	return &proofs{key, h.Sum(nil)}
}

func (p *proofs) make(what string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, p.key, p.transcript, what, sha256.Size)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(p.transcript)
	return mac.Sum(nil), nil
}

func (p *proofs) check(what string, mac []byte) bool {
	want, err := p.make(what)
	return err == nil && hmac.Equal(want, mac)
}
