package wire

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"hither/fusion"
)

func TestViewersClipboardReadsBack(t *testing.T) {
	for _, m := range []Message{
		ClipOffer{ViewerSide, 1 << 31, []string{PNG}}, ClipWant{ViewerSide, 3, PlainText},
		ClipData{ViewerSide, 3, true, false, make([]byte, MaxClipChunk)},
	} {
		got, err := ParseViewer(m.Append(nil))
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%.80q came back as %.80q, %v", m, got, err)
		}
	}
}

func TestBytesOfTheClipboard(t *testing.T) {
	for _, c := range []struct {
		m    Message
		want string
	}{
		{ClipOffer{HostSide, 1, []string{"a/b", "c/d"}}, "\x18\x00\x00\x00\x01a/b\nc/d\n"},
		{ClipWant{ViewerSide, 2, "a/b"}, "\x99\x00\x00\x00\x02a/b"},
		{ClipData{ViewerSide, 2, true, true, nil}, "\x9a\x00\x00\x00\x02\x03"},
	} {
		if got := string(c.m.Append(nil)); got != c.want {
			t.Errorf("%#v is %q, want %q", c.m, got, c.want)
		}
	}
}

func TestBadClipboardMessages(t *testing.T) {
	for _, bad := range []string{"\x98", "\x98\x00\x00\x00", "\x99\x00\x00\x00\x01\xff", "\x9a\x00\x00\x00\x01"} {
		if got, err := ParseViewer([]byte(bad)); !errors.Is(err, fusion.ErrInvalid) {
			t.Errorf("%q gave %#v, %v", bad, got, err)
		}
	}
	m, err := ParseViewer([]byte("\x98\x00\x00\x00\x01\n\na/b\nrest"))
	if want := (ClipOffer{ViewerSide, 1, []string{"a/b"}}); err != nil || !reflect.DeepEqual(m, want) {
		t.Errorf("got %#v, %v", m, err)
	}
	if m, err := ParseHost([]byte("\x98\x00\x00\x00\x01")); err != nil || m != (Unknown{0x98}) {
		t.Errorf("a viewer's message of a host gave %#v, %v", m, err)
	}
}

func TestOfferFitsAMessage(t *testing.T) {
	kind := strings.Repeat("x", 1000)
	b := ClipOffer{HostSide, 1, []string{kind, kind, kind, kind, kind, kind, kind, kind, kind, kind, kind, kind, kind, kind, kind, kind, kind}}.Append(nil)
	if m, err := ParseHost(b); err != nil || len(m.(ClipOffer).Types) != 16 {
		t.Errorf("%d bytes gave %v", len(b), err)
	}
}
