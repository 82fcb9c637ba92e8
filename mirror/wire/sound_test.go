package wire

import (
	"errors"
	"reflect"
	"testing"

	"hither/fusion"
)

func TestBytesOfSound(t *testing.T) {
	for _, c := range []struct {
		m    Message
		want string
	}{
		{Sound{HostSide, 0x102, true, []byte("op")}, "\x20\x01\x02\x01op"},
		{Sound{ViewerSide, 3, false, []byte("op")}, "\xa0\x00\x03\x00op"},
		{Listening{SoundFailed, "why\nhint"}, "\x21\x02why\nhint"}, {Listen{On: true}, "\xa1\x01"}, {Listen{On: true, Kept: true}, "\xa1\x03"},
		{Speaking{SoundOn, ""}, "\x22\x01"}, {Speak{false}, "\xa2\x00"},
	} {
		b := c.m.Append(nil)
		if string(b) != c.want {
			t.Errorf("%#v is %q, want %q", c.m, b, c.want)
		}
		parse := ParseHost
		if b[0] >= viewerSide {
			parse = ParseViewer
		}
		if m, err := parse(b); err != nil || !reflect.DeepEqual(m, c.m) {
			t.Errorf("%#v came back as %#v, %v", c.m, m, err)
		}
	}
}

func TestBadSoundMessages(t *testing.T) {
	long := string(make([]byte, MaxSound+1))
	for _, bad := range []string{"\x20", "\x20\x00\x01\x00", "\x20\x00\x01\x00" + long, "\x21", "\x22"} {
		if m, err := ParseHost([]byte(bad)); !errors.Is(err, fusion.ErrInvalid) {
			t.Errorf("%.20q gave %.40v, %v", bad, m, err)
		}
	}
	for _, bad := range []string{"\xa0\x00\x01\x00", "\xa0\x00\x01\x00" + long, "\xa1", "\xa1\x01\x01", "\xa2"} {
		if m, err := ParseViewer([]byte(bad)); !errors.Is(err, fusion.ErrInvalid) {
			t.Errorf("%.20q gave %.40v, %v", bad, m, err)
		}
	}
	if m, err := ParseHost([]byte("\xa1\x01")); err != nil || m != (Unknown{0xa1}) {
		t.Errorf("a viewer's message of a host gave %#v, %v", m, err)
	}
}
