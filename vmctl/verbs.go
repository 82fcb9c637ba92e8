package vmctl

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"hither/fusion"
	"hither/vmctl/imagepool"
)

var verbs = []fusion.Verb{fusion.Start, fusion.Stop, fusion.ForceOff, fusion.Pause, fusion.Resume, fusion.Reboot, fusion.Save, fusion.Discard, fusion.Emulate}

// Do applies a verb. Those of "self" are in power.go.
func (s *Store) Do(ctx context.Context, name string, verb fusion.Verb) error {
	op := "machine." + string(verb)
	if name == fusion.Self && (slices.Contains(fusion.PowerVerbs, verb) || slices.Contains(verbs, verb)) {
		return s.doSelf(ctx, verb)
	}
	if !slices.Contains(verbs, verb) {
		return invalid("machine.do", name, fmt.Sprintf("there is no verb %q", string(verb)), "one of start, stop, force-off, pause, resume, reboot, save, discard, emulate")
	}
	if verb == fusion.Save {
		return s.Save(ctx, name)
	}
	if verb == fusion.Emulate {
		return s.emulate(ctx, name)
	}
	release, ok := s.claims.Share("machine", name)
	if !ok {
		return inWork(op, name)
	}
	run, giveUp := held(release)
	defer giveUp()
	uuid, err := s.find(ctx, op, name)
	if err != nil {
		return err
	}
	r, err := s.fresh(ctx, op, name, uuid)
	if err != nil {
		return err
	}
	if r.Template && verb == fusion.Start {
		return isTemplate(op, name)
	}
	if able := verbsFor(r.domain); !slices.Contains(able, verb) {
		return invalid(op, name, "it is "+string(r.state), nowCan(able))
	}
	if verb == fusion.Start && s.lost(uuid) {
		giveUp()
		signal(s.unsettled) // renew needs what is claimed here
		return awaitsRenewal(op, name)
	}
	err = s.do(ctx, run(func(d driver) error { return d.act(uuid, verb) }))
	if err != nil && !(verb == fusion.ForceOff && s.isOff(ctx, uuid)) {
		return fail(op, name, err)
	}
	switch verb {
	case fusion.Stop:
		s.asked(ctx, uuid)
	case fusion.Discard, fusion.ForceOff:
		// libvirt tells nobody of a state that is discarded, nor of the end of a QEMU that a
		// new daemon is just taking over.
		s.touch(uuid)
	}
	s.config.Log.Info("verb", "verb", verb, "machine", name, "trace", fusion.Trace(ctx))
	return nil
}

// nowCan says what else is possible.
func nowCan(able []fusion.Verb) string {
	if len(able) == 0 {
		return "see what state it is in"
	}
	words := make([]string, len(able))
	for i, verb := range able {
		words[i] = strings.ReplaceAll(string(verb), "-", " ")
	}
	return "now it can: " + strings.Join(words, ", ")
}

// held gives a call its claim: run's fn lets go of it when it returns, which may
// be long after the caller's context ended; giveUp does when fn has not begun,
// and then fn never does.
func held(release func()) (run func(fn func(driver) error) func(driver) error, giveUp func()) {
	var begun atomic.Bool
	run = func(fn func(driver) error) func(driver) error {
		return func(d driver) error {
			if !begun.CompareAndSwap(false, true) {
				return context.Canceled
			}
			defer release()
			return fn(d)
		}
	}
	giveUp = func() {
		if begun.CompareAndSwap(false, true) {
			release()
		}
	}
	return run, giveUp
}

// inWork refuses what would meet another change of the same machine.
func inWork(op, name string) error {
	return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrBusy, Detail: "something is being done with it", Hint: "try again in a moment"}
}

// isOff says whether a domain is off after all. A domain that ends while it is
// forced off, as when its QEMU is just being adopted by a new daemon, makes
// libvirt say that it does not run.
func (s *Store) isOff(ctx context.Context, uuid string) bool {
	d, err := call(ctx, s, func(c driver) (domain, error) { return c.domain(uuid) }, nil)
	return err == nil && !d.active
}

// Remove forgets a machine that is off, with the disks that Create made for it.
// Images that were uploaded, and disks of machines made elsewhere, stay.
func (s *Store) Remove(ctx context.Context, name string) error {
	const op = "machine.remove"
	if name == fusion.Self {
		return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrUnsupported,
			Detail: "it is this computer itself", Hint: "to forget a computer: hither host forget"}
	}
	d, release, err := s.alone(ctx, op, name)
	if err != nil {
		return err
	}
	defer release()
	uuid := d.uuid
	if d.active {
		return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrBusy, Detail: "it is " + string(d.state),
			Hint: "force it off first"}
	}
	if err := s.unbased(op, d); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	disks := d.madeDisks()
	_, end, err := s.intend(intent{Op: op, Name: name, UUID: uuid, Files: disks})
	if err != nil {
		return err
	}
	if err := s.do(ctx, func(c driver) error { return c.undefine(uuid) }); err != nil {
		end(false)
		return fail(op, name, err)
	}
	if err := s.forgotten(ctx, op, name, uuid); err != nil {
		end(errors.Is(err, fusion.ErrBusy)) // else libvirt went, and whoever asks it next tells
		return err
	}
	s.removeFiles(uuid, disks)
	end(true)
	s.config.Log.Info("machine removed", "machine", name, "disks", len(disks), "trace", fusion.Trace(ctx))
	return nil
}

// alone claims a machine, until release, and gives it as it is now.
func (s *Store) alone(ctx context.Context, op, name string) (r record, release func(), err error) {
	release, ok := s.claims.Take("machine", name)
	if !ok {
		return r, nil, inWork(op, name)
	}
	uuid, err := s.find(ctx, op, name)
	if err == nil {
		r, err = s.fresh(ctx, op, name, uuid)
	}
	if err != nil {
		release()
		return r, nil, err
	}
	return r, release, nil
}

// madeDisks gives the files in the pool that Create made for the domain.
func (d domain) madeDisks() (files []string) {
	for _, file := range d.OwnDisks {
		if imagepool.OwnDisk(file, d.uuid) {
			files = append(files, file)
		}
	}
	if vars := filepath.Base(d.Vars); d.Vars != "" && imagepool.OwnDisk(vars, d.uuid) && !slices.Contains(files, vars) {
		files = append(files, vars)
	}
	return files
}

// forgotten says whether an undefined machine is gone. One that somebody else
// started meanwhile runs on without a definition, on its disks.
func (s *Store) forgotten(ctx context.Context, op, name, uuid string) error {
	d, err := call(ctx, s, func(c driver) (domain, error) { return c.domain(uuid) }, nil)
	s.touch(uuid)
	switch {
	case errors.Is(err, fusion.ErrNotFound):
		s.mu.Lock()
		s.removeLocked(uuid)
		s.mu.Unlock()
		return nil
	case err != nil:
		return &fusion.Error{Op: op, Path: name, Cause: err, Detail: "it is removed; its disks go once libvirt answers again, unless it was started meanwhile",
			Hint: "see then whether it is gone"}
	}
	return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrBusy, Detail: "it was started meanwhile and is " + string(d.state) + "; its disks stay",
		Hint: "force it off; then delete its disks in " + s.config.pool()}
}
