package vmctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"hither/fusion"
)

const (
	// agentPatience is how long an agent may take for an answer.
	agentPatience = 10 * time.Second
	// programPatience is how long a program in a guest may run. An emulated guest
	// that somebody logs in to is slow.
	programPatience = time.Minute
	// programPause is before the first question whether it has ended. Each is
	// twice as long as the one before, for questions take the guest's time too.
	programPause = 50 * time.Millisecond
	// mostPause is the longest one.
	mostPause = time.Second
)

// agentHint says what gives a machine an agent.
const agentHint = "install qemu-guest-agent in it, or Hither: then pair it as a computer of its own"

// GuestRun runs a program in a machine's guest through the QEMU guest agent
// (qemu-ga, commands guest-exec and guest-exec-status; libvirt:
// virDomainQemuAgentCommand), as the agent's user, and gives its output and exit
// code. It promises ErrNotFound, ErrUnsupported when the machine is off, has no
// agent or one that does not run this program, and ErrBusy when the guest takes
// too long.
func (s *Store) GuestRun(ctx context.Context, name string, argv []string) (output []byte, code int, err error) {
	const op = "machine.agent"
	g, err := s.agentOf(ctx, op, name)
	if err != nil {
		return nil, 0, err
	}
	output, code, err = g.run(ctx, argv)
	return output, code, agentError(op, name, err)
}

// agentError says plainly what is wrong with an agent.
func agentError(op, name string, err error) error {
	var driver *driverError
	var refusal *agentRefusal
	e := &fusion.Error{Op: op, Path: name, Cause: fusion.ErrUnsupported}
	switch {
	case errors.As(err, &refusal) && refusal.forbids():
		e.Detail, e.Hint = err.Error(), "allow guest-exec in the settings of its guest agent, or install Hither in it"
	case errors.As(err, &refusal):
		e.Detail, e.Hint = err.Error(), "programs are run in Linux guests; in others install Hither"
	case errors.Is(err, fusion.ErrUnsupported) && errors.As(err, &driver):
		e.Detail, e.Hint = "no guest agent answers in it", agentHint
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, fusion.ErrBusy):
		e.Cause, e.Detail, e.Hint = fusion.ErrBusy, "its guest took too long", "try again when the guest has less to do"
	default:
		return fail(op, name, err)
	}
	return e
}

// guest is the agent of one machine.
type guest struct {
	s    *Store
	uuid string
}

// agentRefusal is an error of the agent's own, in its words.
type agentRefusal struct{ desc string }

func (e *agentRefusal) Error() string { return fmt.Sprintf("the guest agent refuses: %.200q", e.desc) }

// forbids says whether the agent does not run programs at all, as some
// distributions have it (qemu-ga: "has been disabled", or not found since 8.1).
func (e *agentRefusal) forbids() bool {
	return strings.Contains(e.desc, "has been disabled") || strings.Contains(e.desc, "has not been found")
}

// agentFailure tells by libvirt's words (qemu_agent.c) what went wrong with an
// agent, for its codes change with its releases; nil says that nothing of this
// did.
func agentFailure(message string) error {
	if strings.Contains(message, "Guest agent not available for now") {
		return &driverError{fusion.ErrBusy, message}
	}
	_, rest, _ := strings.Cut(message, "unable to execute QEMU agent command '")
	if _, desc, ok := strings.Cut(rest, "': "); ok {
		return &agentRefusal{desc}
	}
	return nil
}

// ask makes one call; answer is filled from what the agent returns.
func (g guest) ask(ctx context.Context, execute string, arguments, answer any) error {
	command, err := json.Marshal(map[string]any{"execute": execute, "arguments": arguments})
	if err != nil {
		return err
	}
	text, err := call(ctx, g.s, func(d driver) (string, error) { return d.agent(g.uuid, string(command)) }, nil)
	if err != nil {
		return err
	}
	return parseAnswer([]byte(text), answer)
}

// parseAnswer reads what a guest says, which is not to be trusted.
func parseAnswer(text []byte, answer any) error {
	var reply struct {
		Return json.RawMessage `json:"return"`
	}
	if err := json.Unmarshal(text, &reply); err != nil {
		return fmt.Errorf("the guest agent's answer: %w", err)
	}
	if err := json.Unmarshal(reply.Return, answer); err != nil {
		return fmt.Errorf("the guest agent's answer: %w", err)
	}
	return nil
}

// run is exec for what prints little and ends by itself.
func (g guest) run(ctx context.Context, argv []string) ([]byte, int, error) {
	e, err := g.exec(ctx, argv, nil, programPatience)
	switch {
	case err != nil:
		return nil, 0, err
	case e.Signal != 0:
		return nil, 0, fmt.Errorf("a program in the guest ended by signal %d", e.Signal)
	case e.Truncated:
		return nil, 0, errors.New("a program in the guest printed too much")
	}
	return e.Out, e.ExitCode, nil
}
