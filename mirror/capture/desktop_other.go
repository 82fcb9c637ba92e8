//go:build !windows && !darwin

package capture

import (
	"context"

	"hither/fusion"
)

// HasDesktop says whether Desktop captures this system's desktop.
const HasDesktop = false

// Desktop answers ErrUnsupported: the desktops of Linux are X11's, or the
// portal's.
func Desktop(context.Context) (Source, error) {
	return nil, failed(desktopOp, "", fusion.ErrUnsupported, "", "")
}
