package invite

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/mod/semver"

	"hither/fusion"
)

// system is what look.sh says of a server.
type system struct {
	os, arch, user string
	// program is Hither's file there, "" when there is none.
	program, sum, version string
	packaged              bool
	node                  status
}

// status is the part of `hither status --json` that counts; ID is "" when no node runs.
type status struct {
	ID          fusion.HostID `json:"id"`
	Name        string        `json:"name"`
	Version     string        `json:"version"`
	Fingerprint string        `json:"fingerprint"`
	Addrs       []string      `json:"addrs"`
}

func (s system) kind() string { return cmp.Or(clip(s.os+"/"+s.arch), "unknown") }

// maxAddrs bounds the addresses that are tried.
const maxAddrs = 32

// readStatus reads a node's status; what is none is an empty one.
func readStatus(text string) (s status) {
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return status{}
	}
	s.Addrs = s.Addrs[:min(len(s.Addrs), maxAddrs)]
	return s
}

// look asks a server what it is.
func look(ctx context.Context, op string, at place, client *ssh.Client) (system, error) {
	var there system
	err := script{op: op, at: at, text: lookScript, heard: func(key, text string) error {
		switch key {
		case "os":
			there.os = text
		case "arch":
			there.arch = text
		case "user":
			there.user = text
		case "program":
			there.program = text
		case "sum":
			there.sum = text
		case "version":
			// As in "hither version 0.1.0".
			there.version = text[strings.LastIndex(text, " ")+1:]
		case "packaged":
			there.packaged = true
		case "status":
			there.node = readStatus(text)
		}
		return nil
	}}.run(ctx, client)
	if err == nil {
		return there, nil
	}
	var failed *failure
	if errors.Is(err, fusion.ErrOffline) && there.os == "" && ctx.Err() == nil || errors.As(err, &failed) {
		return there, &fusion.Error{Op: op, Path: at.String(), Cause: fusion.ErrUnsupported, Detail: "its login runs no POSIX shell: " + err.Error(),
			Hint: "only a Linux can be added this way; install Hither there by hand and pair with: hither pair"}
	}
	return there, err
}

// older says whether release a is before b; builds without a number are of no age.
func older(a, b string) bool {
	a, b = "v"+a, "v"+b
	return semver.IsValid(a) && semver.IsValid(b) && semver.Compare(a, b) < 0
}
