package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/fusion"
)

// listed joins the node and asks one host, the first of args, or all that are online.
func listed[T any](g *globals, cmd *cobra.Command, args []string,
	one func(fusion.Host) ([]T, error), each func(context.Context, *client.Client, fusion.HostInfo) ([]T, error)) ([]T, error) {
	c, err := g.join(cmd.Context())
	if err != nil {
		return nil, err
	}
	if len(args) == 1 {
		return one(c.Host(args[0]))
	}
	return everyHost(g, cmd, c, each)
}

// everyHost asks all online hosts at once and joins their lists. A host that does
// not answer is noted and does not spoil the list.
func everyHost[T any](g *globals, cmd *cobra.Command, c *client.Client,
	ask func(context.Context, *client.Client, fusion.HostInfo) ([]T, error)) ([]T, error) {
	known, err := hosts(cmd.Context(), c)
	if err != nil {
		return nil, err
	}
	lists := make([][]T, len(known))
	errs := make([]error, len(known))
	var wg sync.WaitGroup
	for i, h := range known {
		if h.Online || h.Local {
			wg.Go(func() { lists[i], errs[i] = ask(cmd.Context(), c, h) })
		}
	}
	wg.Wait()
	all := []T{}
	for i, h := range known {
		switch {
		case errs[i] != nil && h.Local:
			return nil, errs[i]
		case errs[i] != nil:
			fmt.Fprintf(cmd.ErrOrStderr(), "note: %s\n", printable(errorText(errs[i])))
		case !h.Online && !h.Local && !g.json:
			fmt.Fprintf(cmd.ErrOrStderr(), "note: %s is %s%s\n", printable(h.Name), hostState(h), lastSeen(h))
		}
		all = append(all, lists[i]...)
	}
	return all, cmd.Context().Err()
}

func lastSeen(h fusion.HostInfo) string {
	if seen := ago(time.Now(), h.LastSeen); seen != "" {
		return ", last seen " + seen
	}
	return ""
}

// asked gives a host by the name that requests carry.
func asked(c *client.Client, h fusion.HostInfo) fusion.Host {
	if h.Local {
		return c.Host("")
	}
	return c.Host(h.Name)
}
