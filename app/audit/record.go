package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"hither/fusion"
)

// Record is one line of the log.
type Record struct {
	Seq   uint64    `json:"seq"`
	Time  time.Time `json:"time"`
	Trace string    `json:"trace,omitempty"`
	// Host is the computer that did it, "" for the owner at this one, and Name what it was
	// called then.
	Host fusion.HostID `json:"host,omitempty"`
	Name string        `json:"name,omitempty"`
	// Stranger is a key that was not paired.
	Stranger bool `json:"stranger,omitempty"`
	// What is the method ("MachineService/Do"), the path ("/screen") or the protocol of a
	// stream ("/hither/usb/1"), or a word of the log's own.
	What   string `json:"what"`
	Object string `json:"object,omitempty"` // what it was done to
	Detail string `json:"detail,omitempty"` // which verb, which grants
	// Result is one of those below, or the cause of the failure (fusion.Causes).
	Result string `json:"result"`
	Error  string `json:"error,omitempty"`
	// Times is how many there were, of records that stand for several; else 0.
	Times int   `json:"times,omitempty"`
	Ms    int64 `json:"ms,omitempty"`  // how long it took
	In    int64 `json:"in,omitempty"`  // bytes from the other computer
	Out   int64 `json:"out,omitempty"` // bytes to it
}

// The results that are no cause of fusion.Causes.
const (
	OK      = "ok"
	Refused = "refused" // it was not permitted, or the key is not paired
	Asked   = "asked"   // what needs admin, before it is done
	Opened  = "opened"  // a screen or another stream that another record ends
	Failed  = "failed"
	Ended   = "ended" // the caller went away, or it was ended from here
)

// The words of the log's own.
const (
	Looks    = "looks"          // Times reads of what there is
	Repaired = "audit.repaired" // a line that was cut by a crash was dropped
	Damaged  = "audit.damaged"  // a line does not fit the chain
	Grants   = "grants"         // what a computer may do here is another now
	Paired   = "paired"         // a computer that was installed from here has paired itself
)

// ResultOf gives the result of what ended with err.
func ResultOf(err error) string {
	switch {
	case err == nil:
		return OK
	case errors.Is(err, fusion.ErrPermission), errors.Is(err, fusion.ErrUnpaired):
		return Refused
	}
	if cause := fusion.CauseName(err); cause != "" {
		return cause
	}
	return Failed
}

// maxText bounds a text of a record in bytes.
const maxText = 300

// clip makes a text that came from outside short and valid.
func clip(text string) string {
	text = strings.ToValidUTF8(text, "�")
	if len(text) <= maxText {
		return text
	}
	text = text[:maxText]
	for !utf8.ValidString(text) {
		text = text[:len(text)-1]
	}
	return text + "…"
}

// hash is what chains a record to the one before it.
type hash [sha256.Size]byte

func (h hash) String() string { return hex.EncodeToString(h[:]) }

func (h hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

func (h *hash) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(h)) {
		return errLine
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// The hash is the last member of a line: it is over the hash before it and the line without
// this member.
const (
	hashPrefix = `,"hash":"`
	hashSuffix = `"}`
	hashLen    = len(hashPrefix) + 2*sha256.Size + len(hashSuffix)
	// maxLine bounds a line in bytes: texts are clipped, and JSON makes six of a byte.
	maxLine = 32 << 10
)

var errLine = errors.New("not a record")

// encode gives a record's line and its hash.
func encode(r Record, before hash) ([]byte, hash, error) {
	for _, text := range []*string{&r.Trace, &r.Name, &r.What, &r.Object, &r.Detail, &r.Error} {
		*text = clip(*text)
	}
	body, err := json.Marshal(r)
	if err != nil {
		return nil, hash{}, err
	}
	h := chain(before, body)
	line := append(body[:len(body)-1:len(body)-1], hashPrefix...)
	line = append(append(line, h.String()...), hashSuffix...)
	return append(line, '\n'), h, nil
}

func chain(before hash, body []byte) (h hash) {
	sum := sha256.New()
	sum.Write(before[:])
	sum.Write(body)
	sum.Sum(h[:0])
	return h
}

// decode reads a line without its line feed: the record, the hash that it says, and the
// one that it has after before.
func decode(line []byte, before hash) (r Record, said, has hash, err error) {
	cut := len(line) - hashLen
	if cut < 1 || !bytes.HasPrefix(line[cut:], []byte(hashPrefix)) || !bytes.HasSuffix(line, []byte(hashSuffix)) {
		return r, said, has, errLine
	}
	if err := said.UnmarshalText(line[cut+len(hashPrefix) : len(line)-len(hashSuffix)]); err != nil {
		return r, said, has, errLine
	}
	body := append(line[:cut:cut], '}')
	if err := json.Unmarshal(body, &r); err != nil {
		return r, said, has, errLine
	}
	return r, said, chain(before, body), nil
}
