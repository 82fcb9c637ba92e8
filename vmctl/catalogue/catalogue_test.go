package catalogue

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
	"hither/internal/expect"
)

// TestPublisherKeys: the keys are those that the publishers name, and every entry of the
// catalogue that is signed has one.
func TestPublisherKeys(t *testing.T) {
	for name, fingerprint := range map[string]string{
		"ubuntu":    "d2eb44626fddc30b513d5bb71a5d6c4c7db87c81",
		"fedora-43": "c6e7f081cf80e13146676e88829b606631645531",
	} {
		key := expect.Must(publisherKeys.ReadFile("keys/" + name + ".asc"))(t)
		ring := expect.Must(openpgp.ReadArmoredKeyRing(bytes.NewReader(key)))(t)
		if len(ring) != 1 || hex.EncodeToString(ring[0].PrimaryKey.Fingerprint) != fingerprint {
			t.Errorf("%s has another key", name)
		}
	}
	signed := expect.Must(readSigned(builtin))(t)
	for name, by := range signed {
		expect.Must(publisherKeys.ReadFile("keys/" + by.By + ".asc"))(t)
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
	e := expect.Must(openpgp.NewEntity("a publisher", "", "images@example.org", nil))(t)
	var key bytes.Buffer
	w := expect.Must(armor.Encode(&key, openpgp.PublicKeyType, nil))(t)
	expect.OK(t, e.Serialize(w))
	expect.OK(t, w.Close())
	return e, key.Bytes()
}

func TestSignedLists(t *testing.T) {
	e, key := signer(t)
	stranger, _ := signer(t)
	list := []byte(strings.Repeat("ab", 32) + "  disk.img\n")
	detach := func(by *openpgp.Entity, text []byte) []byte {
		var out bytes.Buffer
		expect.OK(t, openpgp.DetachSign(&out, by, bytes.NewReader(text), nil))
		return out.Bytes()
	}
	clear := func(by *openpgp.Entity) []byte {
		var out bytes.Buffer
		w := expect.Must(clearsign.Encode(&out, by.PrivateKey, nil))(t)
		expect.Must(w.Write(list))(t)
		expect.OK(t, w.Close())
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
		sum, there := SumOf(string(text), "disk.img")
		if (err == nil) != c.good || err != nil && !errors.Is(err, ErrNotSigned) || c.good && (!there || sum != "sha256:"+strings.Repeat("ab", 32)) {
			t.Errorf("%s: %v, %q", what, err, sum)
		}
	}
}

func TestSumOf(t *testing.T) {
	short, long := strings.Repeat("ab", 32), strings.Repeat("cd", 64)
	for list, want := range map[string]string{
		short + "  disk.img\n":                    "sha256:" + short,
		long + " *disk.img\n":                     "sha512:" + long,
		"0  other\n" + short + "  disk.img":       "sha256:" + short,
		"SHA256 (disk.img) = " + short + "\n":     "sha256:" + short,
		"# Hash\nSHA512 (disk.img) = " + long:     "sha512:" + long,
		strings.ToUpper(long):                     "sha512:" + long,
		short + "  other.img\n":                   "",
		short + "  not-disk.img\n":                "",
		"SHA256 (disk.img.asc) = " + short:        "",
		short + "  x/disk.img\n":                  "",
		"":                                        "",
		short[:60]:                                "",
		strings.Repeat("zz", 32) + "  disk.img\n": "",
	} {
		got, ok := SumOf(list, "disk.img")
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", list, got, ok)
		}
	}
}

func FuzzSumOf(f *testing.F) {
	f.Add(strings.Repeat("ab", 32) + "  disk.img\n")
	f.Add("SHA256 (disk.img) = " + strings.Repeat("ab", 32))
	f.Fuzz(func(t *testing.T, list string) {
		if sum, ok := SumOf(list, "disk.img"); ok && fusion.CheckSum(sum) != nil {
			t.Errorf("%q", sum)
		}
	})
}
