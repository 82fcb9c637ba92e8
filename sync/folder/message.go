package folder

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"

	"github.com/syncthing/syncthing/lib/protocol"

	"hither/fusion"
)

// What a stream carries, by its first byte.
const (
	streamControl = 'C'
	streamData    = 'D'
)

// A control message is a u16 length, big-endian, and that many bytes of JSON.
const maxMessage = 16 << 10

// maxChecked folder IDs fit in one question with room to spare.
const maxChecked = 256

// question is what the dialing side of a control stream asks. Unknown fields
// are ignored, so that a later release may add some.
type question struct {
	Version int    `json:"version"` // 1
	Op      string `json:"op"`
	// Device is the asking host's Syncthing device ID.
	Device string `json:"device"`
	// Folder and Name are the offered folder ("offer"), or the one that the
	// asking host keeps no longer ("leave", Folder alone).
	Folder string `json:"folder,omitempty"`
	Name   string `json:"name,omitempty"`
	// Folders are those the asking host believes both keep ("check").
	Folders []string `json:"folders,omitempty"`
}

const (
	opOffer = "offer"
	opLeave = "leave"
	opCheck = "check"
)

// answer is what comes back. Cause is empty when all went well, else a name of
// fusion.Causes.
type answer struct {
	Version int    `json:"version"`
	Device  string `json:"device"`
	Cause   string `json:"cause,omitempty"`
	Detail  string `json:"detail,omitempty"`
	Hint    string `json:"hint,omitempty"`
	// Missing are the folders of a "check" that are not kept here.
	Missing []string `json:"missing,omitempty"`
	// Denied are those of a "check" that are kept here, but not with the asking
	// host any more: it may no longer use files here.
	Denied []string `json:"denied,omitempty"`
}

func writeMessage(w io.Writer, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(data) > maxMessage {
		return fmt.Errorf("message of %d bytes is too long", len(data))
	}
	_, err = w.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(data))), data...))
	return err
}

func readMessage(r io.Reader, v any) error {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint16(size[:])
	if n == 0 || n > maxMessage {
		return broken("a message of %d bytes", n)
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(r, data); err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return broken("%v", err)
	}
	return nil
}

func broken(format string, args ...any) error {
	return &fusion.Error{Op: "folder.message", Cause: fusion.ErrInvalid, Detail: fmt.Sprintf(format, args...),
		Hint: "update Hither on both hosts"}
}

// readQuestion reads a question and refuses one that is not well formed.
func readQuestion(r io.Reader) (question, error) {
	var q question
	if err := readMessage(r, &q); err != nil {
		return question{}, err
	}
	if q.Version != 1 {
		return question{}, broken("version %d", q.Version)
	}
	if err := checkDevice(q.Device); err != nil {
		return question{}, err
	}
	switch q.Op {
	case opOffer:
		if err := fusion.CheckName(q.Name); err != nil {
			return question{}, err
		}
		return q, checkID(q.Folder)
	case opLeave:
		return q, checkID(q.Folder)
	case opCheck:
		return q, checkIDs(q.Folders)
	}
	return question{}, &fusion.Error{Op: "folder.message", Cause: fusion.ErrUnsupported,
		Detail: fmt.Sprintf("question %.20q", q.Op), Hint: "update Hither on both hosts"}
}

// readAnswer reads an answer and refuses one that is not well formed.
func readAnswer(r io.Reader) (answer, error) {
	var a answer
	if err := readMessage(r, &a); err != nil {
		return answer{}, err
	}
	if a.Version != 1 {
		return answer{}, broken("version %d", a.Version)
	}
	if err := checkDevice(a.Device); err != nil {
		return answer{}, err
	}
	if _, known := fusion.Causes[a.Cause]; a.Cause != "" && !known {
		return answer{}, broken("cause %.20q", a.Cause)
	}
	if err := checkIDs(a.Denied); err != nil {
		return answer{}, err
	}
	return a, checkIDs(a.Missing)
}

// checkDevice takes the canonical text form only, so that one device has one
// name in the ledger.
func checkDevice(text string) error {
	id, err := protocol.DeviceIDFromString(text)
	if err != nil || id == protocol.EmptyDeviceID || id == protocol.LocalDeviceID || id.String() != text {
		return broken("device %.80q", text)
	}
	return nil
}

func checkIDs(ids []string) error {
	if len(ids) > maxChecked {
		return broken("%d folders", len(ids))
	}
	for _, id := range ids {
		if err := checkID(id); err != nil {
			return err
		}
	}
	return nil
}

// checkID takes what newFolderID makes: 26 letters and digits of base 32.
func checkID(id string) error {
	if len(id) != 26 {
		return broken("folder %.40q", id)
	}
	for _, c := range []byte(id) {
		if (c < 'A' || c > 'Z') && (c < '2' || c > '7') {
			return broken("folder %.40q", id)
		}
	}
	return nil
}
