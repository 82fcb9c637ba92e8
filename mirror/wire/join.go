package wire

import (
	"errors"
	"io"

	"hither/fusion"
)

// Join carries messages between two pipes both ways until either ends, closes
// both, and waits until nothing runs. An ordinary end is no error.
func Join(a, b fusion.Pipe) error {
	back := make(chan error, 1)
	go func() { back <- oneWay(a, b) }()
	err := oneWay(b, a)
	return errors.Join(ordinary(err), ordinary(<-back))
}

// oneWay copies and then closes both, which ends the other way too.
func oneWay(dst, src fusion.Pipe) error {
	defer dst.Close()
	defer src.Close()
	for {
		m, err := src.Read()
		if err != nil {
			return err
		}
		if err := write(dst, m, more(src)); err != nil {
			return err
		}
	}
}

func write(dst fusion.Pipe, m []byte, more bool) error {
	if b, ok := dst.(Batcher); ok && more {
		return b.WriteMore(m)
	}
	return dst.Write(m)
}

// more says whether src has another message at hand, so that a batch can wait
// for it.
func more(src fusion.Pipe) bool {
	m, ok := src.(interface{ More() bool })
	return ok && m.More()
}

func ordinary(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}
