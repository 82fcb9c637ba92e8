package netboot

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"hither/fusion"
)

const opInstall = "netboot.install"

// Install is fusion.NetBoot's.
func (s *Server) Install(ctx context.Context, spec fusion.BareSpec) (fusion.BareComputer, error) {
	spec, err := spec.WithDefaults()
	if err != nil {
		return fusion.BareComputer{}, err
	}
	o := &order{Spec: spec, Token: rand.Text()}
	if o.Hash, err = s.cfg.Hash(spec.Seed.Password); err != nil {
		return fusion.BareComputer{}, &fusion.Error{Op: opInstall, Path: spec.Name, Cause: err}
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	if err := s.claim(o, end); err != nil {
		return fusion.BareComputer{}, err
	}
	return s.install(ctx, o, s.cfg.now().Add(spec.Within))
}

// claim takes a computer for one installation.
func (s *Server) claim(o *order, end func(error)) error {
	spec := o.Spec
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return &fusion.Error{Op: opInstall, Path: spec.Name, Cause: fusion.ErrOffline, Detail: "the node is closing"}
	}
	if s.doors == nil {
		return &fusion.Error{Op: opInstall, Path: spec.Name, Cause: fusion.ErrUnsupported, Detail: "network boot is off here", Hint: "switch it on: hither netboot on"}
	}
	c := s.list.add(spec.MAC)
	switch {
	case c == nil:
		return &fusion.Error{Op: opInstall, Path: spec.Name, Cause: fusion.ErrBusy, Detail: "too many computers are being installed",
			Hint: "wait for some of them, or take back what does not come: hither netboot forget MAC"}
	case c.claimed != nil:
		return &fusion.Error{Op: opInstall, Path: spec.MAC, Cause: fusion.ErrBusy, Detail: "it is being installed",
			Hint: "hither netboot ls shows how far it is; hither job cancel ends it"}
	}
	c.claimed, c.end = o, end
	return nil
}

// install has a computer installed that is claimed, and waits until it has paired itself.
func (s *Server) install(ctx context.Context, o *order, until time.Time) (fusion.BareComputer, error) {
	invitation, err := s.prepare(ctx, o, until)
	if err == nil {
		err = s.take(o, until)
		if err == nil {
			err = s.follow(ctx, o, invitation)
		}
		err = errors.Join(err, invitation.Close())
	}
	if o.kernel != "" { // the next Open sweeps what stays
		_ = os.RemoveAll(filepath.Dir(o.kernel))
	}
	why := context.Cause(ctx)
	if err != nil && why != nil {
		err = why
	}
	return s.ended(o, err, why != nil && !errors.Is(why, context.Canceled))
}

// prepare brings all that the installation needs.
func (s *Server) prepare(ctx context.Context, o *order, until time.Time) (Invitation, error) {
	if !until.After(s.cfg.now()) {
		return nil, errExpired(o.Spec.Name)
	}
	fusion.Report(ctx, fusion.Progress{Step: "brings the installer"})
	if err := os.MkdirAll(s.cfg.Dir, 0o700); err != nil {
		return nil, &fusion.Error{Op: opInstall, Path: o.Spec.Name, Cause: err}
	}
	dir, err := os.MkdirTemp(s.cfg.Dir, "installer-*")
	if err != nil {
		return nil, &fusion.Error{Op: opInstall, Path: o.Spec.Name, Cause: err}
	}
	o.kernel, o.initrd, err = s.cfg.Installer(ctx, o.Spec.Image, dir)
	if err == nil {
		err = s.sumUp(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s.mu.Lock()
	at := s.at.prefix.Addr()
	s.mu.Unlock()
	if !at.IsValid() {
		return nil, errors.Join(&fusion.Error{Op: opInstall, Path: o.Spec.Name, Cause: fusion.ErrUnsupported, Detail: "network boot is off here",
			Hint: "switch it on: hither netboot on"}, os.RemoveAll(dir))
	}
	invitation, err := s.cfg.Invite(ctx, at, o.Code, o.Spec.Grants, until)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	o.Code, o.addr = invitation.Code(), invitation.Addr()
	return invitation, nil
}

// sumUp reads the node's own program once.
func (s *Server) sumUp(ctx context.Context) error {
	s.mu.Lock()
	done := s.sum != ""
	s.mu.Unlock()
	if done {
		return ctx.Err()
	}
	f, err := os.Open(s.cfg.program)
	if err != nil {
		return &fusion.Error{Op: opInstall, Path: s.cfg.program, Cause: err}
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return &fusion.Error{Op: opInstall, Path: s.cfg.program, Cause: err}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum = hex.EncodeToString(sum.Sum(nil))
	return ctx.Err()
}

// take gives the computer its order: from now on it is installed when it starts. What was
// begun before a restart of the node goes on where it was.
func (s *Server) take(o *order, until time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.list.find(o.Spec.MAC)
	if c == nil || c.claimed != o {
		return errForgotten
	}
	was := *c
	again := c.Order != nil && c.Order.Token == o.Token
	c.Order = o
	if !again {
		c.Name, c.Expires, c.Note, c.Hint, c.ID = o.Spec.Name, until, "", "", ""
		c.enter(fusion.BareOrdered, s.cfg.now())
	}
	if err := s.list.write(s.cfg.File); err != nil {
		*c = was
		return err
	}
	s.touch()
	return nil
}

// follow waits until the computer has paired itself, or cannot any more.
func (s *Server) follow(ctx context.Context, o *order, invitation Invitation) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type paired struct {
		id  fusion.HostID
		err error
	}
	done := make(chan paired, 1)
	go func() { // ends with ctx
		id, err := invitation.Wait(ctx)
		done <- paired{id, err}
	}()
	for {
		s.mu.Lock()
		changed := s.changed
		c := s.list.find(o.Spec.MAC)
		if c == nil || c.Order != o {
			s.mu.Unlock()
			return errForgotten
		}
		state := c.State
		s.mu.Unlock()
		if state == fusion.BareFailed {
			return errFailed
		}
		fusion.Report(ctx, fusion.Progress{Step: stepText(state)})
		select {
		case <-changed:
		case p := <-done:
			if p.err != nil {
				return s.unpaired(o, p.err)
			}
			return s.paired(o.Spec.MAC, p.id)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// errFailed is the end of what the computer itself called failed; its note says why.
var errFailed = errors.New("it was not installed")

func errExpired(name string) error {
	return &fusion.Error{Op: opInstall, Path: name, Cause: fusion.ErrNotFound, Detail: "it did not start from the network, or was not ready, in time",
		Hint: "see that it starts from the network first; then install it anew, with more time: --within 6h"}
}

// unpaired says why the code is of no use any more.
func (s *Server) unpaired(o *order, why error) error {
	s.mu.Lock()
	c := s.list.find(o.Spec.MAC)
	over := c != nil && !s.cfg.now().Before(c.Expires)
	s.mu.Unlock()
	if over {
		return errExpired(o.Spec.Name)
	}
	return &fusion.Error{Op: opInstall, Path: o.Spec.Name, Cause: why, Hint: "what is on its disk works; pair it by hand: hither pair on both computers"}
}

// stepText says for people how far an installation is.
func stepText(state fusion.BareState) (step string) {
	switch state {
	case fusion.BareBooting:
		step = "it loads the installer"
	case fusion.BareInstalling:
		step = "the installer is at work"
	case fusion.BareInstalled:
		step = "it starts from its disk, to pair itself"
	default:
		step = "waits until it starts from the network"
	}
	return step
}

func (s *Server) paired(mac string, id fusion.HostID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.list.find(mac)
	if c == nil {
		return nil // forgotten in this moment; it is paired all the same
	}
	c.ID = id
	c.enter(fusion.BarePaired, s.cfg.now())
	s.touch()
	s.cfg.Log.Info("a new computer paired itself", "name", c.Name, "mac", mac, "id", id)
	return nil
}

// ended notes how an installation ended. closing says that the node is: it goes on with
// the next one.
func (s *Server) ended(o *order, err error, closing bool) (fusion.BareComputer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.list.find(o.Spec.MAC)
	if c == nil || c.claimed != o { // it was forgotten
		return fusion.BareComputer{}, err
	}
	begun := c.Order != nil && c.Order.Token == o.Token
	c.claimed, c.end = nil, nil
	if begun && closing {
		return c.BareComputer, err
	}
	switch {
	case err == nil || !begun:
	case errors.Is(err, errFailed):
		err = &fusion.Error{Op: opInstall, Path: c.Name, Cause: errFailed, Detail: c.Note, Hint: c.Hint}
	case errors.Is(err, context.Canceled):
		c.fail("it was canceled", "install it anew, or take it off the list: hither netboot forget", s.cfg.now())
	default:
		c.fail(noteOf(err), fusion.Hint(err), s.cfg.now())
	}
	c.Order, c.Expires = nil, time.Time{}
	if c.Name == "" && c.Seen.IsZero() { // it never asked
		delete(s.list.Computers, c.MAC)
	}
	s.touch()
	if why := s.list.write(s.cfg.File); err == nil {
		err = why
	}
	return c.BareComputer, err
}

// fail ends an installation with a reason.
func (c *computer) fail(note, hint string, at time.Time) {
	c.Note, c.Hint = note, hint
	c.enter(fusion.BareFailed, at)
}

var errClosing = errors.New("the node is closing")

// resume goes on with what was ordered before the node started anew.
func (s *Server) resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.list.Computers {
		if c.Order == nil {
			continue
		}
		again, until := *c.Order, c.Expires // what is served stays as it is until all is there
		o := &again
		ctx, end := context.WithCancelCause(s.ctx)
		c.claimed, c.end = o, end
		s.running.Go(func() {
			defer end(nil)
			err := s.cfg.Job(ctx, opInstall, o.Spec.Name, func(work context.Context) error {
				// A job outlives the context that it is begun with.
				work, stop := context.WithCancelCause(work)
				defer stop(nil)
				defer context.AfterFunc(ctx, func() { stop(s.whyEnd(ctx)) })()
				_, err := s.install(work, o, until)
				return err
			})
			if err != nil {
				s.cfg.Log.Warn("an installation that went on ended", "name", o.Spec.Name, "err", err)
			}
		})
	}
}

// whyEnd is the cause of an installation's end: the node's, if that closes.
func (s *Server) whyEnd(ctx context.Context) error {
	if s.ctx.Err() != nil {
		return errClosing
	}
	return context.Cause(ctx)
}
