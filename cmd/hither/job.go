package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/fusion"
)

func jobCommand(g *globals) *cobra.Command {
	return group("job", "What takes long on a host: see how far it is, or end it", jobLs(g), jobCancel(g))
}

func jobLs(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "ls [HOST]", Short: "List what is in work on a host, or on all that are online, or ended just now", Args: between(0, 1, "HOST"),
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := listed(g, cmd, args, func(h fusion.Host) ([]fusion.Job, error) { return h.Jobs().List(cmd.Context()) }, jobsOf)
			if err != nil {
				return err
			}
			return g.show(cmd, list, func(w io.Writer) error { return printJobs(w, list) })
		},
	}
}

func jobsOf(ctx context.Context, c *client.Client, h fusion.HostInfo) ([]fusion.Job, error) {
	list, err := asked(c, h).Jobs().List(ctx)
	for i := range list {
		list[i].Host = cmp.Or(list[i].Host, h.Name)
	}
	return list, err
}

func printJobs(w io.Writer, list []fusion.Job) error {
	t := newTable("JOB", "DOES", "FOR", "STATE", "STARTED")
	for _, j := range list {
		t.add(j.Host+"/"+j.ID, j.Op, j.Name, jobState(j), ago(time.Now(), j.Started))
	}
	return t.write(w)
}

// jobState says how far a job is, or how it ended.
func jobState(j fusion.Job) string {
	switch {
	case j.Error != "":
		return "failed: " + j.Error
	case !j.Ended.IsZero():
		return "done"
	}
	return cmp.Or(progressText(j.Progress), "in work")
}

// progressText is how far a step is: "copies 1.0 GiB of 2.0 GiB, 50 %, 9.1 MiB/s, 2 min left".
func progressText(p fusion.Progress) string {
	text := p.Step
	if p.Done > 0 || p.Total > 0 {
		text += " " + bytesText(p.Done)
	}
	if p.Total > 0 {
		text += fmt.Sprintf(" of %s, %d %%", bytesText(p.Total), min(p.Done*100/p.Total, 100))
	}
	if p.Rate > 0 {
		text += ", " + bytesText(p.Rate) + "/s"
	}
	if p.Left > 0 {
		text += ", " + left(time.Duration(p.Left)*time.Second) + " left"
	}
	return text
}

func jobCancel(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "cancel [HOST/]JOB", Short: "End what is in work; it leaves nothing", Args: exactly("JOB"),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, host, err := g.thing(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return host.Jobs().Cancel(cmd.Context(), address.Machine)
		},
	}
}

// following calls do, and shows on a terminal how far the host is with op for
// name meanwhile.
func following(cmd *cobra.Command, host fusion.Host, op, name string, do func(ctx context.Context) error) error {
	w := cmd.ErrOrStderr()
	if !terminal(w) {
		return do(cmd.Context())
	}
	ctx, stop := context.WithCancel(cmd.Context())
	began, ended := time.Now(), make(chan struct{})
	go func() {
		defer close(ended)
		// Without news the call goes on all the same, and says how it ended.
		_ = host.Jobs().Watch(ctx, func(j fusion.Job, removed bool) {
			if j.Op == op && j.Name == name && !removed && j.Ended.IsZero() && j.Started.After(began.Add(-time.Minute)) {
				fmt.Fprintf(w, "\r\x1b[K%s: %s", printable(name), printable(cmp.Or(progressText(j.Progress), "…")))
			}
		})
	}()
	err := do(cmd.Context())
	stop()
	<-ended
	fmt.Fprint(w, "\r\x1b[K")
	return err
}
