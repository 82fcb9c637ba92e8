package wire

import (
	"errors"
	"io"
	"time"

	"hither/fusion"
)

// lastWords is how long a side that takes no more messages may still give some:
// a screen that ended says so, whatever its viewer sends meanwhile.
const lastWords = 5 * time.Second

// Join carries messages between two pipes both ways until either ends, closes
// both, and waits until nothing runs. An ordinary end is no error.
func Join(a, b fusion.Pipe) error {
	ends := make(chan end, 2)
	go func() { ends <- oneWay(a, b) }()
	go func() { ends <- oneWay(b, a) }()
	both := func() error { return errors.Join(ordinary(a.Close()), ordinary(b.Close())) }
	first := <-ends
	if first.deaf {
		cut := time.AfterFunc(lastWords, func() { _ = both() }) // closed again below
		defer cut.Stop()
	} else if err := both(); err != nil {
		first.err = errors.Join(first.err, err)
	}
	second := <-ends
	return errors.Join(ordinary(first.err), ordinary(second.err), both())
}

// end is how one direction ended; deaf means that its destination takes no more.
type end struct {
	err  error
	deaf bool
}

// oneWay copies until the source ends or the destination takes no more.
func oneWay(dst, src fusion.Pipe) end {
	for {
		m, err := src.Read()
		if err != nil {
			return end{err: err}
		}
		if err := write(dst, m, more(src)); err != nil {
			return end{err: err, deaf: true}
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
