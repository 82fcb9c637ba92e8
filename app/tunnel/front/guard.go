package front

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"hither/fusion"
)

// HashPassword gives what is kept of a password. It promises ErrInvalid for one that is shorter
// than 8 bytes or longer than 72, which is all that bcrypt reads.
func HashPassword(password string) (string, error) {
	if len(password) < 8 || len(password) > 72 {
		return "", &fusion.Error{Op: "publish", Path: "password", Cause: fusion.ErrInvalid, Detail: "it is too short or too long", Hint: "a password of a site has 8 to 72 bytes"}
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	return string(hash), err
}

// guard asks the visitors of a site for a password (RFC 7617).
type guard struct {
	user, hash string
	key        []byte        // of this run: what was right is remembered by its sum
	turns      chan struct{} // one for each look at a hash, which takes a processor

	mu    sync.Mutex // guards the field below
	right []byte     // the sum of what was right last
}

const (
	// maxLooks bounds the looks at hashes at a time for one site, and lookTime how long a
	// visitor waits for one.
	maxLooks = 2
	lookTime = 5 * time.Second
)

func newGuard(user, hash string) *guard {
	return &guard{user: user, hash: hash, key: []byte(rand.Text()), turns: make(chan struct{}, maxLooks)}
}

// admit says whether a request has the password; if not, it has been answered.
func (g *guard) admit(w http.ResponseWriter, r *http.Request) bool {
	user, password, said := r.BasicAuth()
	if said && g.knows(user, password) {
		return true
	}
	if said && len(password) <= 72 {
		timer := time.NewTimer(lookTime)
		defer timer.Stop()
		select {
		case g.turns <- struct{}{}:
			right := g.look(user, password)
			<-g.turns
			if right {
				return true
			}
		case <-timer.C:
			w.Header().Set("Retry-After", "5")
			http.Error(w, "too many guesses", http.StatusServiceUnavailable)
			return false
		case <-r.Context().Done():
			return false
		}
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="Hither", charset="UTF-8"`)
	http.Error(w, "a password is asked for", http.StatusUnauthorized)
	return false
}

func (g *guard) sum(user, password string) []byte {
	mac := hmac.New(sha256.New, g.key)
	mac.Write([]byte(user))
	mac.Write([]byte{':'}) // no user has one
	mac.Write([]byte(password))
	return mac.Sum(nil)
}

// knows says whether these were right before, without a look at the hash.
func (g *guard) knows(user, password string) bool {
	sum := g.sum(user, password)
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.right != nil && hmac.Equal(sum, g.right)
}

func (g *guard) look(user, password string) bool {
	sameUser := g.user == "" || subtle.ConstantTimeCompare([]byte(user), []byte(g.user)) == 1
	right := bcrypt.CompareHashAndPassword([]byte(g.hash), []byte(password)) == nil
	if !sameUser || !right {
		return false
	}
	sum := g.sum(user, password)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.right = sum
	return true
}
