package fusion

// PartialError is what failed of something that was done on several hosts at a time.
// It reads as Whole; Each has one error for each host that failed, whose Path is the
// host's ID.
type PartialError struct {
	Whole *Error
	Each  []*Error
}

func (e *PartialError) Error() string { return e.Whole.Error() }

// Unwrap gives Whole.
func (e *PartialError) Unwrap() error { return e.Whole }
