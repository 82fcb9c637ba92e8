package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// loginFlags say how a server is reached.
type loginFlags struct {
	server, key, accept string
}

func (l *loginFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&l.key, "key", "", "the `FILE` of a private key (default: your agent, and the keys in ~/.ssh)")
	cmd.Flags().StringVar(&l.accept, "accept-key", "", "accept the server's key with this `FINGERPRINT` (SHA256:…) without asking")
}

// login asks the person about a server's key that nobody has vouched for.
func (l loginFlags) login(cmd *cobra.Command, c *client.Client) (*pb.Login, error) {
	out := &pb.Login{Server: l.server, Agent: os.Getenv("SSH_AUTH_SOCK"), Accept: l.accept}
	var err error
	if out.Key, err = absolute(l.key); err != nil || l.accept != "" {
		return out, err
	}
	key, err := c.Look(cmd.Context(), l.server)
	if err != nil || key.Known {
		return out, err
	}
	in, err := person(cmd, fmt.Sprintf("nobody has vouched for the key %s of %s", key.Fingerprint, l.server),
		"compare it with what the server itself says, and accept it with --accept-key "+key.Fingerprint)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s shows a key that is not known here:\n  %s %s\nThe server itself tells it by: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\n",
		printable(l.server), printable(key.Type), printable(key.Fingerprint))
	out.Accept = key.Fingerprint
	return out, agrees(cmd, in, "Is it the same? [y/N]")
}

// absolute is a path for the node, which has another directory.
func absolute(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return filepath.Abs(path)
}

// added is what `host add --json` prints.
type added struct {
	Host     fusion.HostInfo `json:"host"`
	Before   bool            `json:"before"`
	Upgraded bool            `json:"upgraded"`
	Version  string          `json:"version"`
	Program  string          `json:"program"`
	Start    string          `json:"start"`
	Notes    []addedNote     `json:"notes,omitempty"`
}

type addedNote struct {
	Note string `json:"note"`
	Hint string `json:"hint,omitempty"`
}

func hostAdd(g *globals) *cobra.Command {
	var login loginFlags
	req := &pb.InviteAddRequest{}
	cmd := &cobra.Command{
		Use: "add ssh://USER@SERVER[:PORT]", Short: "Bring Hither to a server by ssh, and pair with it", Args: exactly("ssh://USER@SERVER"),
		Long: "Bring this program to a server that you reach by ssh, start it now and at each boot, and\n" +
			"pair with it; the code comes back over ssh, so you type none. Each may then do everything\n" +
			"on the other; --grant narrows what the server may do here.\n" +
			"It is started by systemd for that user, who stays logged in for it (linger); by the\n" +
			"system's systemd with --system; and by cron where there is no systemd. What was made\n" +
			"there is taken back when something fails, or with Ctrl-C.",
		Example: "  hither host add ssh://anna@nas.example --name nas\n" +
			"  hither host add ssh://root@203.0.113.7 --system --listen 0.0.0.0:4711 --grant view",
		RunE: func(cmd *cobra.Command, args []string) error {
			login.server = args[0]
			return g.addHost(cmd, login, req)
		},
	}
	f := cmd.Flags()
	login.add(cmd)
	f.StringVar(&req.Name, "name", "", "what it is called (default: its own name for itself)")
	f.StringVar(&req.Listen, "listen", "", "`HOST:PORT` there for other computers, as its firewall lets in (default: every address, a port that is kept)")
	f.BoolVar(&req.System, "system", false, "a service of the system, in /usr/local/bin; needs root or sudo there")
	f.StringVar(&req.Deb, "deb", "", "install this package `FILE` there instead; needs root or sudo there")
	f.StringVar(&req.Binary, "binary", "", "bring this `FILE` instead, a build of hither for that system")
	f.BoolVar(&req.Upgrade, "upgrade", false, "replace the program that is there")
	f.StringSliceVar(&req.Grants, "grant", nil, "what the server may do here, as in view,files (default everything)")
	return cmd
}

func (g *globals) addHost(cmd *cobra.Command, login loginFlags, req *pb.InviteAddRequest) (err error) {
	for _, path := range []*string{&req.Deb, &req.Binary} {
		if *path, err = absolute(*path); err != nil {
			return err
		}
	}
	c, err := g.join(cmd.Context())
	if err != nil {
		return err
	}
	if req.Login, err = login.login(cmd, c); err != nil {
		return err
	}
	var res *pb.InviteAddResponse
	err = following(cmd, c.Host(""), "host.add", login.server, func(ctx context.Context) (err error) {
		res, err = c.AddHost(ctx, req)
		return err
	})
	if err != nil {
		return err
	}
	a := added{Host: convert.HostFromPB(res.Host), Before: res.Before, Upgraded: res.Upgraded, Version: res.Version, Program: res.Program, Start: res.Start}
	for _, n := range res.Notes {
		a.Notes = append(a.Notes, addedNote{n.Note, n.Hint})
	}
	return g.show(cmd, a, func(w io.Writer) error { return printAdded(w, a) })
}

// startText says who starts a node, for people.
var startText = map[string]string{
	"systemd": "the system's systemd", "systemd-user": "that user's systemd", "cron": "cron, at each boot", "nothing": "nobody after a restart",
}

func printAdded(w io.Writer, a added) error {
	says := "Paired with "
	if a.Before {
		says = "Paired already with "
	}
	fmt.Fprintf(w, "%s%s. Both computers show its key as %s\n", says, printable(a.Host.Name), printable(a.Host.Fingerprint))
	replaced := ""
	if a.Upgraded {
		replaced = "replaced"
	}
	err := fields(w, "program", a.Program, "release", a.Version, "it was", replaced, "started by", cmp.Or(startText[a.Start], a.Start))
	for _, n := range a.Notes {
		err = fields(w, "note", n.Note, "hint", n.Hint)
	}
	return err
}

func hostLeave(g *globals) *cobra.Command {
	var login loginFlags
	cmd := &cobra.Command{
		Use: "leave ssh://USER@SERVER[:PORT]", Short: "Take Hither off a server, and end the pairing", Args: exactly("ssh://USER@SERVER"),
		Long: "Take Hither off a server that you reach by ssh: its node with its machines and apps ends,\n" +
			"the program, its unit and its line in the crontab go, and so does the pairing. The node's home\n" +
			"with its disks and keys stays there.",
		RunE: func(cmd *cobra.Command, args []string) error {
			login.server = args[0]
			return g.leave(cmd, login, "")
		},
	}
	login.add(cmd)
	cmd.Flags().BoolVarP(&g.yes, "yes", "y", false, "do not ask first")
	return cmd
}

func (g *globals) leave(cmd *cobra.Command, login loginFlags, host string) error {
	if !g.yes {
		in, err := person(cmd, "this ends the machines and apps of "+login.server, "say --yes if they are to end")
		if err != nil {
			return err
		}
		if err := agrees(cmd, in, "Hither's machines and apps on "+login.server+" end. Go on? [y/N]"); err != nil {
			return err
		}
	}
	c, err := g.join(cmd.Context())
	if err != nil {
		return err
	}
	req := &pb.InviteLeaveRequest{Paired: host}
	if req.Login, err = login.login(cmd, c); err != nil {
		return err
	}
	var res *pb.InviteLeaveResponse
	err = following(cmd, c.Host(""), "host.leave", login.server, func(ctx context.Context) (err error) {
		res, err = c.LeaveHost(ctx, req)
		return err
	})
	if err != nil {
		return err
	}
	left := struct {
		Host *fusion.HostInfo `json:"host,omitempty"`
		Home string           `json:"home"`
	}{Home: res.Home}
	name := ""
	if res.Host != nil {
		h := convert.HostFromPB(res.Host)
		left.Host, name = &h, h.Name
	}
	return g.show(cmd, left, func(w io.Writer) error {
		return fields(w, "forgotten", name, "taken off", login.server, "what stays there", left.Home)
	})
}
