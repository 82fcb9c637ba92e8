package invite

import (
	"context"
	"errors"

	"hither/fusion"
)

// Left says what Leave took away.
type Left struct {
	// Host was paired and is not any more; its ID is "" when it was not.
	Host fusion.HostInfo
	// Home is the directory that stays there.
	Home string
}

// Leave takes Hither off a server, but for its node's home, and ends the pairing.
// Its machines and apps end. host, if not "", is the host that it must be.
func (i *Inviter) Leave(ctx context.Context, login Login, host fusion.HostID) (Left, error) {
	fusion.Report(ctx, fusion.Progress{Step: "logs in"})
	client, at, err := i.dial(ctx, opLeave, login)
	if err != nil {
		return Left{}, err
	}
	defer client.Close()
	there, err := look(ctx, opLeave, at, client)
	if err != nil {
		return Left{}, err
	}
	wanted := "-"
	if host != "" {
		wanted = string(host)
	}
	if host != "" && there.node.ID != "" && there.node.ID != host {
		return Left{}, notThat(at)
	}
	id := there.node.ID
	if id == "" {
		id = host
	}
	left := Left{}
	if known, ok := i.cfg.Paired(string(id)); ok && id != "" {
		left.Host = known
	}
	err = script{op: opLeave, at: at, text: leaveScript, values: []string{wanted}, heard: func(key, text string) error {
		switch key {
		case "step":
			if p, ok := steps[text]; ok {
				fusion.Report(ctx, p)
			}
		case "home":
			left.Home = clip(text)
		}
		return nil
	}}.run(ctx, client)
	var failed *failure
	if errors.As(err, &failed) && failed.why == "other" {
		return Left{}, notThat(at)
	}
	if err != nil {
		return Left{}, explain(opLeave, at, err)
	}
	if left.Host.ID != "" {
		return left, i.cfg.Forget(ctx, left.Host.ID)
	}
	return left, nil
}

func notThat(at place) error {
	return &fusion.Error{Op: opLeave, Path: at.String(), Cause: fusion.ErrInvalid, Detail: "another host's node is there", Hint: "hither host show tells the key of a host; hither host leave takes off whatever is there"}
}
