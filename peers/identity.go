package peers

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"hither/fusion"
	"hither/internal/wholefile"
)

// loadIdentity reads the private key in dir, or makes it there once. A file
// that cannot be read is an error: a new identity would unpair every computer.
func loadIdentity(dir string) (crypto.PrivKey, error) {
	path := filepath.Join(dir, "identity.key")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeIdentity(path)
	}
	if err != nil {
		return nil, &fusion.Error{Op: "peers.identity", Path: path, Cause: err}
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, &fusion.Error{Op: "peers.identity", Path: path, Cause: err}
	}
	bad := &fusion.Error{Op: "peers.identity", Path: path, Cause: fusion.ErrInvalid, Detail: "not an Ed25519 key",
		Hint: "restore the file from a backup; without it move it away, start again and pair anew"}
	seed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, bad
	}
	return keyOf(seed)
}

func makeIdentity(path string) (crypto.PrivKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	rand.Read(seed)
	text := base64.StdEncoding.EncodeToString(seed) + "\n"
	if err := wholefile.Write(path, []byte(text)); err != nil {
		return nil, &fusion.Error{Op: "peers.identity", Path: path, Cause: err}
	}
	return keyOf(seed)
}

func keyOf(seed []byte) (crypto.PrivKey, error) {
	key, err := crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(seed))
	if err != nil {
		return nil, fmt.Errorf("peers.identity: %w", err)
	}
	return key, nil
}

// Fingerprint gives 24 digits in six groups that two people can compare aloud:
// six 32-bit words of SHA-256 over the text of the ID, each modulo 10,000.
// Digits, as they are read alike in every language.
func Fingerprint(id fusion.HostID) string {
	sum := sha256.Sum256([]byte("hither fingerprint 1\n" + string(id)))
	groups := make([]string, 6)
	for i := range groups {
		groups[i] = fmt.Sprintf("%04d", binary.BigEndian.Uint32(sum[4*i:])%10000)
	}
	return strings.Join(groups, " ")
}

func hostID(id peer.ID) fusion.HostID { return fusion.HostID(id.String()) }

// peerID reads an ID; a text that is none gives ErrInvalid.
func peerID(id fusion.HostID) (peer.ID, error) {
	p, err := peer.Decode(string(id))
	if err != nil {
		return "", &fusion.Error{Op: "peers", Path: string(id), Cause: fusion.ErrInvalid, Detail: "not a host ID"}
	}
	return p, nil
}
