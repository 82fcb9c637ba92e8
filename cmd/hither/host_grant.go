package main

import (
	"errors"
	"io"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func hostGrant(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "grant HOST CAP… | +CAP… -CAP… | none", Short: "Say what a host may do here",
		Long: "Say what a host may do here, at once. +CAP adds to what it may do and -CAP takes\n" +
			"away. Plain CAPs are all that it may do: what is not named is taken away. With\n" +
			"none it may do nothing.\n" +
			"CAP is view, control, machines, apps, files, microphone, tunnel, mesh or admin\n" +
			"(which is all of them). Control of a computer or of its apps is everything its owner can do.",
		Example: "  hither host grant nas +files -control\n  hither host grant nas view files",
		// -CAP looks like a flag, so that the flags are read below.
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			words, help, err := grantWords(cmd, args)
			if err != nil {
				return err
			}
			if help {
				return cmd.Help()
			}
			if err := atLeast("HOST", "CAP")(cmd, words); err != nil {
				return err
			}
			change, err := parseGrants(words[1:])
			if err != nil {
				return err
			}
			c, err := g.join(cmd.Context())
			if err != nil {
				return err
			}
			var present []string
			if change.relative {
				h, err := findHost(cmd.Context(), c, words[0])
				if err != nil {
					return err
				}
				present = h.Grants
			}
			res, err := c.Hosts.Grant(cmd.Context(), connect.NewRequest(&pb.HostGrantRequest{Host: words[0], Grants: change.apply(present)}))
			if err != nil {
				return client.Error(err, words[0])
			}
			h := convert.HostFromPB(res.Msg)
			return g.show(cmd, h, func(w io.Writer) error { return printHosts(w, []fusion.HostInfo{h}) })
		},
	}
}

// grantWords reads the flags of the command line and gives the other words;
// each -CAP comes after them.
func grantWords(cmd *cobra.Command, args []string) (words []string, help bool, err error) {
	var flags, minus []string
	for _, arg := range args {
		name, found := strings.CutPrefix(arg, "-")
		if found && slices.Contains(fusion.Capabilities, fusion.Capability(name)) {
			minus = append(minus, arg)
			continue
		}
		flags = append(flags, arg)
	}
	cmd.DisableFlagParsing = false
	if err := cmd.ParseFlags(flags); err != nil {
		return nil, false, cmd.FlagErrorFunc()(cmd, err)
	}
	help, err = cmd.Flags().GetBool("help")
	return append(cmd.Flags().Args(), minus...), help, err
}

// grants is what the words of a person do to a set of capabilities.
type grants struct {
	relative  bool // +CAP and -CAP: to the present set
	add, take []string
}

func parseGrants(words []string) (grants, error) {
	var g grants
	if len(words) == 1 && words[0] == "none" {
		return g, nil
	}
	plain := 0
	for _, word := range words {
		name, sign := word, byte(0)
		if word != "" && (word[0] == '+' || word[0] == '-') {
			name, sign = word[1:], word[0]
		}
		grant, err := fusion.ParseGrant(name)
		if errors.Is(err, fusion.ErrInvalid) {
			return grants{}, usage(err)
		}
		if err != nil {
			return grants{}, err
		}
		switch sign {
		case '-':
			g.take = append(g.take, string(grant))
		case '+':
			g.add = append(g.add, string(grant))
		default:
			plain++
			g.add = append(g.add, string(grant))
		}
	}
	g.relative = plain == 0
	if plain > 0 && plain < len(words) {
		return grants{}, usageHint("host grant: plain words replace all, +CAP and -CAP change",
			"give either the whole set, or changes only")
	}
	return g, nil
}

// apply gives the set after the change; only a relative one looks at the
// present set. Who may do all and loses one thing
// keeps the others.
func (g grants) apply(present []string) []string {
	const admin = string(fusion.AdminCap)
	var set []string
	if g.relative {
		set = slices.Clone(present)
	}
	if slices.Contains(set, admin) && len(g.take) > 0 && !slices.Contains(g.take, admin) {
		set = nil
		for _, c := range fusion.Capabilities {
			if c != fusion.AdminCap {
				set = append(set, string(c))
			}
		}
	}
	for _, c := range g.add {
		if !slices.Contains(set, c) {
			set = append(set, c)
		}
	}
	return slices.DeleteFunc(set, func(c string) bool { return slices.Contains(g.take, c) })
}
