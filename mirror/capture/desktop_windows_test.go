package capture

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"testing"

	"hither/mirror/wire"
)

// TestDesktop writes the first picture of the desktop to $HITHER_TEST_PICTURE,
// for TestDesktopInWine, which looks at it.
func TestDesktop(t *testing.T) {
	file := os.Getenv("HITHER_TEST_PICTURE")
	if file == "" {
		t.Skip("it is run by TestDesktopInWine")
	}
	s, err := Desktop(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	change, err := s.Next()
	if err != nil {
		t.Fatal(err)
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(change.Width))
	b = binary.BigEndian.AppendUint32(b, uint32(change.Height))
	if err := os.WriteFile(file, append(b, change.Whole.Pix...), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, m := range []wire.Message{wire.Pointer{X: 100, Y: 50}, wire.Button{Button: 1, Down: true}, wire.Button{Button: 1},
		wire.Key{Code: 30, Down: true}, wire.Key{Code: 30}, wire.Key{Code: 103, Down: true}, wire.Key{Code: 103}, wire.Wheel{DY: 120, DX: 60}, wire.Text{Text: "ü🙂\n"}} {
		if err := s.Input(m); err != nil {
			t.Errorf("%#v: %v", m, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if _, err := s.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("the end: %v", err)
		}
	}
}
