package folder

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"hither/fusion"
)

const (
	testDevice = "MFZWI3D-BONSGYC-YLTMRWG-C43ENR5-QXGZDMM-FZWI3DP-BONSGYY-LTMRWAD"
	testFolder = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

func frame(text string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(text))), text...)
}

func TestQuestionRoundTrip(t *testing.T) {
	for _, q := range []question{
		{Version: 1, Op: opOffer, Device: testDevice, Folder: testFolder, Name: "docs"},
		{Version: 1, Op: opLeave, Device: testDevice, Folder: testFolder},
		{Version: 1, Op: opCheck, Device: testDevice, Folders: []string{testFolder}},
	} {
		var wire bytes.Buffer
		if err := writeMessage(&wire, q); err != nil {
			t.Fatal(err)
		}
		got, err := readQuestion(&wire)
		if err != nil || got.Op != q.Op || got.Folder != q.Folder || got.Name != q.Name || len(got.Folders) != len(q.Folders) {
			t.Errorf("%+v came back as %+v, %v", q, got, err)
		}
	}
}

func TestQuestionRefused(t *testing.T) {
	with := func(rest string) string { return `{"version":1,"device":"` + testDevice + `",` + rest + `}` }
	for name, test := range map[string]struct {
		text  string
		cause error
	}{
		"empty object":     {`{}`, fusion.ErrInvalid},
		"not JSON":         {`hello`, fusion.ErrInvalid},
		"two values":       {`{}{}`, fusion.ErrInvalid},
		"wrong type":       {`{"version":"1"}`, fusion.ErrInvalid},
		"other version":    {strings.Replace(with(`"op":"leave","folder":"`+testFolder+`"`), ":1", ":2", 1), fusion.ErrInvalid},
		"no device":        {`{"version":1,"op":"leave","folder":"` + testFolder + `"}`, fusion.ErrInvalid},
		"bad device":       {strings.Replace(with(`"op":"leave","folder":"`+testFolder+`"`), "MFZWI3D", "MFZWI3E", 1), fusion.ErrInvalid},
		"lower device":     {strings.Replace(with(`"op":"leave","folder":"`+testFolder+`"`), "MFZWI3D", "mfzwi3d", 1), fusion.ErrInvalid},
		"unknown op":       {with(`"op":"format"`), fusion.ErrUnsupported},
		"no folder":        {with(`"op":"leave"`), fusion.ErrInvalid},
		"short folder":     {with(`"op":"leave","folder":"ABC"`), fusion.ErrInvalid},
		"folder with ../":  {with(`"op":"leave","folder":"../../../../../../../../etc"`), fusion.ErrInvalid},
		"name with ../":    {with(`"op":"offer","folder":"` + testFolder + `","name":"../x"`), fusion.ErrInvalid},
		"empty name":       {with(`"op":"offer","folder":"` + testFolder + `","name":""`), fusion.ErrInvalid},
		"hidden name":      {with(`"op":"offer","folder":"` + testFolder + `","name":".ssh"`), fusion.ErrInvalid},
		"bad in list":      {with(`"op":"check","folders":["x"]`), fusion.ErrInvalid},
		"too many in list": {with(`"op":"check","folders":["` + strings.Repeat(testFolder+`","`, maxChecked) + testFolder + `"]`), fusion.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readQuestion(bytes.NewReader(frame(test.text)))
			if !errors.Is(err, test.cause) || fusion.Hint(err) == "" {
				t.Errorf("got %v, want %v with a hint", err, test.cause)
			}
		})
	}
}

func TestMessageBounds(t *testing.T) {
	if _, err := readQuestion(bytes.NewReader([]byte{0, 0})); !errors.Is(err, fusion.ErrInvalid) {
		t.Errorf("length 0: %v", err)
	}
	if _, err := readQuestion(bytes.NewReader([]byte{0xff, 0xff})); !errors.Is(err, fusion.ErrInvalid) {
		t.Errorf("length 65535: %v", err)
	}
	if _, err := readQuestion(bytes.NewReader([]byte{0, 9, '{'})); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut off: %v", err)
	}
	if err := writeMessage(io.Discard, question{Name: strings.Repeat("x", maxMessage)}); err == nil {
		t.Error("wrote a message that is too long")
	}
}

func TestAnswerRefused(t *testing.T) {
	for name, text := range map[string]string{
		"empty object":  `{}`,
		"unknown cause": `{"version":1,"device":"` + testDevice + `","cause":"magic"}`,
		"bad missing":   `{"version":1,"device":"` + testDevice + `","missing":["../x"]}`,
		"no device":     `{"version":1}`,
	} {
		if _, err := readAnswer(bytes.NewReader(frame(text))); !errors.Is(err, fusion.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzQuestion and FuzzAnswer see that whatever comes over the wire is refused
// or means the same after another trip.
func FuzzQuestion(f *testing.F) {
	f.Add(frame(`{"version":1,"op":"offer","device":"` + testDevice + `","folder":"` + testFolder + `","name":"docs"}`))
	f.Add(frame(`{"version":1,"op":"check","device":"` + testDevice + `","folders":["` + testFolder + `"]}`))
	f.Add([]byte{0, 2, '{', '}'})
	f.Fuzz(func(t *testing.T, data []byte) {
		q, err := readQuestion(bytes.NewReader(data))
		if err != nil {
			return
		}
		if q.Op == opOffer && fusion.CheckName(q.Name) != nil {
			t.Fatalf("took the name %q", q.Name)
		}
		var wire bytes.Buffer
		if err := writeMessage(&wire, q); err != nil {
			return // unused fields of another op may be longer when written anew
		}
		if _, err := readQuestion(&wire); err != nil {
			t.Fatalf("%+v is refused the second time: %v", q, err)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add(frame(`{"version":1,"device":"` + testDevice + `","cause":"exists","detail":"x","hint":"y"}`))
	f.Add(frame(`{"version":1,"device":"` + testDevice + `","missing":["` + testFolder + `"]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := readAnswer(bytes.NewReader(data))
		if err == nil && a.Cause != "" && fusion.Causes[a.Cause] == nil {
			t.Fatalf("took the cause %q", a.Cause)
		}
	})
}
