package folder

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/syncthing/syncthing/lib/model"
	"github.com/syncthing/syncthing/lib/protocol"

	"hither/fusion"
)

// The states of fusion.Folder.
const (
	stateIdle     = "idle"
	stateScanning = "scanning"
	stateSyncing  = "syncing"
	stateWaiting  = "waiting"
	stateError    = "error"
)

// snapshot gives every folder by name, as of now.
func (s *Store) snapshot() []fusion.Folder {
	list := []fusion.Folder{}
	for _, f := range s.ledger.Load().Folders {
		list = append(list, s.show(f))
	}
	slices.SortFunc(list, func(a, b fusion.Folder) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// show gives one folder, as of now. "idle" is said only when everything that
// any reachable host has is here, and every offer was taken.
func (s *Store) show(f kept) fusion.Folder {
	out := fusion.Folder{Name: f.Name, Path: f.Path, State: stateError, Hosts: []string{}}
	for _, sh := range f.Shares {
		out.Hosts = append(out.Hosts, string(sh.Host))
	}
	e := s.engine.Load()
	if e == nil {
		out.Note = "Syncthing's engine does not run; start the node again"
		return out
	}
	p, err := e.progress(f.ID)
	if errors.Is(err, model.ErrFolderMissing) || errors.Is(err, model.ErrFolderNotRunning) {
		// It is being started, or started anew with other hosts.
		if last, ok := s.hub.known(f.Name); ok {
			out.NeedBytes, out.NeedFiles = last.NeedBytes, last.NeedFiles
			out.GlobalBytes, out.GlobalFiles = last.GlobalBytes, last.GlobalFiles
		}
		out.State = stateScanning
		return out
	}
	if err != nil {
		out.Note = explain(err.Error(), f.Path)
		return out
	}
	out.GlobalBytes, out.GlobalFiles = p.global.Bytes, int64(p.global.Files)
	out.NeedBytes, out.NeedFiles = p.needBytes, int64(p.need.TotalItems())
	hosts := s.showHosts(f, p)
	out.State, out.Note = judge(p, hosts, f.Path)
	return out
}

// hostView is what is known of one other host of a folder.
type hostView struct {
	name    string
	refusal error // it did not take the offer
	offered bool  // it has not answered the offer yet
	denied  bool  // it may no longer use files here
	closed  bool  // it says that this host may no longer use files there
	linked  bool  // files flow now
	online  bool
	unknown bool // its list of files has not arrived whole, ever or on this link
	behind  int  // items it has not told to have
}

// waits says whether a person must do something before files flow.
func (h hostView) waits() bool { return h.offered || h.denied || h.closed }

func (s *Store) showHosts(f kept, p progress) []hostView {
	var views []hostView
	for _, sh := range f.Shares {
		v := hostView{name: s.nameOf(sh.Host), refusal: s.refusal(f.ID, sh.Host), offered: !sh.Accepted}
		v.denied = sh.Accepted && !s.allowed(sh)
		s.mu.Lock()
		l := s.links[sh.Host]
		v.online = s.peers[sh.Host] != nil || l != nil
		s.mu.Unlock()
		device, err := protocol.DeviceIDFromString(s.ledger.Load().Devices[sh.Host])
		if err == nil && sh.Accepted {
			have := p.lists[device]
			v.unknown, v.behind = have == 0, p.behind(device)
			if l != nil {
				reach, told := l.reaches(f.ID)
				v.linked = told
				v.unknown = !told || have < reach
			}
		}
		v.closed = sh.Accepted && !v.linked && s.closedTo(f.ID, sh.Host)
		views = append(views, v)
	}
	return views
}

// judge turns what is known into the state and a note for a person.
func judge(p progress, hosts []hostView, path string) (state, note string) {
	if p.err != nil {
		return stateError, explain(p.err.Error(), path)
	}
	notes := hostNotes(hosts)
	if p.unwatched != nil {
		notes = append(notes, "changes here are noticed within the hour only: "+p.unwatched.Error())
	}
	say := func(state string, first ...string) (string, string) {
		return state, strings.Join(slices.DeleteFunc(append(first, notes...), func(n string) bool { return n == "" }), "; ")
	}
	switch {
	case p.state == stateScanning || !p.scanned:
		return say(stateScanning)
	case p.state == stateSyncing:
		return say(stateSyncing)
	}
	reading, away := false, false
	for _, h := range hosts {
		switch {
		case h.waits():
		case h.online && h.unknown:
			reading = true
		case !h.linked && h.unknown:
			away = true
		}
	}
	missing := p.need.TotalItems() > 0
	anyLinked := slices.ContainsFunc(hosts, func(h hostView) bool { return h.linked })
	switch {
	case len(p.failed) > 0:
		first := p.failed[0]
		return say(stateError, fmt.Sprintf("%d items could not be written, the first is %s: %s",
			len(p.failed), first.Path, explain(first.Err, path)))
	case reading, missing && anyLinked:
		return say(stateSyncing)
	case missing, away, slices.ContainsFunc(hosts, hostView.waits):
		return say(stateWaiting)
	}
	return say(stateIdle)
}

func hostNotes(hosts []hostView) []string {
	var notes []string
	for _, h := range hosts {
		switch {
		case h.refusal != nil:
			said := h.refusal.Error()
			var known *fusion.Error
			if errors.As(h.refusal, &known) && known.Detail != "" {
				said = known.Detail
			}
			note := h.name + " did not take it: " + said
			if hint := fusion.Hint(h.refusal); hint != "" {
				note = h.name + " did not take it: " + said + " (" + hint + ")"
			}
			notes = append(notes, note)
		case h.denied:
			notes = append(notes, h.name+" may no longer use files here (add files to what "+h.name+" may do here)")
		case h.closed:
			notes = append(notes, h.name+" no longer takes files from here (there, add files to what this host may do)")
		case h.offered && !h.online:
			notes = append(notes, h.name+" is away and gets it when it is back")
		case h.offered:
			notes = append(notes, h.name+" has not taken it yet")
		case !h.online:
			notes = append(notes, h.name+" is away")
		case h.linked && !h.unknown && h.behind > 0:
			notes = append(notes, fmt.Sprintf("%s still lacks %d items", h.name, h.behind))
		}
	}
	return notes
}

// explain gives Syncthing's words for the usual troubles a hint.
func explain(text, path string) string {
	switch {
	case strings.Contains(text, "folder path missing"), strings.Contains(text, "no such file or directory"):
		return "the directory is gone: " + path + " (mount the disk again, or remove the folder)"
	case strings.Contains(text, "folder marker missing"):
		return "the directory was emptied or another disk is mounted at " + path +
			" (bring the old one back; or remove the folder and add it anew)"
	case strings.Contains(text, "insufficient space"), strings.Contains(text, "no space left"):
		return "the disk is full (free some space): " + text
	case strings.Contains(text, "permission denied"):
		return text + " (give the user of the node the right to write there)"
	}
	return text
}
