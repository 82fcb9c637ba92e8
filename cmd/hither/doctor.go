package main

import (
	"errors"
	"fmt"
	"io"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/app/convert"
	"hither/app/home"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// check is one finding of `hither doctor`; State is "ok", "warn" or "bad".
type check struct {
	Name  string `json:"name"`
	State string `json:"state"`
	Text  string `json:"text"`
	Hint  string `json:"hint,omitempty"`
}

func doctorCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Look for what is missing on this computer and say what to do", Args: exactly(),
		Long: "Look for what is missing on this computer and say what to do.\nIt exits with 1 when something is bad, and with 5 when no node runs.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.running()
			if err != nil {
				return err
			}
			res, err := c.Nodes.Doctor(cmd.Context(), connect.NewRequest(&pb.DoctorRequest{}))
			if err != nil {
				return g.nodeLog(client.Error(err, ""))
			}
			checks := convert.All(res.Msg.Checks, func(c *pb.Check) check {
				return check{Name: c.Name, State: c.State, Text: c.Text, Hint: c.Hint}
			})
			if err := g.show(cmd, checks, func(w io.Writer) error { return printChecks(w, checks) }); err != nil {
				return err
			}
			return verdict(checks)
		},
	}
}

// nodeLog adds to an offline node's error where its log is.
func (g *globals) nodeLog(err error) error {
	h, herr := home.Find(g.home)
	if herr != nil || !errors.Is(err, fusion.ErrOffline) {
		return err
	}
	return &fusion.Error{Op: "node", Cause: fusion.ErrOffline, Detail: "no node runs here",
		Hint: "start it in sight with: hither up; one that was started before has its log in " + h.Sub("node.log")}
}

func printChecks(w io.Writer, checks []check) error {
	t := newTable("CHECK", "STATE", "FINDING")
	for _, c := range checks {
		t.add(c.Name, c.State, c.Text)
		if c.Hint != "" {
			t.add("", "", "hint: "+c.Hint)
		}
	}
	return t.write(w)
}

func verdict(checks []check) error {
	bad := 0
	for _, c := range checks {
		if c.State == "bad" {
			bad++
		}
	}
	if bad == 0 {
		return nil
	}
	return &fusion.Error{Detail: fmt.Sprintf("doctor: %d of %d checks are bad", bad, len(checks))}
}
