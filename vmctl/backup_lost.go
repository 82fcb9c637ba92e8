package vmctl

import (
	"context"
	"errors"
	"strings"
	"time"

	"hither/fusion"
)

// lostJob is what libvirt says of a backup whose job it noted but whose definition it did
// not, as it was killed between the two. Nothing aborts that job, and it outlasts its machine's
// QEMU (qemuProcessRecoverJob in libvirt's src/qemu/qemu_process.c, and qemuProcessStop, which
// ends a backup only with its definition): it has no end but the machine's and then libvirtd's
// own. Of a libvirtd of the node's own renew does the second.
const lostJob = "backup job data missing"

// lostHint is what is left to a person where renew does the rest.
const lostHint = "libvirt was killed and lost its account of a backup: switch the machine off, then it can be started, backed up and moved"

// otherLostHint is what is left to a person where it does not: the libvirtd is not the node's own.
const otherLostHint = "libvirt was killed and lost its account of a backup: switch the machine off and restart libvirtd, then it can be started, backed up and moved"

func isLost(err error) bool {
	var d *driverError
	return errors.As(err, &d) && strings.Contains(d.text, lostJob)
}

// unlost refuses, soon and in words that help, what libvirt would have wait half a minute for the end
// of a job that it lost, and then say that something holds the machine. It sees to it that renew
// learns of the job.
func (s *Store) unlost(ctx context.Context, op string, r record) error {
	if !r.active {
		return nil
	}
	_, err := call(ctx, s, func(d driver) (backupJob, error) { return d.backupJob(r.uuid) }, nil)
	if !isLost(err) {
		return nil // of anything else what is asked for will tell
	}
	hint := otherLostHint
	if s.config.renew != nil {
		hint = lostHint
		if err := s.noteLost(r); err != nil {
			return err
		}
	}
	return &fusion.Error{Op: op, Path: r.shown, Cause: fusion.ErrBusy, Detail: "a backup of which libvirt lost its account holds it while it runs", Hint: hint}
}

// noteLost writes an intent by which renew learns of a lost job. Where a killed backup left its own,
// settleBackup does so to that one.
func (s *Store) noteLost(r record) error {
	id, _, err := s.intentOf(func(i intent) bool { return i.Op == opBackup && i.UUID == r.uuid && i.URI == s.URI() })
	if id != "" {
		signal(s.unsettled)
		return nil
	}
	if err != nil {
		return err
	}
	_, end, err := s.intend(intent{Op: opBackup, Name: r.shown, UUID: r.uuid, Lost: true})
	if err == nil {
		end(false)
	}
	return err
}

// lost says whether a machine's start has to wait for renew: it is in an intent, as libvirt
// says nothing of such a job once the machine is off. What cannot be read settle tells.
func (s *Store) lost(uuid string) bool {
	id, _, _ := s.intentOf(func(i intent) bool { return i.Lost && i.UUID == uuid && i.URI == s.URI() })
	return id != ""
}

// errUnderWay says why libvirtd is not yet started anew.
var errUnderWay = errors.New("libvirtd is started anew once nothing else is under way")

// renew has a libvirtd of the node's own started anew, for a machine that is off: it ends, and the
// Store connects again as to one that was killed. Machines run on. What libvirt would do amid its
// end would break, so it ends while nobody works at a machine or a backup, and no call is in flight.
func (s *Store) renew(ctx context.Context, machine string) error {
	release, ok := s.claims.All("machine", "backup")
	if !ok {
		return errUnderWay
	}
	defer release()
	goOn, err := s.standStill(ctx)
	if err != nil {
		return err
	}
	defer goOn()
	s.mu.Lock()
	conn, ending := s.conn, s.ending
	s.mu.Unlock()
	if conn == nil || ending {
		return errors.New("libvirt is away") // the next connection settles
	}
	s.config.Log.Info("libvirtd is started anew", "because", "it lost its account of a backup", "machine", machine)
	s.config.renew(ctx)
	select {
	case <-conn.lost():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stillTime is how long renew holds new calls up for those in flight.
const stillTime = 2 * time.Second

// standStill waits until no call to the hypervisor is in flight. New ones wait until goOn.
func (s *Store) standStill(ctx context.Context) (goOn func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, stillTime)
	defer cancel()
	taken := 0
	goOn = func() {
		for range taken {
			<-s.slots
		}
	}
	for ; taken < maxCalls; taken++ {
		select {
		case s.slots <- struct{}{}:
		case <-ctx.Done():
			goOn()
			return nil, errUnderWay
		}
	}
	return goOn, nil
}

// awaitsRenewal refuses to start a machine before renew: libvirt would say after half a minute that
// something holds it.
func awaitsRenewal(op, name string) error {
	return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrBusy, Detail: "libvirt lost its account of a backup of it, and is started anew first",
		Hint: "try again in a moment; what is under way on its host ends first: hither job ls lists it"}
}
