package vmctl

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"hither/fusion"
	"hither/vmctl/catalogue"
	"hither/vmctl/imagepool"
)

// holds checks that the pool has the image, whole, and nothing else but its note.
func holds(t *testing.T, s *Store, name string, data []byte) {
	t.Helper()
	if got := must(os.ReadFile(filepath.Join(s.config.pool(), name)))(t); !bytes.Equal(got, data) {
		t.Errorf("%s has %d bytes that are not the %d of the publisher", name, len(got), len(data))
	}
	if names := inPool(t, s.config); !slices.Equal(names, []string{imagepool.NoteName(name), name}) {
		t.Errorf("the pool has %v", names)
	}
}

func TestFetch(t *testing.T) {
	p := publish(t, rawDisk(3<<20))
	s := fetching(t, t.TempDir())
	var last fusion.Progress
	ctx := fusion.WithReporter(t.Context(), func(now fusion.Progress) { last = now })
	image := must(s.Images().Fetch(ctx, fetchSpec(p)))(t)
	if image.Name != "disk.img" || image.Format != fusion.Raw || image.Bytes != 3<<20 || image.Sum != sumOfBytes(p.data) || image.Source != p.image() {
		t.Errorf("%+v", image)
	}
	if last.Done != 3<<20 || last.Total != 3<<20 {
		t.Errorf("it told %+v in the end", last)
	}
	holds(t, s, "disk.img", p.data)
	if list := must(s.Images().List(t.Context()))(t); len(list) != 1 || list[0].Sum != image.Sum {
		t.Errorf("%+v", list)
	}
	must(s.Images().Fetch(t.Context(), fetchSpec(p)))(t) // it is here already
	if asked := p.ranges(); len(asked) != 1 {
		t.Errorf("the publisher was asked %d times", len(asked))
	}
	other := publish(t, rawDisk(1<<20))
	_, err := s.Images().Fetch(t.Context(), fusion.FetchSpec{From: other.image()})
	refused(t, err, fusion.ErrExists)
	moved := must(s.Images().Fetch(t.Context(), fusion.FetchSpec{From: p.URL + "/moved", Name: "two"}))(t)
	if moved.Sum != image.Sum {
		t.Errorf("without a sum: %+v", moved)
	}
}

// TestFetchGoesOn: a download that breaks off asks for the rest only.
func TestFetchGoesOn(t *testing.T) {
	for name, tag := range map[string]string{"with a tag": `"one"`, "without": ""} {
		t.Run(name, func(t *testing.T) {
			p := publish(t, rawDisk(3<<20))
			p.tag, p.breaks = tag, 2
			s := fetching(t, t.TempDir())
			must(s.Images().Fetch(t.Context(), fetchSpec(p)))(t)
			holds(t, s, "disk.img", p.data)
			asked := p.ranges()
			if len(asked) != 3 || asked[0] != "" || !strings.HasPrefix(asked[1], "bytes=") || asked[1] == asked[2] || asked[1] == "bytes=0-" {
				t.Errorf("the publisher was asked for %q", asked)
			}
		})
	}
}

// TestFetchGoesOnAtTheNextStart: what has come is there for the next node, hidden.
func TestFetchGoesOnAtTheNextStart(t *testing.T) {
	dir := t.TempDir()
	p := publish(t, rawDisk(3<<20))
	p.hold = make(chan struct{})
	s := fetching(t, dir)
	ctx, end := context.WithCancelCause(t.Context())
	ended := make(chan error)
	go func() {
		_, err := s.Images().Fetch(ctx, fetchSpec(p))
		ended <- err
	}()
	<-p.held
	eventually(t, "what was sent is on the disk", func() bool { return partSize(t, s) >= 1<<20 })
	end(errors.New("the node is closing"))
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	close(p.hold)
	p.with(func() { p.hold = nil })
	if list := must(s.Images().List(t.Context()))(t); len(list) != 0 {
		t.Errorf("half an image is listed: %+v", list)
	}
	ok(t, s.Close())
	s = fetching(t, dir)
	must(s.Images().Fetch(t.Context(), fetchSpec(p)))(t)
	holds(t, s, "disk.img", p.data)
	if asked := p.ranges(); len(asked) != 2 || asked[1] != "bytes=1048576-" {
		t.Errorf("the publisher was asked for %q", asked)
	}
}

// partSize is how much of the one download in a pool is there.
func partSize(t *testing.T, s *Store) int64 {
	t.Helper()
	for _, path := range must(filepath.Glob(filepath.Join(s.config.pool(), imagepool.DownloadPrefix+"*")))(t) {
		if info, err := os.Stat(path); err == nil && !strings.HasSuffix(path, imagepool.NoteSuffix) {
			return info.Size()
		}
	}
	return -1
}

// TestFetchOfAnotherFile: what the publisher replaced is not mixed with what it was.
func TestFetchOfAnotherFile(t *testing.T) {
	p := publish(t, rawDisk(3<<20))
	p.breaks = 1
	s := fetching(t, t.TempDir())
	changed := rawDisk(2 << 20)
	ctx := fusion.WithReporter(t.Context(), func(now fusion.Progress) {
		if strings.HasPrefix(now.Step, "waits") {
			p.with(func() { p.data, p.tag = changed, `"two"` })
		}
	})
	must(s.Images().Fetch(ctx, fusion.FetchSpec{From: p.image()}))(t)
	holds(t, s, "disk.img", changed)
}

func TestFetchRefuses(t *testing.T) {
	html := bytes.Repeat([]byte("<html>sign in</html>"), 100)
	packed := append([]byte("\x1f\x8b"), make([]byte, 1000)...)
	good := rawDisk(1 << 20)
	for name, c := range map[string]struct {
		data   []byte
		sum    string
		status int
		cause  error
		says   string
	}{
		"wrong sum":     {good, "sha256:" + strings.Repeat("0", 64), 0, fusion.ErrInvalid, "what came has the sum"},
		"a page":        {html, "", 0, fusion.ErrInvalid, "no image"},
		"packed":        {packed, "", 0, fusion.ErrInvalid, "packed"},
		"backing file":  {append(qcow2(512, 0), make([]byte, 1000)...), "", 0, fusion.ErrInvalid, "points at another file"},
		"external data": {append(qcow2(0, 4), make([]byte, 1000)...), "", 0, fusion.ErrInvalid, "points at another file"},
		"nothing":       {nil, "", 0, fusion.ErrInvalid, "no image"},
		"not there":     {good, "", http.StatusNotFound, fusion.ErrNotFound, "no such file"},
		"not for us":    {good, "", http.StatusForbidden, fusion.ErrInvalid, "403"},
	} {
		t.Run(name, func(t *testing.T) {
			p := publish(t, c.data)
			p.status = c.status
			s := fetching(t, t.TempDir())
			_, err := s.Images().Fetch(t.Context(), fusion.FetchSpec{From: p.image(), Sum: c.sum})
			refused(t, err, c.cause)
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says: %v", err)
			}
			if left := inPool(t, s.config); len(left) != 0 {
				t.Errorf("it left %v", left)
			}
		})
	}
}

func TestFetchOfABadAddress(t *testing.T) {
	p := publish(t, nil)
	s := fetching(t, t.TempDir())
	_, err := s.Images().Fetch(t.Context(), fusion.FetchSpec{From: p.URL + "/loop", Name: "x"})
	refused(t, err, fusion.ErrInvalid)
	for _, from := range []string{"file:///etc/passwd", "ftp://example.org/x", "https://a:b@example.org/x", "gopher://x/y"} {
		_, err := s.Images().Fetch(t.Context(), fusion.FetchSpec{From: from, Name: "x"})
		refused(t, err, fusion.ErrInvalid)
	}
	secure := must(http.NewRequest(http.MethodGet, "https://example.org/", nil))(t)
	for _, to := range []string{"http://example.org/", "file:///etc/passwd"} {
		if web.CheckRedirect(must(http.NewRequest(http.MethodGet, to, nil))(t), []*http.Request{secure}) == nil {
			t.Errorf("it follows from https to %s", to)
		}
	}
	if left := inPool(t, s.config); len(left) != 0 {
		t.Errorf("it left %v", left)
	}
}

// TestFetchOffline: a source that cannot be reached is tried again, and what came stays.
func TestFetchOffline(t *testing.T) {
	p := publish(t, rawDisk(1<<20))
	p.status = http.StatusServiceUnavailable
	s := fetching(t, t.TempDir())
	_, err := s.Images().Fetch(t.Context(), fetchSpec(p))
	refused(t, err, fusion.ErrOffline)
	if asked := p.ranges(); len(asked) != mostTries {
		t.Errorf("it was asked %d times", len(asked))
	}
	p.with(func() { p.status = 0 })
	must(s.Images().Fetch(t.Context(), fetchSpec(p)))(t)
	holds(t, s, "disk.img", p.data)
}

func TestFetchWithoutRoom(t *testing.T) {
	for name, size := range map[string]int64{"more than is free": mostImage, "more than any image has": mostImage + 1} {
		t.Run(name, func(t *testing.T) {
			server := announcing(t, size)
			s := fetching(t, t.TempDir())
			_, err := s.Images().Fetch(t.Context(), fusion.FetchSpec{From: server + "/disk.img"})
			refused(t, err, fusion.ErrInvalid)
			if left := inPool(t, s.config); len(left) != 0 {
				t.Errorf("it left %v", left)
			}
		})
	}
}

// TestFetchCanceled leaves nothing.
func TestFetchCanceled(t *testing.T) {
	p := publish(t, rawDisk(3<<20))
	p.hold = make(chan struct{})
	s := fetching(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := s.Images().Fetch(ctx, fetchSpec(p))
		ended <- err
	}()
	<-p.held
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	close(p.hold)
	if left := inPool(t, s.config); len(left) != 0 {
		t.Errorf("it left %v", left)
	}
}

// TestFetchTogether: two calls for one image make one download.
func TestFetchTogether(t *testing.T) {
	p := publish(t, rawDisk(3<<20))
	p.hold = make(chan struct{})
	s := fetching(t, t.TempDir())
	waits := make(chan struct{})
	var once sync.Once
	ctx := fusion.WithReporter(t.Context(), func(now fusion.Progress) {
		if strings.HasPrefix(now.Step, "waits for another") {
			once.Do(func() { close(waits) })
		}
	})
	var both sync.WaitGroup
	errs := make([]error, 2)
	both.Go(func() { _, errs[0] = s.Images().Fetch(ctx, fetchSpec(p)) })
	<-p.held
	both.Go(func() { _, errs[1] = s.Images().Fetch(ctx, fetchSpec(p)) })
	<-waits
	_, err := s.Images().Fetch(t.Context(), fusion.FetchSpec{From: p.image(), Sum: sumOfBytes(p.data), Name: "other.img"})
	refused(t, err, fusion.ErrBusy) // they would write into one file
	close(p.hold)
	both.Wait()
	ok(t, errors.Join(errs...))
	if asked := p.ranges(); len(asked) != 1 {
		t.Errorf("it was asked %d times", len(asked))
	}
	holds(t, s, "disk.img", p.data)
}

// TestPublishedSum: the catalogue's images are checked against what their publisher says.
func TestPublishedSum(t *testing.T) {
	p := publish(t, rawDisk(1<<20))
	s := fetching(t, t.TempDir())
	for _, image := range []fusion.CatalogueImage{
		{Name: "tiny", URL: p.image(), SumsURL: p.URL + "/pub/SHA256SUMS", Arch: catalogue.Arch, User: "anna"},
		{Name: "unlisted", URL: p.URL + "/pub/unlisted.img", SumsURL: p.URL + "/pub/SHA256SUMS"},
		{Name: "unknown", URL: p.image(), SumsURL: p.URL + "/pub/NONE"},
	} {
		ok(t, s.catalogue.Add(image, catalogue.Signature{}))
	}
	image := must(s.Images().Fetch(t.Context(), fusion.FetchSpec{From: "tiny"}))(t)
	if image.Name != "tiny" || image.User != "anna" || image.Arch != catalogue.Arch || image.Sum != sumOfBytes(p.data) {
		t.Errorf("%+v", image)
	}
	_, err := s.Images().Fetch(t.Context(), fusion.FetchSpec{From: "unlisted"})
	refused(t, err, fusion.ErrNotFound)
	_, err = s.Images().Fetch(t.Context(), fusion.FetchSpec{From: "unknown"})
	refused(t, err, fusion.ErrOffline)
	holds(t, s, "tiny", p.data)
}
