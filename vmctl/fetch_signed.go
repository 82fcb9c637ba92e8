package vmctl

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

// signature says who signs a list of sums, and where the signature is: in the list
// itself when url is "".
type signature struct {
	By  string `json:"signedBy"` // a file of keys/, without its end; "" is nobody
	URL string `json:"signatureUrl"`
}

// readSigned gives the signatures of the built-in catalogue, by name.
func readSigned(text []byte) (map[string]signature, error) {
	var list []struct {
		Name string `json:"name"`
		signature
	}
	err := json.Unmarshal(text, &list)
	signed := map[string]signature{}
	for _, one := range list {
		if one.By != "" {
			signed[one.Name] = one.signature
		}
	}
	return signed, err
}

var errNotSigned = errors.New("it is not signed by its publisher")

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
			return nil, errors.Join(errNotSigned, err)
		}
		return list, nil
	}
	block, _ := clearsign.Decode(list)
	if block == nil {
		return nil, errNotSigned
	}
	if _, err := block.VerifySignature(ring, nil); err != nil {
		return nil, errors.Join(errNotSigned, err)
	}
	return block.Plaintext, nil
}
