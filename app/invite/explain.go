package invite

import (
	"errors"

	"hither/fusion"
)

// reason is a word of the scripts, for people.
type reason struct {
	cause        error
	detail, hint string
}

func because(cause error, detail, hint string) reason { return reason{cause, detail, hint} }

// reasons has every word that fail is called with.
var reasons = map[string]reason{
	"room":    because(fusion.ErrPermission, "a file cannot be written there", "see that its disk has room and that you may write there"),
	"sum":     because(fusion.ErrOffline, "the program did not come there whole", "try again"),
	"runs":    because(fusion.ErrUnsupported, "the program does not run there", "its system may be older than the one it was built on: name a build for it with --binary"),
	"sudo":    because(fusion.ErrPermission, "this needs root there, and sudo asks for a password", "log in as root, or allow sudo without a password for this"),
	"systemd": because(fusion.ErrUnsupported, "it has no systemd, which --system needs", "leave --system out"),
	"unit":    because(fusion.ErrInvalid, "its systemd does not take the unit", "see there: systemctl --user status hither"),
	"package": because(fusion.ErrInvalid, "the package cannot be installed or removed there", "try it there: sudo apt-get install ./FILE.deb"),
	"start":   because(fusion.ErrOffline, "its node does not start", "try it there: hither up"),
	"pair":    because(fusion.ErrOffline, "its node's code was not used", "try again"),
	"stop":    because(fusion.ErrBusy, "its node does not end", "try it there: hither down --machines"),
	"cron":    because(fusion.ErrPermission, "its crontab cannot be changed", "take the line away there: crontab -e"),
	"remove":  because(fusion.ErrPermission, "a file cannot be removed there", "log in as root"),
	"system":  because(fusion.ErrUnsupported, "its system lacks what is needed", "install Hither there by hand and pair with: hither pair"),
}

func (a *adding) explain(err error) error { return explain(opAdd, a.at, err) }

// explain gives a script's failure its words.
func explain(op string, at place, err error) error {
	var failed *failure
	if !errors.As(err, &failed) {
		return err
	}
	r, ok := reasons[failed.why]
	if !ok {
		return &fusion.Error{Op: op, Path: at.String(), Cause: fusion.ErrInvalid, Detail: clip(failed.Error())}
	}
	detail := r.detail
	if failed.text != "" {
		detail += ": " + failed.text
	}
	return &fusion.Error{Op: op, Path: at.String(), Cause: r.cause, Detail: detail, Hint: r.hint}
}
