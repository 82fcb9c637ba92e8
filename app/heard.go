package app

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"reflect"
	"slices"
	"sync"

	"hither/fusion"
	"hither/internal/wholefile"
)

// said is what a paired computer last said of itself and what has to be known while
// it is away: how it is woken, and why it went.
type said struct {
	Roles []string      `json:"roles,omitempty"`
	May   []string      `json:"may,omitempty"`
	Cards []fusion.Card `json:"cards,omitempty"`
	Away  fusion.Away   `json:"away,omitempty"`
}

// maxMay bounds the grants that a paired computer says this one has.
const maxMay = 256

// heard keeps what paired computers said over restarts of the node, in heard.json.
type heard struct {
	path string
	log  *slog.Logger

	mu  sync.Mutex // guards all; held while writing
	all map[fusion.HostID]said
}

// openHeard reads the file. One that cannot be read is lost without harm: the
// computers say it all again once they are online.
func openHeard(path string, log *slog.Logger) *heard {
	h := &heard{path: path, log: log, all: map[fusion.HostID]said{}}
	if err := readJSON(path, &h.all); err != nil {
		log.Warn("what paired computers said is not known until they are online", "err", err)
		h.all = map[fusion.HostID]said{}
	}
	return h
}

func (h *heard) get(id fusion.HostID) said {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all[id]
}

// learn takes what a host says of itself, as far as it makes sense.
func (h *heard) learn(id fusion.HostID, info fusion.HostInfo) {
	roles, may := []string{}, []string{}
	for _, role := range fusion.Roles {
		if slices.Contains(info.Roles, role) {
			roles = append(roles, role)
		}
	}
	for _, text := range info.May[:min(len(info.May), maxMay)] {
		if g, err := fusion.ParseGrant(text); err == nil && !slices.Contains(may, g.String()) {
			may = append(may, g.String())
		}
	}
	h.change(id, func(s *said) { s.Roles, s.May, s.Cards = roles, may, fusion.SoundCards(info.Cards) })
}

// going notes why a host goes, or that it stays or is back ("").
func (h *heard) going(id fusion.HostID, away fusion.Away) {
	h.change(id, func(s *said) { s.Away = away })
}

// forget drops a host that is paired no more.
func (h *heard) forget(id fusion.HostID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, there := h.all[id]; there {
		delete(h.all, id)
		h.save()
	}
}

func (h *heard) change(id fusion.HostID, do func(*said)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.all[id]
	before := now
	if do(&now); reflect.DeepEqual(before, now) {
		return
	}
	h.all[id] = now
	h.save()
}

// save writes the file; mu is held. Without it a restart forgets, no more.
func (h *heard) save() {
	if err := writeJSON(h.path, maps.Clone(h.all)); err != nil {
		h.log.Warn("what a paired computer said is not kept", "err", err)
	}
}

// readJSON reads a file of the home into value; one that is not there is no error.
func readJSON(path string, value any) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(text, value)
}

// writeJSON writes a file of the home whole or not at all, also over a power cut:
// what is written here is written when a computer is about to be switched off.
func writeJSON(path string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return wholefile.Write(path, append(text, '\n'))
}
