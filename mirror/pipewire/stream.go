package pipewire

import "errors"

// ErrMissing says that the system has no libpipewire-0.3.
var ErrMissing = errors.New("pipewire: there is no libpipewire-0.3.so.0")
