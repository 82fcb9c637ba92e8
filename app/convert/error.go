package convert

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"connectrpc.com/connect"

	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// codes maps each cause to the Connect code that says nearly the same; the
// error's detail carries the cause itself.
var codes = map[string]connect.Code{
	"not_found":   connect.CodeNotFound,
	"exists":      connect.CodeAlreadyExists,
	"permission":  connect.CodePermissionDenied,
	"invalid":     connect.CodeInvalidArgument,
	"unsupported": connect.CodeUnimplemented,
	"offline":     connect.CodeUnavailable,
	"unpaired":    connect.CodeUnauthenticated,
	"busy":        connect.CodeResourceExhausted,
}

// ErrorToPB makes an error fit for the wire: op, path, cause, detail and hint
// go along whole, of a partial error those of each host behind them. Nil stays
// nil, and so does what Connect made itself.
func ErrorToPB(err error) error {
	if err == nil {
		return nil
	}
	var made *connect.Error
	if errors.As(err, &made) {
		return err
	}
	message := Describe(err)
	code, known := codes[message.Cause]
	switch {
	case errors.Is(err, context.Canceled):
		code = connect.CodeCanceled
	case errors.Is(err, context.DeadlineExceeded):
		code = connect.CodeDeadlineExceeded
	case !known:
		code = connect.CodeUnknown
	}
	out := connect.NewError(code, err)
	messages := []*pb.Error{message}
	var partial *fusion.PartialError
	if errors.As(err, &partial) {
		messages = append(messages, All(partial.Each, func(e *fusion.Error) *pb.Error { return Describe(e) })...)
	}
	for _, m := range messages {
		if detail, derr := connect.NewErrorDetail(m); derr == nil {
			out.AddDetail(detail)
		}
	}
	return out
}

// Describe gives an error as the API's message.
func Describe(err error) *pb.Error {
	out := &pb.Error{Cause: fusion.CauseName(err), Hint: fusion.Hint(err)}
	var e *fusion.Error
	if !errors.As(err, &e) {
		out.Detail = err.Error()
		return out
	}
	out.Op, out.Path, out.Detail = e.Op, e.Path, e.Detail
	var inner *fusion.Error
	if errors.As(e.Cause, &inner) {
		out.Detail = join(out.Detail, inner.Error())
	} else if out.Cause == "" && e.Cause != nil {
		out.Detail = join(e.Cause.Error(), out.Detail)
	}
	return out
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ": " + b
}

// ErrorFromPB gives the vocabulary's error back. A connection that broke is
// ErrOffline; a method that the other side does not know is ErrUnsupported.
// The path is put in where the other side gave none.
func ErrorFromPB(err error, path string) error {
	var ours *fusion.Error
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return err
	case errors.As(err, &ours):
		// It comes from the dial on this side; Connect has only wrapped it.
		return ours
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var made *connect.Error
	if !errors.As(err, &made) {
		return &fusion.Error{Path: path, Cause: err}
	}
	var all []*fusion.Error
	for _, detail := range made.Details() {
		value, derr := detail.Value()
		if message, ok := value.(*pb.Error); ok && derr == nil {
			all = append(all, restore(message, path))
		}
	}
	if made.Code() == connect.CodeCanceled && len(all) > 0 {
		all[0].Cause, all[0].Detail = context.Canceled, ""
	}
	switch len(all) {
	case 0:
		return bare(made, path)
	case 1:
		return all[0]
	}
	return &fusion.PartialError{Whole: all[0], Each: all[1:]}
}

// Restore gives the error that Describe described.
func Restore(m *pb.Error, path string) error { return restore(m, path) }

func restore(m *pb.Error, path string) *fusion.Error {
	out := &fusion.Error{Op: m.GetOp(), Path: m.GetPath(), Cause: fusion.Causes[m.GetCause()],
		Detail: m.GetDetail(), Hint: m.GetHint()}
	out.Path = within(path, out.Path)
	return out
}

// within puts the host that was asked in front of the path that it gave: asked
// for "cloud/vm" or "cloud/vm/app", it speaks of "vm".
func within(asked, given string) string {
	host, rest, nested := strings.Cut(asked, "/")
	switch {
	case given == "":
		return asked
	case nested && strings.HasPrefix(rest+"/", given+"/"):
		return host + "/" + given
	}
	return given
}

// bare explains an error that has no detail of ours: it is Connect's own.
func bare(err *connect.Error, path string) error {
	var network net.Error
	switch code := err.Code(); {
	case code == connect.CodeCanceled:
		return context.Canceled
	case code == connect.CodeDeadlineExceeded && !errors.As(err, &network):
		return context.DeadlineExceeded
	case code == connect.CodeUnavailable, code == connect.CodeDeadlineExceeded, err.Unwrap() != nil && errors.Is(err, io.ErrUnexpectedEOF):
		return &fusion.Error{Path: path, Cause: fusion.ErrOffline, Detail: err.Message(),
			Hint: "see that the computer is awake and its node runs"}
	case code == connect.CodeUnimplemented:
		return &fusion.Error{Path: path, Cause: fusion.ErrUnsupported, Detail: "the other node does not know this request",
			Hint: "update Hither on the other computer"}
	case code == connect.CodeUnauthenticated:
		return &fusion.Error{Path: path, Cause: fusion.ErrUnpaired, Detail: err.Message(), Hint: "pair the computers first"}
	}
	return &fusion.Error{Path: path, Cause: err}
}
