package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/fusion"
)

func jobCommand(g *globals) *cobra.Command {
	return group("job", "What takes long on a host: see how far it is, or end it", jobLs(g), jobCancel(g))
}

func jobLs(g *globals) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "ls [HOST]", Short: "List what is in work on a host, or on all that are online", Args: between(0, 1, "HOST"),
		Long: "List what is in work on a host, or on all that are online, with the name of what is made.\n" +
			"With --all what ended just now follows, the latest first; --json says in full why something\n" +
			"failed.",
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := listed(g, cmd, args, func(h fusion.Host) ([]fusion.Job, error) { return h.Jobs().List(cmd.Context()) }, jobsOf)
			if err != nil {
				return err
			}
			shown, ended := parted(list)
			if all {
				shown, ended = slices.Concat(shown, ended), nil
			}
			return g.show(cmd, shown, func(w io.Writer) error {
				if text := endedText(ended); text != "" {
					fmt.Fprintln(cmd.ErrOrStderr(), text)
				}
				return printJobs(w, shown)
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also what ended just now")
	return cmd
}

// parted gives what runs, oldest first, and what ended, latest first.
func parted(list []fusion.Job) (running, ended []fusion.Job) {
	running, ended = []fusion.Job{}, []fusion.Job{}
	for _, j := range list {
		if j.Ended.IsZero() {
			running = append(running, j)
		} else {
			ended = append(ended, j)
		}
	}
	slices.SortStableFunc(running, func(a, b fusion.Job) int { return a.Started.Compare(b.Started) })
	slices.SortStableFunc(ended, func(a, b fusion.Job) int { return b.Ended.Compare(a.Ended) })
	return running, ended
}

// endedText says what a list of what runs leaves out.
func endedText(ended []fusion.Job) string {
	failed := 0
	for _, j := range ended {
		if j.Error != "" {
			failed++
		}
	}
	switch {
	case len(ended) == 0:
		return ""
	case failed == 0:
		return fmt.Sprintf("note: %d ended just now; --all shows what", len(ended))
	}
	return fmt.Sprintf("note: %d ended just now, and %d of them failed or were canceled; --all shows what", len(ended), failed)
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
		name := j.Name
		if j.Made != "" {
			name += " → " + j.Made
		}
		t.add(j.Host+"/"+j.ID, j.Op, name, jobState(j), ago(time.Now(), j.Started))
	}
	return t.write(w)
}

// jobState says how far a job is, or how it ended.
func jobState(j fusion.Job) string {
	switch why := shortError(j); {
	case why == "canceled":
		return why
	case j.Error != "":
		return "failed: " + why
	case !j.Ended.IsZero():
		return "done"
	}
	return cmp.Or(progressText(j.Progress), "in work")
}

// longestWhy bounds what a line of the list says of a failure, in letters.
const longestWhy = 60

// shortError is why a job failed, in one short line: what it did to what stands beside it.
func shortError(j fusion.Job) string {
	why, _, _ := strings.Cut(strings.TrimSpace(j.Error), "\n")
	if rest, ok := strings.CutPrefix(why, j.Op); ok {
		if _, cause, ok := strings.Cut(rest, ": "); ok {
			why = cause
		}
	}
	if letters := []rune(why); len(letters) > longestWhy {
		why = strings.TrimSpace(string(letters[:longestWhy-1])) + "…"
	}
	return why
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
