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
	own, named := filepath.Join(dir, "pulse", "native"), filepath.Join(dir, "named")
	t.Setenv("XDG_RUNTIME_DIR", dir)
	for range 2 {
		for _, c := range []struct{ server, want string }{
			{"unix:" + named, named}, {named, named}, {"{host}unix:" + named, named}, {"tcp:nas:4713 unix:" + named, named},
			{"tcp:nas:4713", ""}, {"nas", ""}, {"", own},
		} {
			t.Setenv("PULSE_SERVER", c.server)
			got, err := Session()
			_, missing := os.Stat(own)
			if got != c.want || (err == nil) != (c.want != "" && missing == nil) || err != nil && !errors.Is(err, fusion.ErrUnsupported) {
				t.Errorf("PULSE_SERVER=%q gave %q, %v", c.server, got, err)
			}
		}
		for _, socket := range []string{own, named} { // they are there the second time
			if err := os.WriteFile(socket, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
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
