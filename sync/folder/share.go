package folder

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"hither/fusion"
)

// maxText bounds the words of another host that are shown to a person.
const maxText = 300

// refusedError is what the other side answered, as against a line that broke.
type refusedError struct{ error }

func (e refusedError) Unwrap() error { return e.error }

// offer brings one folder to a host and notes how it went.
func (s *Store) offer(ctx context.Context, f kept, host fusion.HostID) error {
	a, err := s.ask(ctx, host, question{Op: opOffer, Folder: f.ID, Name: f.Name})
	if err != nil {
		return err
	}
	key := refusal{f.ID, host}
	if a.Cause != "" {
		err := &fusion.Error{Op: "folder.share", Path: f.Name, Cause: fusion.Causes[a.Cause],
			Detail: clip(a.Detail), Hint: clip(a.Hint)}
		s.mu.Lock()
		s.refused[key] = err
		s.mu.Unlock()
		s.hub.touch()
		return refusedError{err}
	}
	s.mu.Lock()
	delete(s.refused, key)
	s.mu.Unlock()
	return s.change(ctx, func(l *ledger) error {
		if f := l.byID(f.ID); f != nil { // not removed meanwhile
			sh := f.share(host)
			sh.Offered, sh.Accepted = true, true
		}
		return nil
	})
}

// bringOffers offers what waits for a host. What it refused once is not
// offered again until it is online anew.
func (s *Store) bringOffers(ctx context.Context, host fusion.HostID) error {
	for _, f := range s.ledger.Load().Folders {
		for _, sh := range f.Shares {
			if sh.Host != host || sh.Accepted || s.refusal(f.ID, host) != nil {
				continue
			}
			err := s.offer(ctx, f, host)
			if errors.As(err, new(refusedError)) {
				s.log.Warn("a host does not take a folder", "host", s.nameOf(host), "name", f.Name, "error", err)
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}

// checkShares asks a host which folders it no longer keeps with us, and leaves
// it out of them: it may have removed them while one of the two was away.
func (s *Store) checkShares(ctx context.Context, host fusion.HostID) error {
	var ids []string
	for _, f := range s.ledger.Load().Folders {
		for _, sh := range f.Shares {
			if sh.Host == host && sh.Accepted {
				ids = append(ids, f.ID)
			}
		}
	}
	for part := range slices.Chunk(ids, maxChecked) {
		a, err := s.ask(ctx, host, question{Op: opCheck, Folders: part})
		if err != nil {
			return err
		}
		switch a.Cause {
		case "":
		case fusion.CauseName(fusion.ErrUnpaired), fusion.CauseName(fusion.ErrPermission):
			a.Missing, a.Denied = nil, part
		default:
			return fmt.Errorf("check: %s: %s", a.Cause, clip(a.Detail))
		}
		s.noteClosed(host, part, a.Denied)
		if len(a.Missing) == 0 {
			continue
		}
		err = s.change(ctx, func(l *ledger) error {
			for _, id := range a.Missing {
				if f := l.byID(id); f != nil && slices.Contains(part, id) {
					f.unshare(host)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// noteClosed remembers which of the asked folders a host keeps without us.
func (s *Store) noteClosed(host fusion.HostID, asked, denied []string) {
	s.mu.Lock()
	for _, id := range asked {
		delete(s.closedBy, refusal{id, host})
	}
	for _, id := range denied {
		if slices.Contains(asked, id) {
			s.closedBy[refusal{id, host}] = true
		}
	}
	s.mu.Unlock()
	s.hub.touch()
}

func (s *Store) closedTo(folder string, host fusion.HostID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closedBy[refusal{folder, host}]
}

// leave tells the hosts of a removed folder. One that is away learns it by its
// next check.
func (s *Store) leave(f kept) {
	for _, sh := range f.Shares {
		if s.online(sh.Host) == nil {
			continue
		}
		s.spawn(func() {
			if _, err := s.ask(s.ctx, sh.Host, question{Op: opLeave, Folder: f.ID}); err != nil {
				s.log.Debug("a host will learn later that a folder is gone", "host", s.nameOf(sh.Host), "error", err)
			}
		})
	}
}

func (s *Store) refusal(folder string, host fusion.HostID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused[refusal{folder, host}]
}

func (s *Store) forgetRefusals(host fusion.HostID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.refused {
		if key.host == host {
			delete(s.refused, key)
		}
	}
	for key := range s.closedBy {
		if key.host == host {
			delete(s.closedBy, key)
		}
	}
}

// describe gives what crosses the wire of an error. One without a cause of
// fusion's list is shown as busy: it may go away.
func describe(err error) (cause, detail, hint string) {
	cause, detail, hint = fusion.CauseName(err), err.Error(), fusion.Hint(err)
	var known *fusion.Error
	if errors.As(err, &known) && known.Detail != "" {
		detail = known.Detail
	}
	if cause == "" {
		cause = "busy"
	}
	return cause, clip(detail), clip(hint)
}

// clip bounds another host's words, and makes them safe to print.
func clip(text string) string {
	if len(text) > maxText {
		text = text[:maxText] + "…"
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
}
