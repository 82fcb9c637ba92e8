package files

import (
	"errors"
	"io/fs"
	"strings"

	"hither/fusion"
	"hither/mirror/wire"
)

var errStop = errors.New("ended")

// reasonOf is what an error is on the wire, with its words.
func reasonOf(err error) (wire.FileReason, string) {
	var f *fusion.Error
	text := ""
	if errors.As(err, &f) {
		text = strings.TrimSpace(f.Path + " " + f.Detail)
		if f.Path != "" && f.Detail != "" {
			text = f.Path + ": " + f.Detail
		}
	}
	switch {
	case errors.Is(err, errStop):
		return wire.FilesCancelled, text
	case full(err), errors.Is(err, errNoRoom):
		return wire.FilesNoRoom, text
	case errors.Is(err, fusion.ErrPermission):
		return wire.FilesForbidden, text
	case errors.Is(err, fusion.ErrUnsupported):
		return wire.FilesNowhere, text
	case errors.Is(err, fusion.ErrBusy):
		return wire.FilesBusy, text
	case errors.Is(err, fusion.ErrNotFound):
		return wire.FilesGone, text
	}
	if text == "" {
		text = plain(err)
	}
	return wire.FilesFailed, text
}

// plain says an error of a disk without the path, which is none of the other
// side's business.
func plain(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

// theirs are what the other side's reasons mean here.
var theirs = map[wire.FileReason]*fusion.Error{
	wire.FilesFailed:    {Cause: errors.New("the other side failed"), Hint: "copy or drop them again"},
	wire.FilesCancelled: {Cause: errStop, Detail: "the other side cancelled it"},
	wire.FilesNoRoom:    {Cause: errNoRoom, Detail: "there is no room for them", Hint: "free some space there, or share the folder instead"},
	wire.FilesForbidden: {Cause: fusion.ErrPermission, Detail: "files may not be dropped there", Hint: "its owner can grant files: hither host grant"},
	wire.FilesNowhere:   {Cause: fusion.ErrUnsupported, Detail: "this screen takes no files", Hint: "put them into a shared folder or onto a disk of the machine"},
	wire.FilesBusy:      {Cause: fusion.ErrBusy, Detail: "other files are on their way", Hint: "wait for them, or cancel them"},
	wire.FilesGone:      {Cause: fusion.ErrNotFound, Detail: "the files are not offered any more", Hint: "copy them again"},
}

// theirError is why the other side ended a transfer.
func theirError(m wire.FileNews) error {
	e, known := theirs[m.Reason]
	if !known {
		e = theirs[wire.FilesFailed]
	}
	err := *e
	err.Op = "files"
	if m.Text != "" {
		err.Detail = m.Text
	}
	return &err
}
