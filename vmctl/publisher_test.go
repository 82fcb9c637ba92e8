package vmctl

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"hither/fusion"
)

// publisher is a web server with one image, which it can send badly.
type publisher struct {
	*httptest.Server

	mu     sync.Mutex // guards the fields below
	data   []byte
	tag    string        // ETag, "" is none
	breaks int           // so many answers break off in the middle
	status int           // when set, the answer
	asked  []string      // the Range of each request for the image
	hold   chan struct{} // when set, an answer waits for it in the middle
	held   chan struct{} // told when one waits
}

func publish(t *testing.T, data []byte) *publisher {
	t.Helper()
	p := &publisher{data: data, tag: `"one"`, held: make(chan struct{}, 1)}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *publisher) image() string { return p.URL + "/pub/disk.img" }

// with changes how it answers from now on.
func (p *publisher) with(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// ranges gives the Range of each request for the image so far.
func (p *publisher) ranges() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.asked...)
}

func (p *publisher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	data, tag, status, hold, breaks := p.data, p.tag, p.status, p.hold, p.breaks > 0
	if r.URL.Path == "/pub/disk.img" {
		p.asked = append(p.asked, r.Header.Get("Range"))
		if breaks {
			p.breaks--
		}
	}
	p.mu.Unlock()
	switch {
	case r.URL.Path == "/pub/SHA256SUMS":
		fmt.Fprintf(w, "%064x  other.img\n%s *disk.img\n", 7, strings.TrimPrefix(sumOfBytes(data), "sha256:"))
		return
	case strings.HasPrefix(r.URL.Path, "/loop"):
		http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
		return
	case r.URL.Path == "/moved":
		http.Redirect(w, r, "/pub/disk.img", http.StatusFound)
		return
	case r.URL.Path != "/pub/disk.img":
		http.NotFound(w, r)
		return
	case status != 0:
		w.WriteHeader(status)
		return
	}
	if tag != "" {
		w.Header().Set("ETag", tag)
	}
	if breaks || hold != nil {
		w = &breaking{ResponseWriter: w, p: p, hold: hold, left: len(data) / 3, breaks: breaks}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// breaking is an answer that waits or breaks off after some bytes.
type breaking struct {
	http.ResponseWriter
	p      *publisher
	hold   chan struct{}
	left   int
	breaks bool
}

func (b *breaking) Write(data []byte) (int, error) {
	if len(data) < b.left {
		b.left -= len(data)
		return b.ResponseWriter.Write(data)
	}
	n, err := b.ResponseWriter.Write(data[:b.left])
	if err != nil {
		return n, err
	}
	_ = http.NewResponseController(b.ResponseWriter).Flush() // the client may be gone
	if b.breaks {
		panic(http.ErrAbortHandler)
	}
	b.p.held <- struct{}{}
	<-b.hold
	more, err := b.ResponseWriter.Write(data[b.left:])
	b.left = len(b.p.data) // once is enough
	return n + more, err
}

func sumOfBytes(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// imagefile.RawDisk is a disk with a boot signature and bytes that are nowhere else.
func rawDisk(size int) []byte {
	disk := make([]byte, size)
	random := rand.NewChaCha8([32]byte{byte(rand.IntN(256)), byte(rand.IntN(256)), byte(rand.IntN(256))})
	_, _ = random.Read(disk) // never fails
	disk[510], disk[511] = 0x55, 0xaa
	return disk
}

// inPool gives the names in a pool, also the hidden ones.
func inPool(t *testing.T, config Config) (names []string) {
	t.Helper()
	for _, entry := range must(os.ReadDir(config.pool()))(t) {
		names = append(names, entry.Name())
	}
	return names
}

// fetching opens a Store that goes on with a download at once.
func fetching(t *testing.T, dir string, peers ...ImagePeer) *Store {
	t.Helper()
	s := must(Open(t.Context(), Config{Dir: dir, URI: "fake:///", open: newFake().open, fetchPause: time.Millisecond,
		ImagePeers: func() []ImagePeer { return peers }, Osinfo: "testdata/osinfo"}))(t)
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

func fetchSpec(p *publisher) fusion.FetchSpec {
	return fusion.FetchSpec{From: p.image(), Sum: sumOfBytes(p.data)}
}
