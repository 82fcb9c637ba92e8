package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"hither/fusion"
	"hither/fusion/hosttest"
)

// exporter gives files whose reads and end a test sees.
type exporter struct {
	fusion.Host
	file *slowFile
}

func (e exporter) Copies() fusion.Copies { return exporterCopies{e.Host.Copies(), e.file} }

type exporterCopies struct {
	fusion.Copies
	file *slowFile
}

func (e exporterCopies) Export(context.Context, string, fusion.ExportFormat) (fusion.Exported, error) {
	return e.file, nil
}

// slowFile is an exported file of text; reads fail after failAt.
type slowFile struct {
	text   string
	failAt int
	closed chan struct{}
}

func (f *slowFile) Name() string { return "web.ova" }
func (f *slowFile) Size() int64  { return int64(len(f.text)) }
func (f *slowFile) Close() error { close(f.closed); return nil }

func (f *slowFile) Open(_ context.Context, offset int64) (io.ReadCloser, error) {
	text := f.text[offset:]
	if f.failAt > 0 {
		return io.NopCloser(io.MultiReader(strings.NewReader(text[:f.failAt]), failing{})), nil
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the disk broke") }

// exporting is a scene whose host exports a file.
func exporting(t *testing.T, failAt int) (*scene, *slowFile) {
	t.Helper()
	s := newScene(t)
	file := &slowFile{text: strings.Repeat("0123456789", 1000), failAt: failAt, closed: make(chan struct{})}
	s.node.host = exporter{s.node.host, file}
	return s, file
}

func read(t *testing.T, e fusion.Exported, offset int64) (string, error) {
	t.Helper()
	r, err := e.Open(t.Context(), offset)
	if err != nil {
		return "", err
	}
	data, err := io.ReadAll(r)
	return string(data), errors.Join(err, r.Close())
}

func TestAnExportedFileIsItsCallers(t *testing.T) {
	s, file := exporting(t, 0)
	s.node.grant("laptop", fusion.MachinesCap, fusion.ControlCap)
	s.node.grant("phone", fusion.AdminCap)
	laptop := hostOf(s.peer("laptop"), "")
	e := must(laptop.Copies().Export(t.Context(), "web", fusion.OVA))(t)
	for _, offset := range []int64{0, 1, 9_990} {
		if got := must(read(t, e, offset))(t); got != file.text[offset:] {
			t.Errorf("from %d: %d bytes", offset, len(got))
		}
	}
	ticket := onlyTicket(t, s)
	// Whoever has the ticket but is not its caller has nothing.
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		if status := s.ask(t, method, ticket, "phone"); status != http.StatusNotFound {
			t.Errorf("%s by another: %d", method, status)
		}
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	<-file.closed
	if _, err := read(t, e, 0); !errors.Is(err, fusion.ErrNotFound) || fusion.Hint(err) == "" {
		t.Errorf("after its end: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Errorf("a second close: %v", err)
	}
}

// onlyTicket gives the one ticket there is.
func onlyTicket(t *testing.T, s *scene) string {
	t.Helper()
	s.server.ready.mu.Lock()
	defer s.server.ready.mu.Unlock()
	for ticket := range s.server.ready.all {
		return ticket
	}
	t.Fatal("no file is ready")
	return ""
}

// ask makes a plain request as a peer and gives the status.
func (s *scene) ask(t *testing.T, method, ticket string, peer fusion.HostID) int {
	t.Helper()
	listener, dial := s.socket("ask-" + method + string(peer))
	s.server.ServePeers(peerListener{listener, peer})
	req := must(http.NewRequestWithContext(t.Context(), method, "http://hither/copies/"+ticket, nil))(t)
	res := must(plain(dial).Do(req))(t)
	_ = res.Body.Close()
	return res.StatusCode
}

// TestABrowserDownloadsByTicket: a link carries no bearer.
func TestABrowserDownloadsByTicket(t *testing.T) {
	s, file := exporting(t, 0)
	listener := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	s.server.ServeWeb(listener)
	must(hostOf(s.owner(), "").Copies().Export(t.Context(), "web", fusion.OVA))(t)
	get := func(ticket, site string) *http.Response {
		req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.WebURL()+"copies/"+ticket, nil))(t)
		req.Header.Set("Sec-Fetch-Site", site)
		res := must(http.DefaultClient.Do(req))(t)
		t.Cleanup(func() { _ = res.Body.Close() })
		return res
	}
	defer http.DefaultClient.CloseIdleConnections()
	res := get(onlyTicket(t, s), "same-origin")
	data := must(io.ReadAll(res.Body))(t)
	if res.StatusCode != http.StatusOK || string(data) != file.text || res.Header.Get("Content-Disposition") != "attachment; filename=web.ova" {
		t.Errorf("%d, %d bytes, %v", res.StatusCode, len(data), res.Header)
	}
	if res := get("GUESS", "same-origin"); res.StatusCode != http.StatusNotFound {
		t.Errorf("a guess: %d", res.StatusCode)
	}
	// The desktop window's page is of another site; a site that guesses learns nothing.
	if res := get(onlyTicket(t, s), "cross-site"); res.StatusCode != http.StatusOK || res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("from another site: %d, %v", res.StatusCode, res.Header)
	}
	if res := get("GUESS", "cross-site"); res.StatusCode != http.StatusNotFound {
		t.Errorf("a guess of another site: %d", res.StatusCode)
	}
}

func TestAFileThatBreaksIsNotTakenForWhole(t *testing.T) {
	s, _ := exporting(t, 4000)
	e := must(hostOf(s.owner(), "").Copies().Export(t.Context(), "web", fusion.OVA))(t)
	if got, err := read(t, e, 0); err == nil {
		t.Errorf("%d bytes and no error", len(got))
	}
}

// importing is a host whose imports wait.
type importing struct {
	fusion.Host
	began chan struct{}
	ended chan error
}

func (i importing) Copies() fusion.Copies { return importingCopies{i.Host.Copies(), i} }

type importingCopies struct {
	fusion.Copies
	host importing
}

// Import reads until it cannot, as one whose sender stops in the middle.
func (i importingCopies) Import(ctx context.Context, _ fusion.ImportSpec, _ int64, r io.Reader) (fusion.Machine, error) {
	close(i.host.began)
	_, err := io.Copy(io.Discard, r)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	i.host.ended <- err
	return fusion.Machine{}, err
}

// TestACanceledImportEnds whether its sender sends nothing more or sends on, and
// the sender hears why.
func TestACanceledImportEnds(t *testing.T) {
	t.Run("it sends nothing more", func(t *testing.T) {
		r, w := io.Pipe()
		defer w.Close()
		canceledImport(t, r, func() { _ = w.Close() })
	})
	t.Run("it sends on", func(t *testing.T) { canceledImport(t, endless{}, func() {}) })
}

// endless is a file without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// canceledImport cancels the import of r; then ends what is sent once it ended.
func canceledImport(t *testing.T, r io.Reader, then func()) {
	t.Helper()
	s := newScene(t)
	slow := importing{hosttest.NewMemory("id-cloud", "cloud"), make(chan struct{}), make(chan error, 1)}
	s.node.host = jobHost{slow, s.node.jobs}
	h := hostOf(s.owner(), "")
	done := make(chan error, 1)
	go func() {
		_, err := h.Copies().Import(t.Context(), fusion.ImportSpec{Name: "web"}, -1, r)
		done <- err
	}()
	<-slow.began
	list := must(h.Jobs().List(t.Context()))(t)
	if len(list) != 1 || list[0].Op != "machine.import" || list[0].Name != "web" {
		t.Fatalf("%+v", list)
	}
	if err := h.Jobs().Cancel(t.Context(), list[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := <-slow.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	then()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller hears %v", err)
	}
}

// jobHost is a host with the node's jobs.
type jobHost struct {
	fusion.Host
	jobs fusion.Jobs
}

func (h jobHost) Jobs() fusion.Jobs { return h.jobs }

// TestAnImportOfOneKeyIsMadeOnce: a sender that lost the answer asks again.
func TestAnImportOfOneKeyIsMadeOnce(t *testing.T) {
	s := newScene(t)
	copies := hostOf(s.owner(), "").Copies()
	ctx := fusion.WithKey(t.Context(), "k1")
	data := []byte("a raw disk")
	for range 2 {
		m := must(copies.Import(ctx, fusion.ImportSpec{Name: "web", Raw: true}, int64(len(data)), bytes.NewReader(data)))(t)
		if m.Name != "web" || m.Host != "cloud" {
			t.Errorf("%+v", m)
		}
	}
}
