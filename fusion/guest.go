package fusion

import (
	"context"
	"io"
	"time"
)

const (
	// MaxGuestOutput is how much of what a command in a guest prints is given, in
	// bytes of each of its two streams.
	MaxGuestOutput = 1 << 20
	// MaxGuestInput is the most that a command's standard input can be, in bytes.
	MaxGuestInput = 64 << 10
	// MaxGuestFile is the largest file that is read or written, in bytes.
	MaxGuestFile = 256 << 20
	// MaxGuestTime is the longest that a command can be waited for.
	MaxGuestTime = time.Hour
	// maxGuestWords and maxGuestPath bound a command and a path, in bytes.
	maxGuestWords = 128 << 10
	maxGuestPath  = 4096
)

// GuestInfo is what the agent in a virtual machine says of its system. A guest is
// not to be trusted: this is bounded, and only for showing.
type GuestInfo struct {
	// Agent is the agent's version ("7.2.19").
	Agent    string `json:"agent"`
	Hostname string `json:"hostname,omitempty"`
	// OS is a name for people ("Debian GNU/Linux 12 (bookworm)").
	OS         string           `json:"os,omitempty"`
	Kernel     string           `json:"kernel,omitempty"`
	Interfaces []GuestInterface `json:"interfaces"`
	// FileSystems are those that are mounted, by where they are.
	FileSystems []GuestFileSystem `json:"fileSystems"`
}

// GuestInterface is a network interface of a guest.
type GuestInterface struct {
	Name string `json:"name"`
	// MAC is its hardware address, as "52:54:00:12:34:56", or "".
	MAC string `json:"mac,omitempty"`
	// Addresses are IP addresses with the length of their prefix: "10.0.2.15/24".
	Addresses []string `json:"addresses"`
}

// GuestFileSystem is a mounted file system of a guest, in bytes; TotalBytes is 0
// when the agent does not say.
type GuestFileSystem struct {
	MountPoint string `json:"mountPoint"`
	Type       string `json:"type"`
	TotalBytes int64  `json:"totalBytes"`
	UsedBytes  int64  `json:"usedBytes"`
}

// GuestCommand is a program to run in a guest.
type GuestCommand struct {
	// Argv is the program, found by the agent's PATH, and its arguments. No
	// shell looks at them.
	Argv []string
	// Stdin is what it reads, at most MaxGuestInput bytes.
	Stdin []byte
	// Timeout is how long it may take, default one minute; then it is killed.
	Timeout time.Duration
}

// Check returns an error with cause ErrInvalid unless there is a program, and all
// of it is within bounds.
func (c GuestCommand) Check() error {
	words := 0
	for _, word := range c.Argv {
		words += len(word) + 1
	}
	refuse := func(detail, hint string) error {
		return &Error{Op: "machine.exec", Cause: ErrInvalid, Detail: detail, Hint: hint}
	}
	switch {
	case len(c.Argv) == 0 || c.Argv[0] == "":
		return refuse("no program is named", "name a program and its arguments, as in: hither machine exec web -- uname -a")
	case words > maxGuestWords:
		return refuse("the command is too long", "write it into a file first: hither machine write")
	case len(c.Stdin) > MaxGuestInput:
		return refuse("its input is too long", "write it into a file first: hither machine write")
	case c.Timeout < 0 || c.Timeout > MaxGuestTime:
		return refuse("it cannot take that long", "give it at most an hour, or start it in the background")
	}
	return nil
}

// CheckGuestPath returns an error with cause ErrInvalid unless path can name a
// file in a guest: absolute, of any system.
func CheckGuestPath(path string) error {
	windows := len(path) > 2 && path[1] == ':' && (path[2] == '\\' || path[2] == '/')
	if len(path) > maxGuestPath || len(path) < 2 || path[0] != '/' && !windows {
		return &Error{Op: "machine.file", Path: clip(path), Cause: ErrInvalid, Detail: "it is no path of a file in a guest",
			Hint: "give the whole path, as in /etc/hostname"}
	}
	for _, c := range []byte(path) {
		if c < ' ' {
			return &Error{Op: "machine.file", Path: clip(path), Cause: ErrInvalid, Detail: "it is no path of a file in a guest",
				Hint: "give the whole path, as in /etc/hostname"}
		}
	}
	return nil
}

// GuestResult is how a command ended.
type GuestResult struct {
	// ExitCode is that of the program; one that was killed by a signal has 128
	// and the signal's number, as shells have it.
	ExitCode int `json:"exitCode"`
	// Stdout and Stderr are the first MaxGuestOutput bytes of each.
	Stdout []byte `json:"stdout"`
	Stderr []byte `json:"stderr"`
	// Truncated says that it printed more than that.
	Truncated bool `json:"truncated"`
}

// Guests are the systems inside one host's virtual machines, through the QEMU
// guest agent in them (https://www.qemu.org/docs/master/interop/qemu-ga-ref.html),
// which acts as the guest's administrator.
//
// Errors promised by every method: ErrNotFound; ErrUnsupported for "self", for a
// machine that is off, for one without an agent and for one whose agent does not
// do this; ErrBusy when the guest takes too long.
type Guests interface {
	// Info asks what the guest is. What its agent does not tell is left empty.
	Info(ctx context.Context, machine string) (GuestInfo, error)
	// Exec runs a program and waits for its end. When ctx ends or the time is
	// over, the program is killed as far as the guest lets that be done. It
	// promises ErrInvalid for what GuestCommand.Check refuses. A program that a
	// Linux guest does not have ends with 127, as in a shell; in others that is
	// ErrInvalid.
	Exec(ctx context.Context, machine string, command GuestCommand) (GuestResult, error)
	// ReadFile copies a file of the guest into w. It promises ErrInvalid for what
	// CheckGuestPath refuses and for what is no file; ErrNotFound and
	// ErrPermission where the guest says so; and ErrInvalid for a file larger
	// than MaxGuestFile, of which w then has a part.
	ReadFile(ctx context.Context, machine, path string, w io.Writer) error
	// WriteFile makes a file in the guest, or replaces what is in one, with what
	// r gives. It promises the errors of ReadFile. A file that was begun
	// and could not be ended may be there in part: the agent has no other way.
	WriteFile(ctx context.Context, machine, path string, r io.Reader) error
}
