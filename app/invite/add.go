package invite

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"hither/fusion"
)

// Add makes a server one of the hosts that this one is paired with, or says that
// it is. When it fails, or ctx ends before the pairing, what was made there is
// taken back. It promises ErrUnpaired for a host key that nobody vouched for,
// ErrPermission (a wrong key, no login, no sudo), ErrOffline, ErrInvalid and
// ErrUnsupported (a system without a build).
func (i *Inviter) Add(ctx context.Context, spec Spec) (Result, error) {
	if err := spec.check(); err != nil {
		return Result{}, err
	}
	fusion.Report(ctx, fusion.Progress{Step: "logs in"})
	client, at, err := i.dial(ctx, opAdd, spec.Login)
	if err != nil {
		return Result{}, err
	}
	defer client.Close()
	fusion.Report(ctx, fusion.Progress{Step: "looks at the system"})
	there, err := look(ctx, opAdd, at, client)
	if err != nil {
		return Result{}, err
	}
	a := adding{i: i, spec: spec, at: at, client: client, there: there}
	host, before := i.cfg.Paired(string(there.node.ID))
	a.result = Result{Host: host, Before: before && there.node.ID != "", Version: there.version, Program: there.program}
	return a.do(ctx)
}

// listens is what --listen may be: HOST:PORT without a character that a shell, a
// unit or a crontab reads in its own way.
var listens = regexp.MustCompile(`^[0-9A-Za-z.:\[\]-]{1,100}$`)

func (s Spec) check() error {
	bad := func(path, detail, hint string) error {
		return &fusion.Error{Op: opAdd, Path: clip(path), Cause: fusion.ErrInvalid, Detail: detail, Hint: hint}
	}
	if s.Name != "" {
		if err := fusion.CheckName(s.Name); err != nil {
			return err
		}
	}
	if _, port, err := net.SplitHostPort(s.Listen); s.Listen != "" && (err != nil || !listens.MatchString(s.Listen)) {
		return bad(s.Listen, "this is no HOST:PORT", "as in 0.0.0.0:4711")
	} else if n, err := strconv.ParseUint(port, 10, 16); s.Listen != "" && (err != nil || n == 0) {
		return bad(s.Listen, "the port is no number from 1 to 65535", "as in 0.0.0.0:4711")
	}
	if s.Deb != "" && s.Binary != "" {
		return bad(s.Binary, "a package and a program are two things", "say either --deb or --binary")
	}
	return nil
}

// adding is one Add that is logged in.
type adding struct {
	i      *Inviter
	spec   Spec
	at     place
	client *ssh.Client
	there  system
	result Result
	// node is what the server's node says of itself, once it runs.
	node status
}

func (a *adding) do(ctx context.Context) (Result, error) {
	if a.result.Before && !a.spec.Upgrade {
		a.note("it is paired already", older(a.there.version, a.i.cfg.Version), "it has an older release; bring this one there with --upgrade")
		return a.result, nil
	}
	how, load, err := a.cargo()
	if err != nil {
		return a.result, err
	}
	s := script{op: opAdd, at: a.at, text: addScript, heard: func(key, text string) error { return a.heard(ctx, key, text) }}
	size, sum := int64(0), ""
	if load != nil {
		defer load.Close()
		s.body, s.size, size, sum = load.file, load.size, load.size, load.sum
	}
	near := string(a.i.cfg.Self)
	if a.result.Before {
		near = "-" // no new pairing
	}
	system := "no"
	if a.spec.System {
		system = "yes"
	}
	s.values = []string{how, strconv.FormatInt(size, 10), sum, system, a.spec.Name, a.spec.Listen, near}
	err = s.run(ctx, a.client)
	if a.result.Host.ID != "" && !a.result.Before && err != nil && ctx.Err() == nil && errors.Is(err, fusion.ErrOffline) {
		// Both sides have stored the pairing, and then the session was lost.
		a.i.cfg.Log.Info("the session ended after the pairing", "server", a.at.String(), "err", err)
		return a.result, nil
	}
	if err != nil {
		return a.result, errors.Join(a.explain(err), a.unpair(ctx))
	}
	a.result.Upgraded = how != "keep" && a.there.program != ""
	if a.result.Host.ID == "" { // it knew this one before, and this one does not know it
		return a.result, &fusion.Error{Op: opAdd, Path: a.at.String(), Cause: fusion.ErrUnpaired, Detail: "it still has a pairing with this computer, which was forgotten here",
			Hint: "forget it there too and add it again: ssh " + a.at.user + "@" + a.at.host + " hither host forget " + string(a.i.cfg.Self)}
	}
	return a.result, nil
}

// unpair forgets a host whose script took everything back after the pairing.
func (a *adding) unpair(ctx context.Context) error {
	if a.result.Before || a.result.Host.ID == "" {
		return nil
	}
	return a.i.cfg.Forget(context.WithoutCancel(ctx), a.result.Host.ID)
}

// note adds a note whose hint is only for some.
func (a *adding) note(note string, hinted bool, hint string) {
	if !hinted {
		hint = ""
	}
	a.result.Notes = append(a.result.Notes, Note{Note: note, Hint: hint})
}

// cargo decides what goes there: "keep" is nothing.
func (a *adding) cargo() (how string, c *cargo, err error) {
	if a.there.program != "" && !a.spec.Upgrade {
		if a.there.version != a.i.cfg.Version {
			a.note("the program that is there stays: release "+clip(a.there.version), true, "replace it with this one by --upgrade")
		}
		return "keep", nil, nil
	}
	path, err := a.i.program(a.spec, a.at, a.there)
	if err != nil {
		return "", nil, err
	}
	how = "copy"
	if a.spec.Deb != "" {
		how = "deb"
	}
	if a.there.program != "" && how == "copy" {
		if a.there.packaged {
			return "", nil, &fusion.Error{Op: opAdd, Path: a.at.String(), Cause: fusion.ErrUnsupported, Detail: "Hither is there as a package", Hint: "name the newer package with --deb"}
		}
		if older(a.i.cfg.Version, a.there.version) && a.spec.Binary == "" {
			return "", nil, &fusion.Error{Op: opAdd, Path: a.at.String(), Cause: fusion.ErrUnsupported, Detail: "it has a newer release: " + clip(a.there.version), Hint: "upgrade this computer first"}
		}
		// The program is replaced where it is.
		a.spec.System = a.spec.System || strings.HasPrefix(a.there.program, "/usr/local/")
	}
	if c, err = load(path, a.at); err != nil {
		return "", nil, err
	}
	if how == "copy" && c.sum == a.there.sum {
		return "keep", nil, c.Close()
	}
	return how, c, nil
}

// steps are what a script is at, for people.
var steps = map[string]fusion.Progress{
	"receive": {Step: "copies the program"},
	"package": {Step: "installs the package"},
	"start":   {Step: "starts its node"},
	"pair":    {Step: "pairs"},
	"stop":    {Step: "stops its node"},
	"remove":  {Step: "takes the program away"},
}

func (a *adding) heard(ctx context.Context, key, text string) error {
	switch key {
	case "step":
		if p, ok := steps[text]; ok {
			fusion.Report(ctx, p)
		}
	case "program":
		a.result.Program = clip(text)
	case "start":
		a.started(text)
	case "note":
		a.noted(text)
	case "status":
		a.node = readStatus(text)
		a.result.Version = clip(a.node.Version)
	case "json":
		return a.pair(ctx, text)
	}
	return nil
}

func (a *adding) started(how string) {
	a.result.Start = clip(how)
	if how == "nothing" {
		a.result.Notes = append(a.result.Notes, Note{Note: "its node runs now, and nothing there starts it again after a restart: it has neither systemd nor cron",
			Hint: "have it start at boot: " + a.result.Program + " up"})
	}
}

func (a *adding) noted(text string) {
	switch what, why, _ := strings.Cut(text, " "); what {
	case "linger":
		a.result.Notes = append(a.result.Notes, Note{Note: "its node ends when its user logs out, as the server refused to keep it: " + clip(why),
			Hint: "allow it there: sudo loginctl enable-linger " + a.there.user})
	case "flags":
		a.result.Notes = append(a.result.Notes, Note{Note: "the unit that is there says how it starts; name and address were not changed"})
	}
}

// pair joins with the code that the server's node shows. Of several lines only
// the first one is a code; the last is what became of it.
func (a *adding) pair(ctx context.Context, text string) error {
	var offer struct{ Code, Addr string }
	if err := json.Unmarshal([]byte(text), &offer); err != nil || offer.Code == "" || a.result.Host.ID != "" {
		return nil
	}
	if a.node.ID == "" {
		return &fusion.Error{Op: opAdd, Path: a.at.String(), Cause: fusion.ErrInvalid, Detail: "its node does not say who it is", Hint: "try it there: hither status"}
	}
	host, err := a.i.cfg.Pair(ctx, offer.Code, a.addrs(offer.Addr), a.spec.Grants)
	if err != nil {
		return &fusion.Error{Op: opAdd, Path: a.at.String(), Cause: err, Detail: "its node runs and cannot be reached from here",
			Hint: cmp.Or(fusion.Hint(err), "its firewall must let its port in: choose one with --listen 0.0.0.0:PORT and open it there")}
	}
	a.result.Host = host
	return nil
}

// addrs are where the node may be: first at the address that ssh goes to, which is
// the one that works from here, then where the node itself says.
func (a *adding) addrs(offered string) []string {
	// libp2p lets no other node answer at an address with an ID.
	all := slices.DeleteFunc(append([]string{offered}, a.node.Addrs...), func(addr string) bool {
		return !strings.HasSuffix(addr, "/p2p/"+string(a.node.ID))
	})
	var out []string
	if remote, ok := a.client.RemoteAddr().(*net.TCPAddr); ok {
		for _, addr := range all {
			if at := movedTo(addr, remote.IP); at != "" && !slices.Contains(out, at) {
				out = append(out, at)
			}
		}
	}
	for _, addr := range all {
		if !slices.Contains(out, addr) {
			out = append(out, addr)
		}
	}
	return out[:min(len(out), maxAddrs)]
}

// movedTo gives a multiaddr of TCP with another IP address, or "" for any other one.
func movedTo(addr string, ip net.IP) string {
	parts := strings.SplitN(addr, "/", 5)
	if len(parts) != 5 || parts[0] != "" || parts[1] != "ip4" && parts[1] != "ip6" || parts[3] != "tcp" {
		return ""
	}
	kind := "ip6"
	if four := ip.To4(); four != nil {
		kind, ip = "ip4", four
	}
	return "/" + kind + "/" + ip.String() + "/tcp/" + parts[4]
}
