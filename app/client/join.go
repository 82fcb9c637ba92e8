package client

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"connectrpc.com/connect"

	"hither/app/home"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// joinTimeout bounds how long a node may take until it answers.
const joinTimeout = 60 * time.Second

// Join gives a client of the node at h, and starts `hither up` detached when
// none runs. The desktop window, the tray and the command line use it.
func Join(ctx context.Context, h home.Home) (*Client, error) {
	c := Unix(h.Socket())
	if c.answers(ctx) {
		return c, nil
	}
	up, err := Command(h, "up")
	if err != nil {
		return nil, err
	}
	if err := h.Make(); err != nil {
		return nil, err
	}
	ended, err := startDetached(up, h)
	if err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if c.answers(ctx) {
				return c, nil
			}
		case err := <-ended:
			if c.answers(ctx) { // another client was faster; its node runs
				return c, nil
			}
			return nil, &fusion.Error{Op: "node", Cause: fusion.ErrOffline, Detail: fmt.Sprintf("it ended at once (%v)", err),
				Hint: "read " + h.Sub("node.log") + ", or run: hither doctor"}
		case <-ctx.Done():
			return nil, &fusion.Error{Op: "node", Cause: fusion.ErrOffline, Detail: "it did not answer in time",
				Hint: "read " + h.Sub("node.log")}
		}
	}
}

func (c *Client) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err := c.Nodes.Status(ctx, connect.NewRequest(&pb.StatusRequest{}))
	return err == nil
}

// startDetached runs the node. The channel yields when it ended while this
// program still runs.
func startDetached(cmd *exec.Cmd, h home.Home) (<-chan error, error) {
	log, err := os.OpenFile(h.Sub("node.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Dir = h.Dir
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // ends with the node, or with this program
	return ended, nil
}
