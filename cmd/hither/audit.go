package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	"hither/app/audit"
	"hither/app/client"
	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// auditRecords is how many records are shown unless more are asked for.
const auditRecords = 50

func auditCommand(g *globals) *cobra.Command {
	var of, since string
	var limit int
	var follow, verify, live bool
	cmd := &cobra.Command{
		Use: "audit [HOST]", Short: "What other computers did on a host, and have open there now", Args: between(0, 1, "HOST"),
		Long: "What other computers did on a host (this one without HOST), and what its owner changed about\n" +
			"who may do what there: the newest records of its audit log. What is typed, pasted and stored\n" +
			"is not in it. --live shows what they have open now; hither host kick ends it.\n" +
			"--verify reads the whole log and looks for a record that was changed or taken out. Note the\n" +
			"hash that it prints elsewhere: who can write that computer's files can write all of it anew.",
		Example: "  hither audit --since 24h\n  hither audit nas --host laptop --follow",
		RunE: func(cmd *cobra.Command, args []string) error {
			host := strings.Join(args, "")
			from, err := sinceTime(since, time.Now())
			if err != nil {
				return err
			}
			if moreThanOne(follow, verify, live) {
				return usageHint("audit: one of --follow, --verify and --live", "see: hither audit --help")
			}
			c, err := g.join(cmd.Context())
			if err != nil {
				return err
			}
			switch {
			case verify:
				return g.auditVerify(cmd, c, host)
			case live:
				return g.auditLive(cmd, c, host)
			}
			return g.auditList(cmd, c, &pb.AuditListRequest{Host: host, Of: of, Since: from, Limit: int32(limit)}, follow)
		},
	}
	cmd.Flags().StringVar(&of, "host", "", "only what the computer `NAME` did")
	cmd.Flags().StringVar(&since, "since", "", "only since a `TIME`: 24h, 3d, 2026-12-04, or as 2026-12-04T18:00:00+01:00")
	cmd.Flags().IntVar(&limit, "limit", auditRecords, "at most `N` records, 1 to 1000")
	cmd.Flags().BoolVar(&follow, "follow", false, "go on with each record that is written")
	cmd.Flags().BoolVar(&verify, "verify", false, "look whether a record was changed or taken out")
	cmd.Flags().BoolVar(&live, "live", false, "what other computers have open now")
	return cmd
}

func moreThanOne(flags ...bool) bool {
	n := 0
	for _, set := range flags {
		if set {
			n++
		}
	}
	return n > 1
}

// sinceTime reads the beginning of a span: so long ago, the beginning of a day, or a time.
func sinceTime(text string, now time.Time) (*timestamppb.Timestamp, error) {
	if text == "" {
		return nil, nil
	}
	if end, ok := endOf(text, now); ok {
		switch day, err := time.ParseInLocation(time.DateOnly, text, now.Location()); {
		case err == nil:
			return timestamppb.New(day), nil
		case !strings.Contains(text, "T"):
			return timestamppb.New(now.Add(now.Sub(end))), nil
		}
		return timestamppb.New(end), nil
	}
	return nil, usage(&fusion.Error{Op: "audit", Path: text, Cause: fusion.ErrInvalid, Hint: "as in --since 24h, --since 3d or --since 2026-12-04"})
}

func (g *globals) auditList(cmd *cobra.Command, c *client.Client, req *pb.AuditListRequest, follow bool) error {
	res, err := c.Audits.List(cmd.Context(), connect.NewRequest(req))
	if err != nil {
		return client.Error(err, req.Host)
	}
	list := convert.All(res.Msg.Records, audit.FromPB)
	switch {
	case follow && g.json:
		for _, r := range list {
			if err := line(cmd.OutOrStdout(), r); err != nil {
				return err
			}
		}
	default:
		if err := g.show(cmd, list, func(w io.Writer) error { return printAudit(w, list) }); err != nil {
			return err
		}
		if res.Msg.FromSeq > 1 && !g.json {
			if _, err := fmt.Fprintf(cmd.ErrOrStderr(), "the log is complete from %s on; what was before is gone\n", res.Msg.FromTime.AsTime().Local().Format(time.DateTime)); err != nil {
				return err
			}
		}
	}
	if !follow {
		return nil
	}
	after := uint64(0)
	if len(list) > 0 {
		after = list[len(list)-1].Seq
	}
	return g.auditFollow(cmd, c, &pb.AuditFollowRequest{Host: req.Host, Of: req.Of, After: after})
}

func (g *globals) auditFollow(cmd *cobra.Command, c *client.Client, req *pb.AuditFollowRequest) error {
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	stream, err := c.Audits.Follow(ctx, connect.NewRequest(req))
	if err != nil {
		return client.Error(err, req.Host)
	}
	w := cmd.OutOrStdout()
	for err == nil && stream.Receive() {
		r := audit.FromPB(stream.Msg())
		if g.json {
			err = line(w, r)
		} else {
			_, err = fmt.Fprintln(w, printable(strings.Join(auditCells(r), "  ")))
		}
	}
	if err == nil {
		err = client.Error(stream.Err(), req.Host)
	}
	cancel()
	_ = stream.Close() // err says what happened
	if cmd.Context().Err() != nil {
		return cmd.Context().Err()
	}
	return err
}

func printAudit(w io.Writer, list []audit.Record) error {
	t := newTable("TIME", "WHO", "DID", "TO", "RESULT", "TOOK", "IN", "OUT")
	for _, r := range list {
		t.add(auditCells(r)...)
	}
	return t.write(w)
}

func auditCells(r audit.Record) []string {
	who, did, result := cmp.Or(r.Name, string(r.Host)), strings.TrimSpace(r.What+" "+r.Detail), r.Result
	switch {
	case r.Stranger && who != "":
		who += " (not paired)"
	case r.Stranger:
		who = "strangers"
	default:
		who = cmp.Or(who, "owner")
	}
	if r.Times > 0 {
		did += fmt.Sprintf(" (%d times)", r.Times)
	}
	if r.Error != "" && r.Result != audit.Refused {
		result += ": " + r.Error
	}
	return []string{r.Time.Local().Format(time.DateTime), who, did, r.Object, result, tookText(r.Ms), countText(r.In), countText(r.Out)}
}

func tookText(ms int64) string {
	if ms == 0 {
		return ""
	}
	return (time.Duration(ms) * time.Millisecond).String()
}

func countText(n int64) string {
	if n == 0 {
		return ""
	}
	return bytesText(n)
}

// auditVerdict is what --verify prints with --json.
type auditVerdict struct {
	Records  int64     `json:"records"`
	From     uint64    `json:"from"`
	FromTime time.Time `json:"fromTime,omitzero"`
	Last     uint64    `json:"last"`
	LastTime time.Time `json:"lastTime,omitzero"`
	Hash     string    `json:"hash"`
	Bad      string    `json:"bad,omitempty"`
}

func (g *globals) auditVerify(cmd *cobra.Command, c *client.Client, host string) error {
	res, err := c.Audits.Verify(cmd.Context(), connect.NewRequest(&pb.AuditVerifyRequest{Host: host}))
	if err != nil {
		return client.Error(err, host)
	}
	m := res.Msg
	v := auditVerdict{Records: m.Records, From: m.FromSeq, Last: m.LastSeq, Hash: m.Hash, Bad: m.Bad}
	if m.FromTime != nil {
		v.FromTime, v.LastTime = m.FromTime.AsTime(), m.LastTime.AsTime()
	}
	err = g.show(cmd, v, func(w io.Writer) error {
		return fields(w, "records", fmt.Sprint(v.Records), "first", seqText(v.From, v.FromTime), "last", seqText(v.Last, v.LastTime), "hash", v.Hash)
	})
	if err == nil && v.Bad != "" {
		err = &fusion.Error{Op: "audit", Path: v.Bad, Cause: fusion.ErrInvalid, Hint: "that record, or the one before it, is not as it was written; keep a copy of the folder audit in that computer's home"}
	}
	return err
}

func seqText(seq uint64, at time.Time) string {
	if seq == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %s", seq, at.Local().Format(time.DateTime))
}

// liveSession is one line of --live with --json.
type liveSession struct {
	ID     string    `json:"id"`
	Host   string    `json:"host"`
	Name   string    `json:"name"`
	What   string    `json:"what"`
	Object string    `json:"object"`
	Since  time.Time `json:"since"`
	In     int64     `json:"in"`
	Out    int64     `json:"out"`
}

func (g *globals) auditLive(cmd *cobra.Command, c *client.Client, host string) error {
	res, err := c.Audits.Live(cmd.Context(), connect.NewRequest(&pb.AuditLiveRequest{Host: host}))
	if err != nil {
		return client.Error(err, host)
	}
	list := convert.All(res.Msg.Sessions, func(s *pb.AuditSession) liveSession {
		return liveSession{s.Id, s.Host, s.Name, s.What, s.Object, s.Since.AsTime(), s.BytesIn, s.BytesOut}
	})
	return g.show(cmd, list, func(w io.Writer) error {
		t := newTable("ID", "WHO", "HAS OPEN", "OF", "SINCE", "IN", "OUT")
		for _, s := range list {
			t.add(s.ID, s.Name, s.What, s.Object, ago(time.Now(), s.Since), bytesText(s.In), bytesText(s.Out))
		}
		return t.write(w)
	})
}

func hostKick(g *globals) *cobra.Command {
	var at string
	var one bool
	cmd := &cobra.Command{
		Use: "kick HOST", Short: "End what a host has open here", Args: exactly("HOST"),
		Long: "End what a host has open here: screens, consoles, transfers and devices. What it may do\n" +
			"stays as it is, so that it can come again; hither host grant HOST none keeps it away.\n" +
			"With --id it is one thing, by its ID in: hither audit --live",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.join(cmd.Context())
			if err != nil {
				return err
			}
			req := &pb.AuditEndRequest{Host: at, Of: args[0]}
			if one {
				req.Id, req.Of = args[0], ""
			} else if at == "" {
				if _, err := findHost(cmd.Context(), c, args[0]); err != nil {
					return err
				}
			}
			res, err := c.Audits.End(cmd.Context(), connect.NewRequest(req))
			if err != nil {
				return client.Error(err, args[0])
			}
			ended := struct {
				Ended int32 `json:"ended"`
			}{res.Msg.Ended}
			return g.show(cmd, ended, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "ended %d\n", ended.Ended)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "what it has open on the computer `NAME` (default: here)")
	cmd.Flags().BoolVar(&one, "id", false, "HOST is the ID of one thing that is open")
	return cmd
}
