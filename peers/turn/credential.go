package turn

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
)

// validFor is how long a credential lets its host begin.
const validFor = 2 * time.Minute

func newSecret() []byte {
	secret := make([]byte, sha256.Size)
	_, _ = rand.Read(secret) // it never fails (crypto/rand)
	return secret
}

// Credential gives a host what it may begin with, now and for validFor.
func (s *Server) Credential(host string) (name, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	end := s.now().Add(validFor)
	if end.After(s.out) {
		s.out = end
	}
	name = strconv.FormatInt(end.Unix(), 10) + ":" + host
	return name, passwordOf(s.secret, name)
}

func passwordOf(secret []byte, name string) string {
	sum := hmac.New(sha256.New, secret)
	sum.Write([]byte(name))
	return base64.RawURLEncoding.EncodeToString(sum.Sum(nil))
}

// authenticate gives the host and the key of a name, with which the request is then
// checked. Only what is begun asks for a credential that has not ended: RFC 8656 has
// all later requests carry the first one's.
func (s *Server) authenticate(request *turn.RequestAttributes) (host string, key []byte, ok bool) {
	text, host, found := strings.Cut(request.Username, ":")
	end, err := strconv.ParseInt(text, 10, 64)
	if !found || err != nil || request.Realm != realm {
		return "", nil, false
	}
	s.mu.Lock()
	late, secret := s.now().Unix() > end, s.secret
	s.mu.Unlock()
	if late && request.Method == stun.MethodAllocate || !s.member(host) {
		return "", nil, false
	}
	return host, turn.GenerateAuthKey(request.Username, realm, passwordOf(secret, request.Username)), true
}
