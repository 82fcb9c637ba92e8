package mirror

import (
	"errors"

	"hither/mirror/capture"
)

// maxUntyped bounds what a viewer is told of at once; it need not be complete.
const maxUntyped = 256

// left notes what the source could not type, for the viewer to be told.
func (v *view) left(err error) {
	if text := untyped(err); text != "" {
		v.screen.mu.Lock()
		defer v.screen.mu.Unlock()
		v.untyped = more(v.untyped, text)
		v.screen.notify()
	}
}

// left is as view's.
func (s *session) left(err error) {
	if text := untyped(err); text != "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.untyped = more(s.untyped, text)
		s.wake.Broadcast()
	}
}

func untyped(err error) string {
	var e *capture.UntypedError
	if errors.As(err, &e) {
		return e.Text
	}
	return ""
}

func more(before, text string) string {
	if len(before)+len(text) > maxUntyped {
		return before
	}
	return before + text
}
