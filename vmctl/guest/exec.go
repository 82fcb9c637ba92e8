package guest

import (
	"context"
	_ "embed"
	"errors"
	"strconv"
	"strings"
	"time"

	"hither/fusion"
)

//go:embed exec.sh
var execScript string

// Command runs a program, in Linux guests through a script that keeps its output within
// fusion.MaxGuestOutput: the agent takes up to 16 MiB, which libvirt cannot carry. One that
// takes longer than limit is killed, and the error is ErrOverTime.
func (g Agent) Command(ctx context.Context, argv []string, stdin []byte, limit time.Duration) (fusion.GuestResult, error) {
	script := append([]string{"setsid", "/bin/sh", "-c", execScript, "sh", strconv.Itoa(fusion.MaxGuestOutput + 1)}, argv...)
	var e execution
	var err error
	// A guest without setsid kills the script alone; one without a shell is no Linux.
	for _, one := range [][]string{script, script[1:], argv} {
		if e, err = g.exec(ctx, one, stdin, limit); !NotThere(err) {
			break
		}
	}
	return e.result(), err
}

// NotThere says whether the guest has no such program.
func NotThere(err error) bool {
	var refusal *Refusal
	return errors.As(err, &refusal) && strings.Contains(refusal.Words, "execute child process")
}

// ErrOverTime is the cause of the end of a program that took too long.
var ErrOverTime = errors.New("it took too long")

// execution is the answer to guest-exec-status.
type execution struct {
	Exited       bool   `json:"exited"`
	ExitCode     int    `json:"exitcode"`
	Signal       int    `json:"signal"`
	Out          []byte `json:"out-data"` // base64 on the wire, as encoding/json has it
	Err          []byte `json:"err-data"`
	Truncated    bool   `json:"out-truncated"`
	ErrTruncated bool   `json:"err-truncated"`
}

func (e execution) result() fusion.GuestResult {
	r := fusion.GuestResult{ExitCode: e.ExitCode, Stdout: e.Out, Stderr: e.Err, Truncated: e.Truncated || e.ErrTruncated}
	if e.Signal != 0 {
		r.ExitCode = 128 + e.Signal
	}
	for _, stream := range []*[]byte{&r.Stdout, &r.Stderr} {
		if len(*stream) > fusion.MaxGuestOutput {
			*stream, r.Truncated = (*stream)[:fusion.MaxGuestOutput], true
		}
	}
	return r
}

// exec runs a program and waits for its end, at most limit long. One that is not
// waited for any more is killed.
func (g Agent) exec(ctx context.Context, argv []string, stdin []byte, limit time.Duration) (execution, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, ErrOverTime)
	defer cancel()
	var started struct {
		PID int `json:"pid"`
	}
	arguments := map[string]any{"path": argv[0], "arg": argv[1:], "capture-output": true}
	if len(stdin) > 0 {
		arguments["input-data"] = stdin
	}
	if err := g.Ask(ctx, "guest-exec", arguments, &started); err != nil {
		return execution{}, err
	}
	for pause := programPause; ; pause = min(2*pause, mostPause) {
		var e execution
		err := g.Ask(ctx, "guest-exec-status", map[string]any{"pid": started.PID}, &e)
		if err == nil && e.Exited {
			return e, nil
		}
		if err == nil {
			select {
			case <-time.After(pause):
				continue
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		if ctx.Err() != nil {
			g.kill(context.WithoutCancel(ctx), started.PID)
			err = errors.Join(context.Cause(ctx), ctx.Err())
		}
		return execution{}, err
	}
}

// kill ends a program that exec started, with those that it started. The guest
// may have no way to do that.
func (g Agent) kill(ctx context.Context, pid int) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	const script = `kill -KILL "-$1" || kill -KILL "$1"`
	var started struct {
		PID int `json:"pid"`
	}
	err := g.Ask(ctx, "guest-exec", map[string]any{"path": "/bin/sh", "arg": []string{"-c", script, "sh", strconv.Itoa(pid)}}, &started)
	if err != nil {
		g.Log.Debug("a program in a guest goes on", "pid", pid, "error", err)
	}
}
