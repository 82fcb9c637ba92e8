package vmctl

import (
	"cmp"
	"context"
	"errors"
	"io"
	"time"

	"hither/fusion"
	"hither/vmctl/guest"
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
	output, code, err = g.Run(ctx, argv)
	return output, code, agentError(op, name, err)
}

// agentError says plainly what is wrong with an agent.
func agentError(op, name string, err error) error {
	var driver *driverError
	var refusal *guest.Refusal
	e := &fusion.Error{Op: op, Path: name, Cause: fusion.ErrUnsupported}
	switch {
	case errors.As(err, &refusal) && refusal.Forbids():
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

// Guests gives the systems inside the machines.
func (s *Store) Guests() fusion.Guests { return guests{s, fusion.MaxGuestFile} }

type guests struct {
	s    *Store
	most int // of a file, in bytes
}

var _ fusion.Guests = guests{}

const opGuest = "machine.guest"

// agentOf gives the agent of a machine that runs.
func (s *Store) agentOf(ctx context.Context, op, name string) (guest.Agent, error) {
	if name == fusion.Self {
		return guest.Agent{}, &fusion.Error{Op: op, Path: name, Cause: fusion.ErrUnsupported, Detail: "it is this computer itself",
			Hint: "guest agents are in virtual machines; for a computer, open a shell: hither machine console HOST/self"}
	}
	uuid, err := s.find(ctx, op, name)
	if err != nil {
		return guest.Agent{}, err
	}
	r, err := s.fresh(ctx, op, name, uuid)
	if err != nil {
		return guest.Agent{}, err
	}
	if r.state != fusion.Running {
		return guest.Agent{}, &fusion.Error{Op: op, Path: name, Cause: fusion.ErrUnsupported, Detail: "it is " + string(r.state) + ", and its guest agent with it",
			Hint: "start it first; it needs an agent: " + agentHint}
	}
	return s.agentIn(uuid), nil
}

// agentIn gives the agent of a domain.
func (s *Store) agentIn(uuid string) guest.Agent {
	return guest.Agent{Log: s.config.Log.With("uuid", uuid), Send: func(ctx context.Context, command string) (string, error) {
		return call(ctx, s, func(d driver) (string, error) { return d.agent(uuid, command) }, nil)
	}}
}

// Info asks the agent what there is.
func (x guests) Info(ctx context.Context, machine string) (fusion.GuestInfo, error) {
	g, err := x.s.agentOf(ctx, opGuest, machine)
	if err != nil {
		return fusion.GuestInfo{}, err
	}
	info, err := g.Info(ctx)
	return info, agentError(opGuest, machine, err)
}

const opExec = "machine.exec"

// Exec runs a program of the guest.
func (x guests) Exec(ctx context.Context, machine string, c fusion.GuestCommand) (fusion.GuestResult, error) {
	if err := c.Check(); err != nil {
		return fusion.GuestResult{}, err
	}
	g, err := x.s.agentOf(ctx, opExec, machine)
	if err != nil {
		return fusion.GuestResult{}, err
	}
	limit := cmp.Or(c.Timeout, guest.ProgramPatience)
	result, err := g.Command(ctx, c.Argv, c.Stdin, limit)
	if err != nil {
		return fusion.GuestResult{}, execError(machine, c.Argv[0], limit, ctx, err)
	}
	x.s.config.Log.Info("program run in a guest", "machine", machine, "program", c.Argv[0], "code", result.ExitCode, "trace", fusion.Trace(ctx))
	return result, nil
}

func execError(machine, program string, limit time.Duration, ctx context.Context, err error) error {
	switch {
	case guest.NotThere(err):
		return invalid(opExec, machine, "the guest cannot run "+guest.Text(program), "see that the program is installed in the guest")
	case errors.Is(err, guest.ErrOverTime) && ctx.Err() == nil:
		return &fusion.Error{Op: opExec, Path: machine, Cause: fusion.ErrBusy, Detail: "it did not end within " + limit.String() + " and was killed",
			Hint: "give it more time, as in --timeout 10m"}
	case errors.Is(err, fusion.ErrInvalid):
		return fail(opExec, machine, err)
	}
	return agentError(opExec, machine, err)
}

// ReadFile copies a file out of the guest.
func (x guests) ReadFile(ctx context.Context, machine, path string, w io.Writer) error {
	return x.withFile(ctx, "machine.read", machine, path, func(g guest.Agent) error { return g.ReadFile(ctx, path, w, x.most) })
}

// WriteFile copies a file into the guest.
func (x guests) WriteFile(ctx context.Context, machine, path string, r io.Reader) error {
	return x.withFile(ctx, "machine.write", machine, path, func(g guest.Agent) error { return g.WriteFile(ctx, path, r, x.most) })
}

// withFile does something with a file of a guest.
func (x guests) withFile(ctx context.Context, op, machine, path string, do func(guest.Agent) error) error {
	if err := fusion.CheckGuestPath(path); err != nil {
		return err
	}
	g, err := x.s.agentOf(ctx, op, machine)
	if err != nil {
		return err
	}
	if err = do(g); err == nil {
		x.s.config.Log.Info("file of a guest", "op", op, "machine", machine, "path", path, "trace", fusion.Trace(ctx))
	}
	return fileError(op, machine, path, err)
}

// agentFailure tells by libvirt's words what went wrong with an agent; nil says that
// nothing of this did.
func agentFailure(message string) error {
	if guest.NotNow(message) {
		return &driverError{fusion.ErrBusy, message}
	}
	if refusal := guest.RefusalIn(message); refusal != nil {
		return refusal
	}
	return nil
}

// fileError says plainly what is wrong with a file of a guest.
func fileError(op, machine, path string, err error) error {
	var here *guest.LocalError
	var refusal *guest.Refusal
	e := &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrInvalid}
	switch {
	case err == nil:
		return nil
	case errors.As(err, &here):
		return here.Err
	case errors.Is(err, guest.ErrTooLarge):
		e.Detail, e.Hint = "a file of a guest is read and written up to 256 MiB", "put it into a shared folder, or split it"
	case errors.As(err, &refusal) && refusal.Forbids():
		e.Cause, e.Detail, e.Hint = fusion.ErrUnsupported, err.Error(), "allow the guest-file commands in the settings of its guest agent"
	case errors.As(err, &refusal):
		e.Cause = cmp.Or(refusal.Cause(), e.Cause)
		e.Detail, e.Hint = err.Error(), "see that the path is that of a file in the guest"
	default:
		return agentError(op, machine, err)
	}
	return e
}
