package catalogue

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
)

// A publisher may sign its list of sums. Then the list is believed for the signature, and
// not for the connection that brought it: the keys are part of every release.

// publisherKeys are the public keys of publishers (RFC 9580, armored), with which the
// entries of catalogue.json are signed.
//
//go:embed keys/*.asc
var publisherKeys embed.FS

// Signature says who signs a list of sums, and where the signature is: in the list
// itself when url is "".
type Signature struct {
	By  string `json:"signedBy"` // a file of keys/, without its end; "" is nobody
	URL string `json:"signatureUrl"`
}

// readSigned gives the signatures of the built-in catalogue, by name.
func readSigned(text []byte) (map[string]Signature, error) {
	var list []struct {
		Name string `json:"name"`
		Signature
	}
	err := json.Unmarshal(text, &list)
	signed := map[string]Signature{}
	for _, one := range list {
		if one.By != "" {
			signed[one.Name] = one.Signature
		}
	}
	return signed, err
}

// ErrNotSigned is the cause of a list that is not what its publisher wrote.
var ErrNotSigned = errors.New("it is not signed by its publisher")

// Verify gives what of a list its publisher has signed. detached is the signature where it is
// not in the list itself, else nil. It promises ErrNotSigned.
func (s Signature) Verify(list, detached []byte) ([]byte, error) {
	key, err := publisherKeys.ReadFile("keys/" + s.By + ".asc")
	if err != nil {
		return nil, err
	}
	return verified(key, list, detached)
}

// verified gives what of a list was signed with a key: of one that has its signature in
// itself not more than that. detached is the signature of a list that has it elsewhere.
func verified(key, list, detached []byte) ([]byte, error) {
	ring, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(key))
	if err != nil {
		return nil, err
	}
	if detached != nil {
		check := openpgp.CheckDetachedSignature
		if bytes.HasPrefix(bytes.TrimSpace(detached), []byte("-----BEGIN")) {
			check = openpgp.CheckArmoredDetachedSignature
		}
		if _, err := check(ring, bytes.NewReader(list), bytes.NewReader(detached), nil); err != nil {
			return nil, errors.Join(ErrNotSigned, err)
		}
		return list, nil
	}
	block, _ := clearsign.Decode(list)
	if block == nil {
		return nil, ErrNotSigned
	}
	if _, err := block.VerifySignature(ring, nil); err != nil {
		return nil, errors.Join(ErrNotSigned, err)
	}
	return block.Plaintext, nil
}
