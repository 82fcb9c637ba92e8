package vmctl

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hither/fusion"
	"hither/vmctl/imagepool"
)

// intent is what an operation is about to make or remove, written down before it
// begins and forgotten when it is whole, or undone. One that is found later tells
// what a node that was killed, or whose libvirt was, left half done. There is one
// rule for all: the domain is the thing. If it is there, its files stay (and it is
// started, if that was asked for); if not, they go.
type intent struct {
	Op    string   `json:"op"`
	URI   string   `json:"uri"`  // of the hypervisor that knows the domain
	Name  string   `json:"name"` // of the machine, for the log
	UUID  string   `json:"uuid"` // of the domain
	Files []string `json:"files"`
	Start bool     `json:"start,omitempty"`
	// Bridge is one of Open vSwitch's that was made for a network; UUID is the network's.
	Bridge string `json:"bridge,omitempty"`
	// The rest is a move's (migrate.go), which the rule above does not settle. Move is
	// the MigrationOffer's ID; To or From is the other host.
	Move string        `json:"move,omitempty"`
	To   fusion.HostID `json:"to,omitempty"`
	From fusion.HostID `json:"from,omitempty"`
	// Off says that it was off when it began, or left.
	Off bool `json:"off,omitempty"`
	// Stays says that the source has looked and kept it: the verdict is given,
	// whatever becomes of the machine.
	Stays bool `json:"stays,omitempty"`
	// Layer says that the domain was there before: of the files, those go that its
	// definition does not name (clone_linked.go).
	Layer bool `json:"layer,omitempty"`
	// Definition is that with which the machine left, or will be defined here.
	Definition string `json:"definition,omitempty"`
	// Forwards are the port forwards that go along, or come back.
	Forwards []fusion.Forward `json:"forwards,omitempty"`
	// Part says that the files are disks of a machine that stays, and that it is for
	// settleDisk to say what becomes of them.
	Part bool `json:"part,omitempty"`
	// Checkpoint is libvirt's that a backup makes, and Frozen says that the guest's file
	// systems may stand still for it (backup_settle.go).
	Checkpoint string `json:"checkpoint,omitempty"`
	Frozen     bool   `json:"frozen,omitempty"`
	// Lost says that libvirt has no account of the backup's job, and is to be started anew
	// once the machine is off (backup_lost.go).
	Lost bool `json:"lost,omitempty"`
	// Snapshot is the one of the machine's that is taken, removed or reverted to; it is
	// for settleSnapshot to say what becomes of it.
	Snapshot string `json:"snapshot,omitempty"`
	// Ran says that the machine ran when its snapshot was taken.
	Ran bool `json:"ran,omitempty"`
}

// intend writes an intent down. The operation calls end when it returns, with
// whether it knows what became of it: all was made, or all was undone.
func (s *Store) intend(i intent) (id string, end func(known bool), err error) {
	if i.URI == "" {
		i.URI = s.URI()
	}
	id = rand.Text()
	// Before it is written: nobody may settle it meanwhile.
	s.hold(id, true)
	if err := s.note(id, i); err != nil {
		s.hold(id, false)
		return "", nil, err
	}
	return id, func(known bool) {
		if known {
			s.forget(id)
		}
		s.hold(id, false)
		if !known {
			signal(s.unsettled)
		}
	}, nil
}

// hold notes that an operation of this process has the intent id, or not any more.
func (s *Store) hold(id string, is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if is {
		s.intended[id] = true
	} else {
		delete(s.intended, id)
	}
}

// note writes the intent id, or writes it anew.
func (s *Store) note(id string, i intent) error {
	text, err := json.Marshal(i)
	if err == nil {
		err = imagepool.WriteWhole(s.config.intents(), id+".json", text)
	}
	return s.poolError(i.Op, i.Name, err)
}

func (s *Store) forget(id string) {
	err := os.Remove(filepath.Join(s.config.intents(), id+".json"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.config.Log.Warn("a note of what was done stays", "error", err)
	}
}

// settle looks after all intents that no operation of this process holds, and says
// whether all are told: what cannot be told now is tried again. Slow ones are moves, which
// need the other host, snapshots, at which libvirt may be at work still, and those that end libvirtd.
func (s *Store) settle(ctx context.Context, slow bool) (all bool) {
	all = true
	err := s.eachIntent(func(id string, i intent) {
		s.mu.Lock()
		held := s.intended[id]
		s.mu.Unlock()
		if held || (i.To != "" || i.Snapshot != "" || i.Lost) && !slow || i.From != "" { // an arriving machine awaits its source's verdict
			return
		}
		err := s.settleOne(ctx, id, i)
		if errors.Is(err, errHeld) {
			return // the end of the machine tells
		}
		if err != nil {
			s.config.Log.Warn("something stays half done", "operation", i.Op, "machine", i.Name, "error", err)
			all = false
			return
		}
		s.forget(id)
	})
	if err != nil {
		s.config.Log.Warn("some of what was left half done is not known", "error", err)
	}
	return all
}

// What could not be settled is tried again after a pause that grows.
const (
	firstSettle = time.Second
	lastSettle  = time.Minute
)

// settling settles what is left over, until Close. It is a goroutine of its own: the
// other host of a move may be slow to answer, and events are not to wait for it.
func (s *Store) settling() {
	defer s.running.Done()
	var again <-chan time.Time
	for pause := firstSettle; ; {
		select {
		case <-s.ctx.Done():
			return
		case <-s.unsettled:
			pause = firstSettle
		case <-again:
		}
		if !s.connected() {
			continue // the next connection tells
		}
		s.autostart(s.ctx)
		if !s.settle(s.ctx, true) {
			again = time.After(pause)
			pause = min(2*pause, lastSettle)
		}
	}
}

func (s *Store) settleOne(ctx context.Context, id string, i intent) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	switch {
	case i.URI != s.URI():
		return errors.New("it waits for " + i.URI)
	case i.Op == opNetworkCreate, i.Op == opNetworkRemove:
		return s.settleNetwork(ctx, i)
	case i.Op == opBackup:
		return s.settleBackup(ctx, id, i)
	case i.To != "":
		release, ok := s.claims.Take("machine", i.Name)
		if !ok {
			return errors.New("somebody works at it")
		}
		defer release()
		_, err := s.settleMove(ctx, id, i)
		return err
	case i.Part:
		return s.settleDisk(ctx, i)
	case i.Snapshot != "":
		return s.settleSnapshot(ctx, i)
	}
	d, err := call(ctx, s, func(c driver) (domain, error) { return c.domain(i.UUID) }, nil)
	switch {
	case errors.Is(err, fusion.ErrNotFound):
		s.config.Log.Info("undone what was half done", "operation", i.Op, "machine", i.Name)
		s.removeFiles(i.UUID, i.Files)
		return nil
	case err == nil && i.Layer:
		s.removeDisks(d.unnamed(s.config.pool(), i.Files))
		return nil
	case err != nil || !i.Start:
		return err
	case d.starting:
		return errors.New("libvirt ends what it found half started")
	case d.active:
		return nil
	}
	return s.do(ctx, func(d driver) error { return d.act(i.UUID, fusion.Start) })
}

// intentOf finds the intent that is so, held or not; its ID is "" when there is none.
func (s *Store) intentOf(is func(intent) bool) (id string, found intent, err error) {
	err = s.eachIntent(func(other string, i intent) {
		if is(i) {
			id, found = other, i
		}
	})
	return id, found, err
}

// eachIntent calls do with each intent that can be read; one that cannot be is an
// error in the end.
func (s *Store) eachIntent(do func(id string, i intent)) (err error) {
	entries, err := os.ReadDir(s.config.intents())
	for _, entry := range entries {
		id, ok := strings.CutSuffix(entry.Name(), ".json")
		if !ok {
			continue
		}
		i, failed := readIntent(filepath.Join(s.config.intents(), entry.Name()))
		if failed == nil {
			do(id, i)
		}
		err = errors.Join(err, failed)
	}
	return err
}

// readIntent reads an intent; its files are names in the pool, whatever it says.
func readIntent(path string) (i intent, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &i)
	}
	for _, file := range i.Files {
		err = errors.Join(err, fusion.CheckName(file))
	}
	return i, err
}
