package main

import (
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func hostGrant(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "grant HOST CAP[@OBJECT][,until=TIME]… | +CAP… -CAP… | none", Short: "Say what a host may do here",
		Long: "Say what a host may do here, at once. +CAP adds to what it may do and -CAP takes\n" +
			"away. Plain CAPs are all that it may do: what is not named is taken away. With\n" +
			"none it may do nothing.\n" +
			"CAP is view, control, machines, apps, files, microphone, tunnel, mesh or admin\n" +
			"(which is all of them). Control of a computer or of its apps is everything its owner can do.\n" +
			"OBJECT limits it to one machine (self is the computer itself), to an app as in\n" +
			"self/org.gnome.Maps, or to a folder. Of a machine it goes with the machine, whatever\n" +
			"that is called later. TIME is when it ends: 8h, 3d, 2026-12-04 (with that day), or a\n" +
			"time as 2026-12-04T18:00:00+01:00. -CAP takes all of CAP, -CAP@OBJECT that one.",
		Example: "  hither host grant nas +files -control\n  hither host grant nas view files\n" +
			"  hither host grant guest machines@web,until=8h view@self",
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
			change, err := parseGrants(words[1:], time.Now())
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
			set, err := change.apply(present)
			if err != nil {
				return err
			}
			res, err := c.Hosts.Grant(cmd.Context(), connect.NewRequest(&pb.HostGrantRequest{Host: words[0], Grants: set}))
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
		name, _, _ = strings.Cut(name, "@")
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

// grants is what the words of a person do to what a host may do.
type grants struct {
	relative  bool // +CAP and -CAP: to the present set
	add, take []fusion.Grant
}

func parseGrants(words []string, now time.Time) (grants, error) {
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
		name, err := untilTime(name, now)
		if err != nil {
			return grants{}, err
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
			if !grant.Until.IsZero() {
				return grants{}, usageHint("host grant: what is taken away goes at once", "leave out until=…; to change when a grant ends, add it again")
			}
			g.take = append(g.take, grant)
		case '+':
			g.add = append(g.add, grant)
		default:
			plain++
			g.add = append(g.add, grant)
		}
	}
	g.relative = plain == 0
	if plain > 0 && plain < len(words) {
		return grants{}, usageHint("host grant: plain words replace all, +CAP and -CAP change",
			"give either the whole set, or changes only")
	}
	return g, nil
}

// apply gives the set after the change; only a relative one looks at the present set. Who
// may do all and loses one thing keeps the others. What is taken goes first, so that
// -tunnel +tunnel@web leaves the one.
func (g grants) apply(present []string) ([]string, error) {
	var set []fusion.Grant
	if g.relative {
		set = parsed(present)
	}
	if !slices.ContainsFunc(g.take, func(t fusion.Grant) bool { return t.Cap == fusion.AdminCap }) && len(g.take) > 0 {
		set = withoutAdmin(set)
	}
	for _, take := range g.take {
		if err := takable(set, take); err != nil {
			return nil, err
		}
		set = slices.DeleteFunc(set, func(s fusion.Grant) bool {
			return s.Cap == take.Cap && take.Covers(s.Object)
		})
	}
	for _, add := range g.add {
		same := func(s fusion.Grant) bool { return s.Cap == add.Cap && s.Object == add.Object }
		if i := slices.IndexFunc(set, same); i >= 0 {
			set[i] = add
		} else {
			set = append(set, add)
		}
	}
	return convert.All(set, fusion.Grant.String), nil
}

// takable refuses to take an object out of a grant of more: nothing says "all but this".
func takable(set []fusion.Grant, take fusion.Grant) error {
	for _, s := range set {
		if s.Cap == take.Cap && s.Object != take.Object && s.Covers(take.Object) && take.Object != "" {
			return &fusion.Error{Op: "host grant", Path: "-" + take.String(), Cause: fusion.ErrInvalid, Detail: "it may use " + s.String() + ", which is more",
				Hint: "take that away, and grant what is to stay: -" + string(s.Cap) + " +" + string(s.Cap) + "@OBJECT"}
		}
	}
	return nil
}

// parsed reads what a host may do as the node tells it.
func parsed(words []string) []fusion.Grant {
	list := make([]fusion.Grant, len(words))
	for i, word := range words {
		_ = list[i].UnmarshalText([]byte(word)) // it takes every text
	}
	return list
}

// withoutAdmin writes admin out as all the others.
func withoutAdmin(set []fusion.Grant) []fusion.Grant {
	i := slices.IndexFunc(set, func(s fusion.Grant) bool { return s.Cap == fusion.AdminCap })
	if i < 0 {
		return set
	}
	var all []fusion.Grant
	for _, c := range fusion.Capabilities {
		if c != fusion.AdminCap {
			all = append(all, fusion.Grant{Cap: c, Until: set[i].Until})
		}
	}
	return all
}
