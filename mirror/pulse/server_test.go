package pulse

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"hither/fusion"
)

func TestSession(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "pulse"), 0o700); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "pulse", "native")
	for _, c := range []struct{ server, want string }{
		{"unix:/a/b", "/a/b"}, {"/a/b", "/a/b"}, {"{host}unix:/a/b", "/a/b"}, {"tcp:nas:4713 unix:/a/b", "/a/b"},
		{"tcp:nas:4713", ""}, {"nas", ""}, {"", ""},
	} {
		t.Setenv("PULSE_SERVER", c.server)
		t.Setenv("XDG_RUNTIME_DIR", dir)
		got, err := Session()
		if got != c.want || (err == nil) != (c.want != "") || err != nil && !errors.Is(err, fusion.ErrUnsupported) {
			t.Errorf("PULSE_SERVER=%q gave %q, %v", c.server, got, err)
		}
	}
	if err := os.WriteFile(socket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Session(); got != socket || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestUnreadSamplesAreBounded(t *testing.T) {
	r := &Recording{stream: Stream{Channels: 2}}
	r.more = sync.NewCond(&r.mu)
	most := int(r.stream.bytes(backlog)) / 2
	b := make([]byte, 4*Rate) // a second
	b[len(b)-2] = 7           // the last sample
	r.add(b)
	if len(r.samples) != most || r.samples[most-1] != 7 {
		t.Errorf("%d samples wait, the last is %d", len(r.samples), r.samples[len(r.samples)-1])
	}
}
