package terminal

import (
	"io"
	"strings"
	"sync"

	"hither/fusion"
	"hither/mirror/wire"
)

const op = "machine.console"

// opened is a terminal of another node.
type opened struct {
	pipe     fusion.Pipe
	path     string
	viewOnly bool
	end      error // why it ended, once it has; Next's own

	writing sync.Mutex // Write and Resize send from one goroutine each, Pipe takes one
	once    sync.Once
	closed  chan struct{}
}

// Open makes a terminal of the messages of a host, whose hello it waits for. It
// owns the pipe. path names the machine in errors.
func Open(pipe fusion.Pipe, path string) (fusion.Terminal, error) {
	o := &opened{pipe: pipe, path: path, closed: make(chan struct{})}
	m, err := pipe.Read()
	if err == nil {
		var first fromHost
		first, err = parseHost(m)
		o.viewOnly = first.viewOnly
		if err == nil && first.kind != typeHello {
			err = broken("no hello comes first")
		}
	}
	if err != nil {
		_ = pipe.Close() // err says why
		return nil, o.failed(err)
	}
	return o, nil
}

func (o *opened) Next() (fusion.TerminalChunk, error) {
	var chunk fusion.TerminalChunk
	for o.end == nil {
		m, err := o.pipe.Read()
		if err != nil {
			o.end = o.cut(err)
			break
		}
		said, err := parseHost(m)
		if err != nil {
			o.end = o.failed(err)
			break
		}
		switch said.kind {
		case typeSkipped:
			chunk.Skipped = said.skipped
		case typeData:
			chunk.Data = said.data
			return chunk, nil
		case typeClosed:
			o.end = o.why(said.closed)
		}
	}
	return fusion.TerminalChunk{}, o.end
}

// why gives the error that a host closed the terminal with.
func (o *opened) why(c wire.Closed) error {
	text, hint, _ := strings.Cut(c.Text, "\n")
	causes := map[wire.Reason]error{wire.Ended: io.EOF, wire.Revoked: fusion.ErrPermission, wire.Failed: fusion.ErrInvalid}
	return &fusion.Error{Op: op, Path: o.path, Cause: causes[c.Reason], Detail: text, Hint: hint}
}

// cut is a pipe that ended without a word.
func (o *opened) cut(err error) error {
	select {
	case <-o.closed:
		return io.ErrClosedPipe
	default:
	}
	if err == io.EOF {
		err = nil
	}
	e := &fusion.Error{Op: op, Path: o.path, Cause: fusion.ErrOffline, Detail: "the connection broke", Hint: "open it again"}
	if err != nil {
		e.Detail = err.Error()
	}
	return e
}

func (o *opened) failed(err error) error {
	if err == io.EOF {
		return o.cut(err)
	}
	return &fusion.Error{Op: op, Path: o.path, Cause: fusion.ErrUnsupported, Detail: err.Error(), Hint: "update Hither on the other computer"}
}

func (o *opened) Write(p []byte) (int, error) {
	if o.viewOnly {
		return 0, &fusion.Error{Op: op, Path: o.path, Cause: fusion.ErrPermission, Detail: "this view is for looking only",
			Hint: "open it with the permission to control"}
	}
	for sent := 0; sent < len(p); {
		n := min(len(p)-sent, fusion.MaxTerminalChunk)
		if err := o.send(input(p[sent : sent+n])); err != nil {
			return sent, io.ErrClosedPipe // Next says why
		}
		sent += n
	}
	return len(p), nil
}

func (o *opened) Resize(columns, rows int) error {
	if err := fusion.CheckTerminalSize(columns, rows); err != nil {
		return err
	}
	if err := o.send(size(columns, rows)); err != nil {
		return io.ErrClosedPipe
	}
	return nil
}

func (o *opened) send(m []byte) error {
	o.writing.Lock()
	defer o.writing.Unlock()
	return o.pipe.Write(m)
}

func (o *opened) ViewOnly() bool { return o.viewOnly }

func (o *opened) Close() error {
	o.once.Do(func() { close(o.closed) })
	return o.pipe.Close()
}
