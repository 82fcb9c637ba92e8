package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"hither/fusion"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var hostMessages = []Message{
	Hello{true, false, 1920, 1080, "köln · 屏幕"}, Hello{Windows: true, Width: 1, Height: 2},
	FramePart{1, 0, 1, []byte{}}, FramePart{7, 2, 3, []byte("abc")},
	Title{""}, Title{"xterm"}, Closed{Revoked, "taken away"}, Closed{}, Pong{1 << 60}, Pointing{true}, Pointing{},
	On{7}, Window{ID: 7, Parent: 3, Flags: Popup | Modal, X: -5, Y: 9, Width: 640, Height: 480, MinWidth: 10, MaxHeight: 20, Title: "menu"},
	Gone{7}, Icon{7, []byte("png")},
	ClipOffer{HostSide, 7, []string{PlainText, PNG}}, ClipOffer{From: HostSide}, ClipWant{HostSide, 9, PNG},
	ClipData{HostSide, 9, false, false, []byte("abc")}, ClipData{HostSide, 9, true, true, []byte{}}, Untyped{"中"},
	Sound{HostSide, 9, true, []byte("opus")}, Listening{SoundFailed, "no server\nstart one"}, Speaking{SoundOn, ""},
}

var viewerMessages = []Message{
	Key{30, true}, Key{30, false}, Pointer{1919, 1079}, Button{LeftButton, true}, Wheel{-120, 240},
	Ack{9}, Resize{800, 600}, Release{}, Refresh{}, Bye{}, Ping{42}, Able{VP9 | VP9444}, Motion{-3, 32767},
	Over{7}, Place{7, -5, 9, 640, 480}, State{7, Maximized | Active}, Shut{7}, Desk{1920, 1080},
}

func TestMessagesReadBackAsWritten(t *testing.T) {
	for _, side := range []struct {
		messages []Message
		parse    func([]byte) (Message, error)
	}{{hostMessages, ParseHost}, {viewerMessages, ParseViewer}} {
		for _, m := range side.messages {
			got, err := side.parse(m.Append(nil))
			if err != nil || !reflect.DeepEqual(got, m) {
				t.Errorf("%#v came back as %#v, %v", m, got, err)
			}
		}
	}
}

func TestBytesAreThoseOfTheDocument(t *testing.T) {
	for _, c := range []struct {
		m    Message
		want string
	}{
		{Hello{true, false, 0x102, 3, "t"}, "\x01\x01\x01\x01\x02\x00\x03t"},
		{Window{1, 2, Dialog, -1, 3, 4, 5, 6, 7, 8, 9, "t"},
			"\x11\x00\x00\x00\x01\x00\x00\x00\x02\x00\x40\xff\xff\x00\x03\x00\x04\x00\x05\x00\x06\x00\x07\x00\x08\x00\x09t"},
		{Place{1, -1, 2, 3, 4}, "\x91\x00\x00\x00\x01\xff\xff\x00\x02\x00\x03\x00\x04"},
		{FramePart{1, 2, 3, []byte("x")}, "\x02\x00\x00\x00\x01\x00\x02\x00\x03x"},
		{Closed{Failed, "no"}, "\x05\x02no"},
		{Key{0x1e, true}, "\x81\x00\x1e\x01"},
		{Wheel{-1, 120}, "\x84\xff\xff\x00\x78"},
		{Bye{}, "\x89"},
		{Motion{-1, 2}, "\x8c\xff\xff\x00\x02"},
		{Pointing{true}, "\x07\x01"},
		{Text{"é\n"}, "\xa8\xc3\xa9\n"},
		{Untyped{"é"}, "\x28\xc3\xa9"},
	} {
		if got := string(c.m.Append(nil)); got != c.want {
			t.Errorf("%#v is %q, want %q", c.m, got, c.want)
		}
	}
}

func TestWrongLengthsAreRefused(t *testing.T) {
	for _, m := range viewerMessages {
		b := m.Append(nil)
		for _, bad := range [][]byte{append(b[:len(b):len(b)], 0), b[:len(b)-1]} {
			if got, err := ParseViewer(bad); !errors.Is(err, fusion.ErrInvalid) {
				t.Errorf("%q gave %#v, %v", bad, got, err)
			}
		}
	}
	for _, bad := range []string{"", "\x01", "\x01\x02\x00\x00\x01\x00\x01", "\x02\x00\x00\x00\x01\x00\x01\x00\x01", "\x05", "\x06\x00", "\x10\x00", "\x11\x00", "\x12", "\x13\x00"} {
		if got, err := ParseHost([]byte(bad)); !errors.Is(err, fusion.ErrInvalid) {
			t.Errorf("%q gave %#v, %v", bad, got, err)
		}
	}
}

func TestUnknownTypesAreSkipped(t *testing.T) {
	if m, err := ParseHost([]byte{0x7f, 1, 2}); err != nil || m != (Unknown{0x7f}) {
		t.Error(m, err)
	}
	if m, err := ParseViewer([]byte{0xff}); err != nil || m != (Unknown{0xff}) {
		t.Error(m, err)
	}
}

func TestLongTextsAreClippedToAMessage(t *testing.T) {
	long := strings.Repeat("界", MaxMessage)
	for _, m := range []Message{Hello{Title: long}, Title{long}, Closed{Text: long}, Window{Title: long}} {
		b := m.Append(nil)
		if len(b) > MaxMessage || len(b) < MaxMessage-4 {
			t.Errorf("%T has %d bytes", m, len(b))
		}
		if _, err := ParseHost(b); err != nil {
			t.Errorf("%T: %v", m, err)
		}
	}
}

func TestFramesSurviveSplitting(t *testing.T) {
	var s Splitter
	var a Assembler
	for i, n := range []int{0, 1, PartBytes - 1, PartBytes, PartBytes + 1, 3*PartBytes + 5, 10} {
		frame := bytes.Repeat([]byte{byte(i + 1)}, n)
		if seq := s.Start(frame); seq != uint32(i+1) {
			t.Fatalf("frame %d has number %d", i+1, seq)
		}
		var got []byte
		for m := s.Next(); m != nil; m = s.Next() {
			p, err := ParseHost(m)
			if err != nil {
				t.Fatal(err)
			}
			if got, err = a.Add(p.(FramePart)); err != nil {
				t.Fatal(err)
			}
			if (got != nil) == s.More() {
				t.Fatal("frame was not done with its last part")
			}
		}
		if !bytes.Equal(got, frame) {
			t.Fatalf("frame of %d bytes came back with %d", n, len(got))
		}
	}
}

func TestPartsOutOfOrderAreRefused(t *testing.T) {
	for name, parts := range map[string][]FramePart{
		"begins in the middle": {{Seq: 1, Part: 1, Parts: 2}},
		"wrong first number":   {{Seq: 2, Part: 0, Parts: 1}},
		"part left out":        {{Seq: 1, Part: 0, Parts: 3}, {Seq: 1, Part: 2, Parts: 3}},
		"count changes":        {{Seq: 1, Part: 0, Parts: 3}, {Seq: 1, Part: 1, Parts: 4}},
		"frame cut short":      {{Seq: 1, Part: 0, Parts: 2}, {Seq: 2, Part: 0, Parts: 1}},
		"number twice":         {{Seq: 1, Part: 0, Parts: 1}, {Seq: 1, Part: 0, Parts: 1}},
	} {
		var a Assembler
		var err error
		for _, p := range parts {
			_, err = a.Add(p)
		}
		if !errors.Is(err, fusion.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAssemblerHoldsNoMoreThanAFrame(t *testing.T) {
	var a Assembler
	part := make([]byte, PartBytes)
	for i := range uint16(65535) {
		if _, err := a.Add(FramePart{1, i, 65535, part}); err != nil {
			if held := len(a.buf); held > MaxFrame {
				t.Errorf("held %d bytes", held)
			}
			return
		}
	}
	t.Error("a frame without end was taken")
}

// pipes gives each kind of pipe.
func pipes(t *testing.T, test func(t *testing.T, a, b fusion.Pipe)) {
	t.Run("pair", func(t *testing.T) {
		a, b := Pair()
		test(t, a, b)
	})
	t.Run("stream", func(t *testing.T) {
		x, y := net.Pipe()
		test(t, Stream(x), Stream(y))
	})
	t.Run("joined", func(t *testing.T) {
		a, m := Pair()
		n, b := Pair()
		done := make(chan error, 1)
		go func() { done <- Join(m, n) }()
		test(t, a, b)
		a.Close()
		b.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestPipesCarryBothWaysAtOnce(t *testing.T) {
	pipes(t, func(t *testing.T, a, b fusion.Pipe) {
		defer a.Close()
		defer b.Close()
		const n = 500
		errs := make(chan error, 4)
		for _, p := range []fusion.Pipe{a, b} {
			go func() {
				for i := range n {
					if err := p.Write(Ping{uint64(i)}.Append(nil)); err != nil {
						errs <- err
						return
					}
				}
				errs <- nil
			}()
			go func() {
				for i := range n {
					m, err := p.Read()
					if err != nil || !bytes.Equal(m, Ping{uint64(i)}.Append(nil)) {
						errs <- errors.Join(err, errors.New("wrong message"))
						return
					}
				}
				errs <- nil
			}()
		}
		for range 4 {
			if err := <-errs; err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestCloseWakesBothSides(t *testing.T) {
	pipes(t, func(t *testing.T, a, b fusion.Pipe) {
		reads, writes := make(chan error, 2), make(chan error, 1)
		read := func(p fusion.Pipe) {
			_, err := p.Read()
			reads <- err
		}
		go read(a)
		go func() {
			for {
				if err := a.Write(make([]byte, MaxMessage)); err != nil {
					writes <- err
					return
				}
			}
		}()
		a.Close()
		<-writes
		for err := error(nil); err == nil; {
			_, err = b.Read()
			if err != nil && err != io.EOF {
				t.Error(err)
			}
		}
		if err := <-reads; err != io.EOF {
			t.Errorf("own read ended with %v", err)
		}
		b.Close()
	})
}

func TestPipesRefuseWhatIsNoMessage(t *testing.T) {
	pipes(t, func(t *testing.T, a, b fusion.Pipe) {
		for _, m := range [][]byte{nil, make([]byte, MaxMessage+1)} {
			if err := a.Write(m); !errors.Is(err, fusion.ErrInvalid) {
				t.Error(err)
			}
		}
		a.Close()
		b.Close()
	})
}

func TestStreamHoldsMessagesOfABatchTogether(t *testing.T) {
	var counter writes
	s := Stream(&counter).(Batcher)
	m := make([]byte, MaxMessage)
	for range 5 {
		if err := s.WriteMore(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Write(m); err != nil {
		t.Fatal(err)
	}
	if counter.n != 2 || counter.bytes != 6*(MaxMessage+2) {
		t.Errorf("%d writes of %d bytes", counter.n, counter.bytes)
	}
}

type writes struct{ n, bytes int }

func (w *writes) Read([]byte) (int, error) { return 0, io.EOF }
func (w *writes) Close() error             { return nil }
func (w *writes) Write(b []byte) (int, error) {
	w.n++
	w.bytes += len(b)
	return len(b), nil
}

// TestJoinDeliversLastWords: a screen that ends says so even when its viewer
// sends at that very moment.
func TestJoinDeliversLastWords(t *testing.T) {
	for range 200 {
		host, m := Pair()
		n, viewer := Pair()
		joined := make(chan error, 1)
		go func() { joined <- Join(m, n) }()
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for viewer.Write(Ping{1}.Append(nil)) == nil {
			}
		}()
		words := Closed{Text: "ended"}.Append(nil)
		if err := host.Write(words); err != nil {
			t.Fatal(err)
		}
		host.Close()
		if m, err := viewer.Read(); err != nil || !bytes.Equal(m, words) {
			t.Fatalf("the viewer read %q, %v", m, err)
		}
		<-joined
		viewer.Close()
		<-sent
	}
}
