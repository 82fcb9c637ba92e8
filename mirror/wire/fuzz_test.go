package wire

import (
	"bytes"
	"io"
	"reflect"
	"testing"
)

func FuzzParseHost(f *testing.F) {
	for _, m := range hostMessages {
		f.Add(m.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseHost(b)
		if err != nil {
			return
		}
		if _, err := ParseHost(m.Append(nil)); err != nil {
			t.Fatalf("%#v does not read back: %v", m, err)
		}
	})
}

func FuzzParseViewer(f *testing.F) {
	for _, m := range viewerMessages {
		f.Add(m.Append(nil))
	}
	f.Add(Text{"naïve\n世界"}.Append(nil))
	f.Add([]byte("\x98\x00\x00\x00\x01a/b\nc/d\n"))
	f.Add([]byte("\x99\x00\x00\x00\x01a/b"))
	f.Add([]byte("\x9a\x00\x00\x00\x01\x01abc"))
	f.Add([]byte("\xa0\x00\x01\x01abc"))
	f.Add([]byte("\xa1\x01"))
	for _, m := range []Message{FileDrop{}, FileTake{}, FileEntry{Path: "a"}, FilePiece{}, FileNews{}} {
		b := m.Append(nil)
		b[0] |= viewerSide
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseViewer(b)
		if err != nil {
			return
		}
		if again, err := ParseViewer(m.Append(nil)); err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%#v came back as %#v, %v", m, again, err)
		}
	})
}

// FuzzStream reads a whole stream of a hostile host.
func FuzzStream(f *testing.F) {
	f.Add([]byte("\x00\x0a\x02\x00\x00\x00\x01\x00\x00\x00\x01x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := Stream(readOnly{bytes.NewReader(b)})
		var a Assembler
		for {
			m, err := s.Read()
			if err != nil {
				return
			}
			message, err := ParseHost(m)
			if err != nil {
				return
			}
			if p, ok := message.(FramePart); ok {
				if _, err := a.Add(p); err != nil {
					return
				}
			}
			if len(a.buf) > len(b) {
				t.Fatal("holds more than arrived")
			}
		}
	})
}

type readOnly struct{ io.Reader }

func (readOnly) Write(b []byte) (int, error) { return len(b), nil }
func (readOnly) Close() error                { return nil }
