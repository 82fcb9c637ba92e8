package convert

import (
	"errors"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// FuzzError takes errors that a host answered, and passes them on.
func FuzzError(f *testing.F) {
	seed, err := proto.Marshal(&pb.Error{Op: "machine.start", Path: "vm", Cause: "offline", Detail: "d", Hint: "h"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(connect.CodeUnavailable), "words", seed, []byte(nil), "cloud/vm")
	f.Add(uint32(connect.CodeCanceled), "", seed, seed, "cloud")
	f.Add(uint32(99), "\xff", []byte("\x0a\xff"), []byte{}, "")
	f.Fuzz(func(t *testing.T, code uint32, text string, first, second []byte, path string) {
		made := connect.NewError(connect.Code(code), errors.New(text))
		for _, b := range [][]byte{first, second} {
			var m pb.Error
			if proto.Unmarshal(b, &m) != nil {
				continue
			}
			if detail, err := connect.NewErrorDetail(&m); err == nil {
				made.AddDetail(detail)
			}
		}
		err := ErrorFromPB(made, path)
		if err == nil {
			t.Fatal("an error that is none")
		}
		_, _ = err.Error(), fusion.Hint(err)
		if ErrorToPB(err) == nil {
			t.Error("it is lost on its way on")
		}
	})
}
