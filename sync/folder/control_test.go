package folder

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"hither/fusion"
)

// TestBrokenStreams sends what no store sends, and sees that each is ended, and
// that the store goes on.
func TestBrokenStreams(t *testing.T) {
	a, b := two(t)
	for name, data := range map[string][]byte{
		"nothing":         {},
		"unknown kind":    {'X', 0, 0},
		"no question":     {'C'},
		"zero length":     {'C', 0, 0},
		"too long":        {'C', 0xff, 0xff},
		"not JSON":        append([]byte{'C'}, frame("}{")...),
		"name with ../":   append([]byte{'C'}, frame(`{"version":1,"op":"offer","device":"`+testDevice+`","folder":"`+testFolder+`","name":"../../x"}`)...),
		"link not wanted": append([]byte{'D'}, bytes.Repeat([]byte{0x16}, 64)...),
	} {
		t.Run(name, func(t *testing.T) {
			stream, err := a.net.dial(a.id, b.id)
			if err != nil {
				t.Fatal(err)
			}
			defer stream.Close()
			if _, err := stream.Write(data); err != nil {
				t.Fatal(err)
			}
			_ = stream.(*net.TCPConn).CloseWrite() // the other side may have closed it by now
			if err := stream.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			reply, err := io.ReadAll(stream)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal("the stream was left open")
			}
			if len(reply) > 0 {
				got, err := readAnswer(bytes.NewReader(reply))
				if err != nil || got.Cause != "invalid" || got.Hint == "" {
					t.Errorf("answer %+v, %v", got, err)
				}
			}
		})
	}
	if list, err := b.List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("something was kept: %v, %v", list, err)
	}
	dir := a.add("docs")
	write(t, dir, "one", "1")
	if err := a.Share(t.Context(), "docs", b.id); err != nil {
		t.Fatal(err)
	}
	untilFile(t, b.untilIdle("docs", 1).Path, "one", "1")
}

func TestStrangersQuestion(t *testing.T) {
	n := newNetwork()
	a, b := n.open(t, "host-a"), n.open(t, "host-b")
	got, err := a.ask(t.Context(), b.id, question{Op: opOffer, Folder: testFolder, Name: "docs"})
	if err != nil || got.Cause != "unpaired" || got.Hint == "" {
		t.Errorf("stranger's offer: %+v, %v", got, err)
	}
	if devices := b.ledger.Load().Devices; len(devices) != 0 {
		t.Errorf("a stranger's device was kept: %v", devices)
	}
}

// TestWrongDevice: a host whose stream shows another device key than it told
// of gets no files.
func TestWrongDevice(t *testing.T) {
	a, b := two(t)
	dir := a.add("docs")
	write(t, dir, "one", "1")
	fake := func() error {
		return b.change(t.Context(), func(l *ledger) error { return l.bind(a.id, testDevice) })
	}
	if err := fake(); err != nil {
		t.Fatal(err)
	}
	if err := a.Share(t.Context(), "docs", b.id); err != nil { // corrects what b believes
		t.Fatal(err)
	}
	b.untilIdle("docs", 1)
	meet(a, b, false)
	if err := fake(); err != nil {
		t.Fatal(err)
	}
	a.net.setCut(false)
	stream, err := a.dial(t.Context(), b.id, streamData)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if err := a.serveLink(t.Context(), b.id, stream, true); err == nil || strings.Contains(err.Error(), "context") {
		t.Errorf("the link was taken: %v", err)
	}
}

func TestWatch(t *testing.T) {
	a := newNetwork().open(t, "host-a")
	a.add("before")
	a.untilIdle("before", 0)
	seen := make(chan fusion.Folder, 100)
	gone := make(chan string, 100)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- a.Watch(ctx, func(f fusion.Folder, removed bool) {
			if removed {
				gone <- f.Name
				return
			}
			seen <- f
		})
	}()
	select {
	case f := <-seen:
		if f.Name != "before" {
			t.Errorf("%s was told first", f.Name)
		}
	case <-time.After(patience):
		t.Fatal("the folder that was there is not told")
	}
	write(t, a.add("docs"), "one", "1")
	deadline := time.After(patience)
	for done := false; !done; {
		select {
		case f := <-seen:
			done = f.Name == "docs" && f.State == "idle" && f.GlobalFiles == 1
		case <-deadline:
			t.Fatal("the new folder was not told")
		}
	}
	if err := a.Remove(t.Context(), "docs"); err != nil {
		t.Fatal(err)
	}
	select {
	case name := <-gone:
		if name != "docs" {
			t.Errorf("%s is gone", name)
		}
	case <-time.After(patience):
		t.Fatal("the removal was not told")
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("watch ended with %v", err)
	}
}

func TestAddRefusals(t *testing.T) {
	a := newNetwork().open(t, "host-a")
	dir := a.add("docs")
	for _, test := range []struct {
		name, path string
		cause      error
	}{
		{"docs", a.home + "/files/other", fusion.ErrExists},
		{"DOCS", a.home + "/files/other", fusion.ErrExists},
		{"../x", a.home + "/files/other", fusion.ErrInvalid},
		{"<xml>", a.home + "/files/other", fusion.ErrInvalid},
		{"", a.home + "/files/other", fusion.ErrInvalid},
		{"again", dir, fusion.ErrExists},
		{"inside", dir + "/sub", fusion.ErrInvalid},
		{"relative", "sub", fusion.ErrInvalid},
		{"proc", "/proc", fusion.ErrInvalid},
		{"deep", a.home + "/none/deep", fusion.ErrNotFound},
	} {
		_, err := a.Add(t.Context(), test.name, test.path)
		if !errors.Is(err, test.cause) || fusion.Hint(err) == "" {
			t.Errorf("add %q %q: %v", test.name, test.path, err)
		}
	}
	if _, err := os.Stat(a.home + "/none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a refused path was made: %v", err)
	}
	if list, err := a.List(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("list %v, %v", list, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.List(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("list after the end: %v", err)
	}
}
