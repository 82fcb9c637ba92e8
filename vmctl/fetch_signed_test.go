package vmctl

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"

	"hither/fusion"
)

// TestPublisherKeys: the keys are those that the publishers name, and every entry of the
// catalogue that is signed has one.
func TestPublisherKeys(t *testing.T) {
	for name, fingerprint := range map[string]string{
		"ubuntu":    "d2eb44626fddc30b513d5bb71a5d6c4c7db87c81",
		"fedora-43": "c6e7f081cf80e13146676e88829b606631645531",
	} {
		key := must(publisherKeys.ReadFile("keys/" + name + ".asc"))(t)
		ring := must(openpgp.ReadArmoredKeyRing(bytes.NewReader(key)))(t)
		if len(ring) != 1 || hex.EncodeToString(ring[0].PrimaryKey.Fingerprint) != fingerprint {
			t.Errorf("%s has another key", name)
		}
	}
	signed := must(readSigned(builtin))(t)
	for name, by := range signed {
		must(publisherKeys.ReadFile("keys/" + by.By + ".asc"))(t)
		if by.URL != "" && !strings.HasPrefix(by.URL, "https://") {
			t.Errorf("%s: %s", name, by.URL)
		}
	}
	if len(signed) != 3 {
		t.Errorf("signed are %v", signed)
	}
}

// signer makes a key, and signs.
func signer(t *testing.T) (*openpgp.Entity, []byte) {
	t.Helper()
	e := must(openpgp.NewEntity("a publisher", "", "images@example.org", nil))(t)
	var key bytes.Buffer
	w := must(armor.Encode(&key, openpgp.PublicKeyType, nil))(t)
	ok(t, e.Serialize(w))
	ok(t, w.Close())
	return e, key.Bytes()
}

func TestSignedLists(t *testing.T) {
	e, key := signer(t)
	stranger, _ := signer(t)
	list := []byte(strings.Repeat("ab", 32) + "  disk.img\n")
	detach := func(by *openpgp.Entity, text []byte) []byte {
		var out bytes.Buffer
		ok(t, openpgp.DetachSign(&out, by, bytes.NewReader(text), nil))
		return out.Bytes()
	}
	clear := func(by *openpgp.Entity) []byte {
		var out bytes.Buffer
		w := must(clearsign.Encode(&out, by.PrivateKey, nil))(t)
		must(w.Write(list))(t)
		ok(t, w.Close())
		return out.Bytes()
	}
	around := append([]byte(strings.Repeat("cd", 32)+"  disk.img\n"), clear(e)...)
	for what, c := range map[string]struct {
		list, detached []byte
		good           bool
	}{
		"detached":              {list, detach(e, list), true},
		"of another list":       {list, detach(e, []byte("other")), false},
		"by a stranger":         {list, detach(stranger, list), false},
		"no signature":          {list, []byte("<html>"), false},
		"an empty one":          {list, []byte{}, false},
		"in itself":             {clear(e), nil, true},
		"in itself, a stranger": {clear(stranger), nil, false},
		"in itself, changed":    {bytes.Replace(clear(e), []byte("abab"), []byte("cdcd"), 1), nil, false},
		"no list":               {list, nil, false},
		"with more around it":   {around, nil, true},
	} {
		text, err := verified(key, c.list, c.detached)
		sum, there := sumOf(string(text), "disk.img")
		if (err == nil) != c.good || err != nil && !errors.Is(err, errNotSigned) || c.good && (!there || sum != "sha256:"+strings.Repeat("ab", 32)) {
			t.Errorf("%s: %v, %q", what, err, sum)
		}
	}
}

// TestAListThatIsNotSigned is not asked for a sum, and no image follows.
func TestAListThatIsNotSigned(t *testing.T) {
	p := publish(t, qcow2(0, 0))
	s := store(t, newFake())
	_ = must(s.catalogue.all())(t)
	s.catalogue.list = append(s.catalogue.list, fusion.CatalogueImage{Name: "tiny", URL: p.image(), SumsURL: p.URL + "/pub/SHA256SUMS", Arch: machineArch})
	for _, by := range []signature{{By: "fedora-43"}, {By: "ubuntu", URL: p.URL + "/pub/SHA256SUMS"}, {By: "ubuntu", URL: p.URL + "/pub/none"}} {
		s.catalogue.signed["tiny"] = by
		_, err := s.Images().Fetch(t.Context(), fusion.FetchSpec{From: "tiny"})
		if err == nil || fusion.Hint(err) == "" || len(p.ranges()) != 0 {
			t.Errorf("%+v: %v (hint %q), asked for %v", by, err, fusion.Hint(err), p.ranges())
		}
	}
	if left := inPool(t, s.config); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}
