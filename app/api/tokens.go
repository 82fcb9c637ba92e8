package api

import (
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"

	"hither/fusion"
)

// tokens lets the page in: a one-time token that travels in a URL's fragment
// is traded for a bearer that lasts as long as the node. Only hashes are kept,
// and looking a hash up tells an attacker nothing about the token.
type tokens struct {
	// mu guards the fields below.
	mu      sync.Mutex
	once    map[[32]byte]time.Time // until when
	bearers map[[32]byte]bool
}

const (
	oneTimeLife = 10 * time.Minute
	maxTokens   = 1000 // of each kind; more is a loop somewhere
)

// oneTime makes a token that can be traded once within ten minutes.
func (t *tokens) oneTime() string {
	token := rand.Text()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.once == nil {
		t.once, t.bearers = map[[32]byte]time.Time{}, map[[32]byte]bool{}
	}
	now := time.Now()
	for hash, until := range t.once {
		if now.After(until) || len(t.once) >= maxTokens {
			delete(t.once, hash)
		}
	}
	t.once[sha256.Sum256([]byte(token))] = now.Add(oneTimeLife)
	return token
}

// trade gives a bearer for a one-time token.
func (t *tokens) trade(token string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	hash := sha256.Sum256([]byte(token))
	until, known := t.once[hash]
	delete(t.once, hash)
	if !known || time.Now().After(until) {
		return "", &fusion.Error{Op: "web", Cause: fusion.ErrUnpaired, Detail: "this link was used or is too old",
			Hint: "open the page again with: hither web"}
	}
	bearer := rand.Text()
	for old := range t.bearers {
		if len(t.bearers) < maxTokens {
			break
		}
		delete(t.bearers, old)
	}
	t.bearers[sha256.Sum256([]byte(bearer))] = true
	return bearer, nil
}

// valid says whether a bearer is one of ours.
func (t *tokens) valid(bearer string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bearers[sha256.Sum256([]byte(bearer))]
}
