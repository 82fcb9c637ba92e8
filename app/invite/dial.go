package invite

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"hither/fusion"
)

const (
	// dialTime bounds the way to a server until it has let us in.
	dialTime = 30 * time.Second
	// pulse is how often a connection is asked whether it lives; after two
	// without an answer it does not.
	pulse = 10 * time.Second
)

// place is a server's address, taken apart.
type place struct{ user, host, port string }

func (p place) addr() string { return net.JoinHostPort(p.host, p.port) }

// String names the server for people, as in an error's path.
func (p place) String() string {
	if p.port == "22" {
		return p.user + "@" + p.host
	}
	return p.user + "@" + p.addr()
}

// parse reads ssh://USER@SERVER[:PORT] (draft-ietf-secsh-scp-sftp-ssh-uri). It
// promises ErrInvalid.
func parse(op, server string) (place, error) {
	bad := func(detail string) (place, error) {
		return place{}, &fusion.Error{Op: op, Path: clip(server), Cause: fusion.ErrInvalid, Detail: detail, Hint: "write it as in: ssh://anna@nas.example:22"}
	}
	u, err := url.Parse(server)
	switch {
	case err != nil || u.Scheme != "ssh" || u.Opaque != "" || u.Host == "":
		return bad("not an address of ssh")
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "":
		return bad("there is something behind the server's name")
	}
	p := place{host: u.Hostname(), port: u.Port()}
	if u.User != nil {
		if _, has := u.User.Password(); has {
			return bad("a password in an address is seen by others")
		}
		p.user = u.User.Username()
	} else if me, err := user.Current(); err == nil {
		p.user = me.Username
	}
	if p.port == "" {
		p.port = "22"
	}
	if n, err := strconv.ParseUint(p.port, 10, 16); err != nil || n == 0 {
		return bad("the port is no number from 1 to 65535")
	}
	// A user's name is data of the protocol and no shell sees it.
	if p.user == "" || !plain(p.user) {
		return bad("the user's name is none")
	}
	if p.host == "" || strings.HasPrefix(p.host, "-") || !plain(p.host) || strings.ContainsAny(p.host, " /@") {
		return bad("the server's name is none")
	}
	return p, nil
}

// plain says whether a text is one line without control characters.
func plain(s string) bool {
	return len(s) <= 255 && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd })
}

// clip makes what a stranger wrote short enough for an error.
func clip(s string) string {
	const most = 200
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strings.TrimSpace(s)
}

// dial logs in. The connection ends itself when the server no longer answers.
func (i *Inviter) dial(ctx context.Context, op string, login Login) (*ssh.Client, place, error) {
	at, err := parse(op, login.Server)
	if err != nil {
		return nil, at, err
	}
	keys, err := i.hostKeys(op, at, login.Accept)
	if err != nil {
		return nil, at, err
	}
	auth, closeAgent, err := methods(op, at, login)
	if err != nil {
		return nil, at, err
	}
	defer closeAgent()
	client, err := connect(ctx, at, &ssh.ClientConfig{User: at.user, Auth: auth, HostKeyCallback: keys.check, HostKeyAlgorithms: keys.algorithms})
	if err != nil {
		return nil, at, i.refused(ctx, op, at, keys, err)
	}
	if err := keys.remember(); err != nil {
		_ = client.Close() // the error says more
		return nil, at, err
	}
	go watch(client)
	return client, at, nil
}

// connect opens a connection and ends it with ctx until it is let in.
func connect(ctx context.Context, at place, cfg *ssh.ClientConfig) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", at.addr())
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // what waits then hears of it
	c, channels, requests, err := ssh.NewClientConn(conn, at.addr(), cfg)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close() // the error says more
		return nil, err
	}
	return ssh.NewClient(c, channels, requests), nil
}

// refused explains why there is no connection.
func (i *Inviter) refused(ctx context.Context, op string, at place, keys *hostKeys, err error) error {
	var network net.Error
	var auth *ssh.ServerAuthError
	switch {
	case keys.why != nil:
		return keys.why
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &auth), strings.Contains(err.Error(), "unable to authenticate"):
		return &fusion.Error{Op: op, Path: at.String(), Cause: fusion.ErrPermission, Detail: "the server takes none of your keys",
			Hint: "see that this works without a password: ssh " + at.user + "@" + at.host + "; bring your key there with ssh-copy-id, add one with a passphrase to your agent with ssh-add, or name one with --key"}
	case errors.As(err, &network), errors.Is(err, context.DeadlineExceeded):
		return &fusion.Error{Op: op, Path: at.String(), Cause: fusion.ErrOffline, Detail: "no connection: " + err.Error(),
			Hint: "see that the server is on, and that its name and port are right"}
	}
	return &fusion.Error{Op: op, Path: at.String(), Cause: fusion.ErrOffline, Detail: "ssh: " + err.Error()}
}

// watch ends a connection whose server no longer answers. It ends with the connection.
func watch(client *ssh.Client) {
	ended := make(chan struct{})
	go func() {
		_ = client.Wait() // however it ended
		close(ended)
	}()
	tick := time.NewTicker(pulse)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ended:
			return
		}
		answered := make(chan error, 1)
		go func() {
			_, _, err := client.SendRequest("keepalive@openssh.com", true, nil)
			answered <- err
		}()
		select {
		case err := <-answered:
			if err == nil {
				continue
			}
		case <-time.After(2 * pulse):
		case <-ended:
		}
		_ = client.Close() // wakes what waits for an answer
		<-ended
		return
	}
}

// methods are the ways in which the owner proves to be the owner. close ends
// the connection to the agent.
func methods(op string, at place, login Login) (auth []ssh.AuthMethod, closeAgent func(), err error) {
	closeAgent = func() {}
	var signers []ssh.Signer
	files, named := []string{login.Key}, login.Key != ""
	if !named {
		files = ownKeys()
	}
	for _, file := range files {
		signer, err := readKey(op, file)
		if err == nil {
			signers = append(signers, signer)
		} else if named {
			return nil, closeAgent, err
		} // one that cannot be read without a passphrase may be in the agent
	}
	if len(signers) > 0 {
		auth = append(auth, ssh.PublicKeys(signers...))
	}
	if login.Agent != "" && !named {
		if conn, err := net.Dial("unix", login.Agent); err == nil {
			closeAgent = func() { _ = conn.Close() }
			auth = append([]ssh.AuthMethod{ssh.PublicKeysCallback(agent.NewClient(conn).Signers)}, auth...)
		}
	}
	if len(auth) == 0 {
		return nil, closeAgent, &fusion.Error{Op: op, Path: at.String(), Cause: fusion.ErrPermission, Detail: "there is no key of ssh to log in with",
			Hint: "make one with ssh-keygen and bring it there with ssh-copy-id, or add it to your agent with ssh-add"}
	}
	return auth, closeAgent, nil
}

// ownKeys are the files that ssh itself tries (ssh_config(5), IdentityFile).
func ownKeys() (files []string) {
	dir, err := os.UserHomeDir()
	if err != nil {
		return nil
	}
	for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
		files = append(files, filepath.Join(dir, ".ssh", name))
	}
	return files
}

func readKey(op, file string) (ssh.Signer, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, &fusion.Error{Op: op, Path: file, Cause: fusion.ErrInvalid, Detail: "the key cannot be read: " + err.Error()}
	}
	signer, err := ssh.ParsePrivateKey(text)
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked):
		return nil, &fusion.Error{Op: op, Path: file, Cause: fusion.ErrPermission, Detail: "the key has a passphrase", Hint: "add it to your agent: ssh-add " + file}
	case err != nil:
		return nil, &fusion.Error{Op: op, Path: file, Cause: fusion.ErrInvalid, Detail: "this is no private key of ssh: " + err.Error()}
	}
	return signer, nil
}
