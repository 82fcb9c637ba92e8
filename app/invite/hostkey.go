package invite

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"hither/fusion"
)

// HostKey is what a server shows before anybody logs in.
type HostKey struct {
	// Type is as in "ssh-ed25519"; Fingerprint as ssh prints it ("SHA256:…").
	Type, Fingerprint string
	// Known says that the owner's files vouch for it.
	Known bool
}

// Look gives the host key of a server; nobody logs in. A key that is not the
// one that was known is ErrPermission, and no word of the owner's changes that.
func (i *Inviter) Look(ctx context.Context, server string) (HostKey, error) {
	at, err := parse(opLook, server)
	if err != nil {
		return HostKey{}, err
	}
	keys, err := i.hostKeys(opLook, at, "")
	if err != nil {
		return HostKey{}, err
	}
	var shown HostKey
	seen := errors.New("the key was seen")
	_, err = connect(ctx, at, &ssh.ClientConfig{User: at.user, HostKeyAlgorithms: keys.algorithms,
		HostKeyCallback: func(name string, remote net.Addr, key ssh.PublicKey) error {
			shown = HostKey{Type: key.Type(), Fingerprint: ssh.FingerprintSHA256(key)}
			shown.Known = keys.check(name, remote, key) == nil
			if keys.unknown {
				keys.why = nil // that is an answer here
			}
			return seen
		}})
	if shown.Type == "" || keys.why != nil {
		return HostKey{}, i.refused(ctx, opLook, at, keys, err)
	}
	return shown, nil
}

// hostKeys decides on the key of one server, in one connection.
type hostKeys struct {
	op         string
	at         place
	accept     string
	accepted   string // the file for accepted keys
	known      ssh.HostKeyCallback
	algorithms []string // nil: any
	// why the key was refused; unknown says that it is only not known.
	why     error
	unknown bool
	// line is to be remembered.
	line string
}

// hostKeys reads the files anew, as ssh does.
func (i *Inviter) hostKeys(op string, at place, accept string) (*hostKeys, error) {
	var files []string
	for _, file := range append(slices.Clone(i.cfg.Known), i.cfg.Accepted) {
		if _, err := os.Stat(file); err == nil {
			files = append(files, file)
		}
	}
	known, err := knownhosts.New(files...)
	if err != nil {
		return nil, &fusion.Error{Op: op, Path: at.String(), Cause: fusion.ErrInvalid, Detail: "a known_hosts file cannot be read: " + err.Error(),
			Hint: "mend the line that it names"}
	}
	k := &hostKeys{op: op, at: at, accept: accept, accepted: i.cfg.Accepted, known: known}
	// Only algorithms whose key is known are asked for: a server has several keys.
	var wrong *knownhosts.KeyError
	if none, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize))); err == nil && errors.As(known(at.addr(), &net.TCPAddr{IP: net.IPv4zero}, none), &wrong) {
		for _, want := range wrong.Want {
			k.algorithms = append(k.algorithms, algorithmsOf(want.Key.Type())...)
		}
	}
	return k, nil
}

func algorithmsOf(keyType string) []string {
	if keyType == ssh.KeyAlgoRSA { // RFC 8332: the same key, other hashes
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{keyType}
}

// check is the ssh.HostKeyCallback.
func (k *hostKeys) check(name string, remote net.Addr, key ssh.PublicKey) error {
	k.why, k.unknown = nil, false
	err := k.known(name, remote, key)
	if err == nil {
		return nil
	}
	print := ssh.FingerprintSHA256(key)
	var wrong *knownhosts.KeyError
	switch isKey := errors.As(err, &wrong); {
	case isKey && len(wrong.Want) > 0:
		k.why = &fusion.Error{Op: k.op, Path: k.at.String(), Cause: fusion.ErrPermission,
			Detail: fmt.Sprintf("the server's key %s is not the one that is known: it may be another server that pretends to be the right one", print),
			Hint:   fmt.Sprintf("if the server was installed anew, take its line out: line %d of %s", wrong.Want[0].Line, wrong.Want[0].Filename)}
	case isKey && k.accept == print:
		k.line = knownhosts.Line([]string{knownhosts.Normalize(name)}, key)
		return nil
	case isKey && k.accept != "":
		k.why = &fusion.Error{Op: k.op, Path: k.at.String(), Cause: fusion.ErrPermission,
			Detail: fmt.Sprintf("the server's key is %s, and another one was accepted", print),
			Hint:   "compare it with what the server itself says: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"}
	case isKey:
		k.unknown = true
		k.why = &fusion.Error{Op: k.op, Path: k.at.String(), Cause: fusion.ErrUnpaired, Detail: fmt.Sprintf("nobody has vouched for the server's key %s", print),
			Hint: "compare it with what the server itself says, and accept it with --accept-key " + print}
	default: // revoked
		k.why = &fusion.Error{Op: k.op, Path: k.at.String(), Cause: fusion.ErrPermission, Detail: "the server's key is refused: " + err.Error()}
	}
	return k.why
}

// remember notes a key that was accepted, once somebody was let in by its server.
func (k *hostKeys) remember() error {
	if k.line == "" {
		return nil
	}
	err := os.MkdirAll(filepath.Dir(k.accepted), 0o700)
	if err == nil {
		err = appendLine(k.accepted, k.line)
	}
	if err != nil {
		return &fusion.Error{Op: k.op, Path: k.accepted, Cause: err}
	}
	return nil
}

func appendLine(file, line string) (err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.WriteString(line + "\n")
	return err
}
