//go:build windows || darwin

package power

import (
	"context"
	"os/exec"
	"strings"

	"hither/fusion"
)

// programs switches a computer by the programs of its system.
type programs map[fusion.Verb][]string

func (p programs) Can(context.Context) map[fusion.Verb]string {
	why := map[fusion.Verb]string{}
	for verb, args := range p {
		if _, err := exec.LookPath(args[0]); err != nil {
			why[verb] = args[0] + " is not here"
		}
	}
	return why
}

func (p programs) Do(ctx context.Context, verb fusion.Verb) error {
	args := p[verb]
	out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return &fusion.Error{Op: "power", Cause: fusion.ErrPermission, Detail: strings.TrimSpace(err.Error() + " " + string(out)),
		Hint: "open its desktop and use the menu there"}
}

// Watch hears nothing: what others do to the computer is not followed here.
func (p programs) Watch(ctx context.Context, _ func(fusion.Away)) error {
	<-ctx.Done()
	return ctx.Err()
}
