// Package guest speaks with the QEMU guest agent in a machine (qemu-ga,
// https://qemu-project.gitlab.io/qemu/interop/qemu-ga-ref.html): it runs programs there,
// reads and writes files, and asks what there is. An Agent is given the way to its agent,
// and needs nothing else of the machine.
//
// A guest is not trusted: what it says is bounded, and made fit to be shown.
package guest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"hither/fusion"
)

const (
	// Patience is how long an agent may take for an answer.
	Patience = 10 * time.Second
	// ProgramPatience is how long a program in a guest may run, unless it is given more.
	// An emulated guest that somebody logs in to is slow.
	ProgramPatience = time.Minute
	// programPause is before the first question whether it has ended. Each is
	// twice as long as the one before, for questions take the guest's time too.
	programPause = 50 * time.Millisecond
	// mostPause is the longest one.
	mostPause = time.Second
)

// Agent is the agent of one machine. Its methods may be called from many goroutines.
type Agent struct {
	// Send passes one command, in JSON, to the agent and gives its answer. An error of the
	// agent's own is an *Refusal (RefusalIn).
	Send func(ctx context.Context, command string) (string, error)
	Log  *slog.Logger // not nil
}

// Refusal is an error of the agent's own, in its words.
type Refusal struct{ Words string }

func (e *Refusal) Error() string { return fmt.Sprintf("the guest agent refuses: %.200q", e.Words) }

// Forbids says whether the agent does not run programs at all, as some
// distributions have it (qemu-ga: "has been disabled", or not found since 8.1).
func (e *Refusal) Forbids() bool {
	return strings.Contains(e.Words, "has been disabled") || strings.Contains(e.Words, "has not been found")
}

// Cause is what an agent's words about a file mean, nil when nothing is known.
func (e *Refusal) Cause() error {
	switch {
	case strings.Contains(e.Words, "ermission denied"):
		return fusion.ErrPermission
	case strings.Contains(e.Words, "No such file"):
		return fusion.ErrNotFound
	}
	return nil
}

// NotNow says whether libvirt's words (qemu_agent.c) tell of an agent that is slow.
func NotNow(message string) bool {
	return strings.Contains(message, "Guest agent not available for now")
}

// RefusalIn finds what an agent refused in libvirt's words, for its codes change with its
// releases; nil when it did not.
func RefusalIn(message string) *Refusal {
	_, rest, _ := strings.Cut(message, "unable to execute QEMU agent command '")
	if _, desc, ok := strings.Cut(rest, "': "); ok {
		return &Refusal{desc}
	}
	return nil
}

// Ask makes one call; arguments may be nil, answer is filled from what the agent returns.
func (g Agent) Ask(ctx context.Context, execute string, arguments, answer any) error {
	if arguments == nil {
		arguments = struct{}{}
	}
	command, err := json.Marshal(map[string]any{"execute": execute, "arguments": arguments})
	if err != nil {
		return err
	}
	text, err := g.Send(ctx, string(command))
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

// Run runs a program that prints little and ends by itself, and gives its output and exit
// code.
func (g Agent) Run(ctx context.Context, argv []string) ([]byte, int, error) {
	e, err := g.exec(ctx, argv, nil, ProgramPatience)
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
