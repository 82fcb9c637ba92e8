package wire

import (
	"errors"
	"reflect"
	"testing"

	"hither/fusion"
)

func TestFileMessagesReadBack(t *testing.T) {
	for _, from := range []Side{HostSide, ViewerSide} {
		for _, m := range []Message{
			FileTake{from, 7}, FileEntry{from, 7, true, 0, "d"}, FileEntry{from, 7, false, 1 << 63, "d/ü"},
			FilePiece{from, 7, make([]byte, MaxFilePiece)}, FileNews{from, 7, FilesStop, FilesNoRoom, 1 << 40, "no room"},
		} {
			parse := ParseHost
			if from == ViewerSide {
				parse = ParseViewer
			}
			b := m.Append(nil)
			got, err := parse(b)
			if err != nil || len(b) > MaxMessage || !reflect.DeepEqual(got, m) {
				t.Errorf("%.80q came back as %.80q, %v", m, got, err)
			}
		}
	}
	drop := FileDrop{FileTicket{1, 2, 3}}
	if got, err := ParseViewer(drop.Append(nil)); err != nil || got != Message(drop) {
		t.Errorf("%#v, %v", got, err)
	}
	if got, err := ParseHost(drop.Append(nil)); err != nil || got != (Unknown{0x9b}) {
		t.Errorf("a host's drop gave %#v, %v", got, err)
	}
	if got, err := ParseFileTicket(drop.FileTicket.Append(nil)); err != nil || got != drop.FileTicket {
		t.Errorf("%#v, %v", got, err)
	}
}

func TestBytesOfFiles(t *testing.T) {
	for _, c := range []struct {
		m    Message
		want string
	}{
		{FileDrop{FileTicket{1, 2, 3}}, "\x9b\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x03"},
		{FileTake{HostSide, 1}, "\x1c\x00\x00\x00\x01"},
		{FileEntry{ViewerSide, 1, true, 2, "a/b"}, "\x9d\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\x00\x00\x02a/b"},
		{FilePiece{HostSide, 1, []byte("x")}, "\x1e\x00\x00\x00\x01x"},
		{FileNews{ViewerSide, 1, FilesGot, 0, 2, "t"}, "\x9f\x00\x00\x00\x01\x02\x00\x00\x00\x00\x00\x00\x00\x00\x02t"},
	} {
		if got := string(c.m.Append(nil)); got != c.want {
			t.Errorf("%#v is %q, want %q", c.m, got, c.want)
		}
	}
}

func TestBadFileMessages(t *testing.T) {
	for _, bad := range []string{
		"\x9b", "\x9b\x00\x00\x00\x01\x00\x00\x00\x02", "\x9c\x00\x00\x00", "\x9c\x00\x00\x00\x01x", "\x9d\x00\x00\x00\x01\x00",
		"\x9d\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\x00\x00\x02", "\x9d\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\x00\x00\x02\xff",
		"\x9e\x00", "\x9f\x00\x00\x00\x01\x02\x00", "\x9f\x00\x00\x00\x01\x02\x00\x00\x00\x00\x00\x00\x00\x00\x02\xff",
	} {
		if got, err := ParseViewer([]byte(bad)); !errors.Is(err, fusion.ErrInvalid) {
			t.Errorf("%q gave %#v, %v", bad, got, err)
		}
	}
}
