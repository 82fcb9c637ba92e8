package seed

import "hither/fusion"

func invalid(op, path, detail, hint string) error {
	return &fusion.Error{Op: op, Path: path, Cause: fusion.ErrInvalid, Detail: detail, Hint: hint}
}
