package invite

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"io"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"hither/fusion"
)

//go:embed common.sh
var commonScript string

//go:embed look.sh
var lookScript string

//go:embed add.sh
var addScript string

//go:embed leave.sh
var leaveScript string

// bootstrap is the only command line there is: it reads a script up to endMark
// and runs it, whose values follow on the same input. It is the same text to
// every login shell (in its quotes is none of ', \\, \' and !, which fish and csh
// change), and POSIX has read take no more than its line.
const bootstrap = `exec /bin/sh -c 'n=$(printf "\n."); n=${n%.}; s=; while IFS= read -r l; do [ "$l" = "#." ] && break; s=$s$l$n; done; eval "$s"'`

const endMark = "#."

const (
	// maxLine and maxLines bound what a server says.
	maxLine, maxLines = 64 << 10, 1000
	// undoTime is how long a server may take back what it made.
	undoTime = 2 * time.Minute
	// marker begins the lines that are meant.
	marker = "hither:"
)

// script is one that runs on a server.
type script struct {
	op   string
	at   place
	text string
	// values are its first lines of input; body, of size bytes, comes behind them.
	values []string
	body   io.Reader
	size   int64
	// heard gets each line with the marker as its key and text, and others that
	// begin with "{" with the key "json". An error ends the input, which the
	// script takes for the word to give up.
	heard func(key, text string) error
}

// failure is what a script says went wrong.
type failure struct{ why, text string }

func (f *failure) Error() string { return f.why + ": " + f.text }

// errCut is a script that ended without a word.
var errCut = errors.New("the server ended the connection")

// run runs a script until it says "done". When ctx ends it waits until the
// script has taken back what it made. A *failure is its own words.
func (s script) run(ctx context.Context, client *ssh.Client) error {
	for _, v := range s.values {
		if !plain(v) {
			return &fusion.Error{Op: s.op, Path: s.at.String(), Cause: fusion.ErrInvalid, Detail: "a text has a line break in it or is too long"}
		}
	}
	session, err := client.NewSession()
	if err != nil {
		return s.cut(ctx, err)
	}
	defer session.Close()
	in, err := session.StdinPipe()
	if err != nil {
		return s.cut(ctx, err)
	}
	out, err := session.StdoutPipe()
	if err != nil {
		return s.cut(ctx, err)
	}
	if err := session.Start(bootstrap); err != nil {
		return s.cut(ctx, err)
	}
	giveUp := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { close(giveUp) })
	defer stop()
	// The writer ends with its input, which closes below; listen with the output.
	written := make(chan struct{})
	go func() { defer close(written); s.write(ctx, in, giveUp) }()
	heard := make(chan error, 1)
	refused := make(chan struct{})
	go func() { heard <- s.listen(out, refused) }()
	select {
	case err = <-heard:
	case <-refused:
		_ = in.Close() // whoever listens takes it back then
		err = s.undone(heard, session)
	case <-giveUp:
		_ = in.Close()
		err = s.undone(heard, session)
	}
	_ = session.Close() // the writer may still wait for room
	<-written
	var failed *failure
	if err == nil || errors.As(err, &failed) && ctx.Err() == nil {
		return err
	}
	return s.cut(ctx, err)
}

// undone waits until a script that was told to give up has ended.
func (s script) undone(heard <-chan error, session *ssh.Session) error {
	select {
	case err := <-heard:
		return err
	case <-time.After(undoTime):
		_ = session.Close() // ends listen
		<-heard
		return errCut
	}
}

// cut explains an error of the connection.
func (s script) cut(ctx context.Context, err error) error {
	var known *fusion.Error
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &known):
		return known
	}
	return &fusion.Error{Op: s.op, Path: s.at.String(), Cause: fusion.ErrOffline, Detail: "the connection was cut: " + err.Error(),
		Hint: "what was begun there takes itself back; try again"}
}

// write sends the script, its values and its body. The input stays open then:
// its end is a word of its own.
func (s script) write(ctx context.Context, in io.Writer, giveUp <-chan struct{}) {
	head := commonScript + s.text + endMark + "\n" + strings.Join(s.values, "\n") + "\n"
	if len(s.values) == 0 {
		head = commonScript + s.text + endMark + "\n"
	}
	if _, err := io.WriteString(in, head); err != nil || s.body == nil {
		return // the other side says why it hung up
	}
	buffer := make([]byte, 64<<10)
	for sent := int64(0); ; {
		select {
		case <-giveUp:
			return
		default:
		}
		n, err := s.body.Read(buffer)
		if n > 0 {
			if _, failed := in.Write(buffer[:n]); failed != nil {
				return
			}
			sent += int64(n)
			fusion.Report(ctx, fusion.Progress{Step: "copies the program", Done: sent, Total: s.size})
		}
		if err != nil {
			return // too few bytes have another sum
		}
	}
}

// listen reads until the script has said its last word; refused is closed when
// heard did not like one.
func (s script) listen(out io.Reader, refused chan<- struct{}) (err error) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, maxLine)
	var failed, no error
	done := false
	for count := 0; lines.Scan() && count < maxLines; count++ {
		key, text := "json", lines.Text()
		if rest, ours := strings.CutPrefix(text, marker); ours {
			key, text, _ = strings.Cut(rest, " ")
		} else if !strings.HasPrefix(text, "{") {
			continue // a login script's
		}
		switch {
		case key == "done":
			done = true
		case key == "fail" && failed == nil:
			why, rest, _ := strings.Cut(text, " ")
			failed = &failure{why: why, text: clip(rest)}
		case no == nil:
			if no = s.heard(key, text); no != nil {
				close(refused)
			}
		}
	}
	switch {
	case no != nil:
		return no
	case failed != nil:
		return failed
	case done:
		return nil
	}
	return errors.Join(errCut, lines.Err())
}
