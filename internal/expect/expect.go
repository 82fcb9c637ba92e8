// Package expect is what tests say again and again: this works, this is refused and says
// what to do. It is for tests alone.
package expect

import (
	"errors"
	"testing"
	"time"

	"hither/fusion"
)

// Patience is how long Eventually waits: long, for a computer that does much else.
const Patience = 90 * time.Second

// OK ends the test when err is an error.
func OK(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v (hint: %s)", err, fusion.Hint(err))
	}
}

// Must gives the value of a call that has to work, as in Must(os.Stat(path))(t).
func Must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		OK(t, err)
		return value
	}
}

// Refused ends the test unless err has the cause and a hint.
func Refused(t *testing.T, err, cause error) {
	t.Helper()
	if !errors.Is(err, cause) || fusion.Hint(err) == "" {
		t.Fatalf("got %v (hint: %q), want cause %v and a hint", err, fusion.Hint(err), cause)
	}
}

// Eventually waits until something is so, and ends the test when it is not within Patience.
func Eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	Within(t, Patience, what, is)
}

// Within is Eventually with a patience of its own.
func Within(t *testing.T, patience time.Duration, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}
