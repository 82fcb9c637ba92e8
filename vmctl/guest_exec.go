package vmctl

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"strconv"
	"strings"
	"time"

	"hither/fusion"
)

//go:embed guest_exec.sh
var execScript string

const opExec = "machine.exec"

// Exec runs a program, in Linux guests through a script that keeps its output
// within bounds: the agent takes up to 16 MiB, which libvirt cannot carry.
func (x guests) Exec(ctx context.Context, machine string, c fusion.GuestCommand) (fusion.GuestResult, error) {
	if err := c.Check(); err != nil {
		return fusion.GuestResult{}, err
	}
	g, err := x.s.agentOf(ctx, opExec, machine)
	if err != nil {
		return fusion.GuestResult{}, err
	}
	limit := cmp.Or(c.Timeout, programPatience)
	script := append([]string{"setsid", "/bin/sh", "-c", execScript, "sh", strconv.Itoa(fusion.MaxGuestOutput + 1)}, c.Argv...)
	var e execution
	// A guest without setsid kills the script alone; one without a shell is no Linux.
	for _, argv := range [][]string{script, script[1:], c.Argv} {
		if e, err = g.exec(ctx, argv, c.Stdin, limit); !notThere(err) {
			break
		}
	}
	if err != nil {
		return fusion.GuestResult{}, execError(machine, c.Argv[0], limit, ctx, err)
	}
	x.s.config.Log.Info("program run in a guest", "machine", machine, "program", c.Argv[0], "code", e.ExitCode, "trace", fusion.Trace(ctx))
	return e.result(), nil
}

// notThere says whether the guest has no such program.
func notThere(err error) bool {
	var refusal *agentRefusal
	return errors.As(err, &refusal) && strings.Contains(refusal.desc, "execute child process")
}

func execError(machine, program string, limit time.Duration, ctx context.Context, err error) error {
	switch {
	case notThere(err):
		return invalid(opExec, machine, "the guest cannot run "+guestText(program), "see that the program is installed in the guest")
	case errors.Is(err, errOverTime) && ctx.Err() == nil:
		return &fusion.Error{Op: opExec, Path: machine, Cause: fusion.ErrBusy, Detail: "it did not end within " + limit.String() + " and was killed",
			Hint: "give it more time, as in --timeout 10m"}
	case errors.Is(err, fusion.ErrInvalid):
		return fail(opExec, machine, err)
	}
	return agentError(opExec, machine, err)
}

// errOverTime is the cause of the end of a program that took too long.
var errOverTime = errors.New("it took too long")

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
func (g guest) exec(ctx context.Context, argv []string, stdin []byte, limit time.Duration) (execution, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errOverTime)
	defer cancel()
	var started struct {
		PID int `json:"pid"`
	}
	arguments := map[string]any{"path": argv[0], "arg": argv[1:], "capture-output": true}
	if len(stdin) > 0 {
		arguments["input-data"] = stdin
	}
	if err := g.ask(ctx, "guest-exec", arguments, &started); err != nil {
		return execution{}, err
	}
	for pause := programPause; ; pause = min(2*pause, mostPause) {
		var e execution
		err := g.ask(ctx, "guest-exec-status", map[string]any{"pid": started.PID}, &e)
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
func (g guest) kill(ctx context.Context, pid int) {
	ctx, cancel := context.WithTimeout(ctx, agentPatience)
	defer cancel()
	const script = `kill -KILL "-$1" || kill -KILL "$1"`
	var started struct {
		PID int `json:"pid"`
	}
	err := g.ask(ctx, "guest-exec", map[string]any{"path": "/bin/sh", "arg": []string{"-c", script, "sh", strconv.Itoa(pid)}}, &started)
	if err != nil {
		g.s.config.Log.Debug("a program in a guest goes on", "uuid", g.uuid, "pid", pid, "error", err)
	}
}
