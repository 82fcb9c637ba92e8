package netboot

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"hither/fusion"
	"hither/internal/wholefile"
)

// maxComputers bounds the list. Anybody on the network may make up computers: of those that
// nobody decided about, the one that was seen longest ago goes.
const maxComputers = 64

// book is what netboot.json keeps.
type book struct {
	On        bool   `json:"on"`
	Interface string `json:"interface,omitempty"`
	// Port is that of HTTP, kept so that what was told of it stays true.
	Port int `json:"port,omitempty"`
	// Computers are those that somebody decided about, by MAC; in memory, those that only
	// asked too.
	Computers map[string]*computer `json:"computers"`
}

// computer is one, with what is to be done with it.
type computer struct {
	fusion.BareComputer
	// Order is what is to be done, nil when nothing is.
	Order *order `json:"order,omitempty"`

	// claimed is the installation that is under way, and end ends it; nil while there is none.
	claimed *order
	end     func(why error)
}

// order is an installation as it is kept: it goes on after a restart of the node.
type order struct {
	Spec fusion.BareSpec `json:"spec"`
	Hash string          `json:"hash,omitempty"` // of the password
	Code string          `json:"code"`           // to pair
	// Token is in the addresses of its files.
	Token string `json:"token"`

	kernel, initrd string // paths
	addr           string // to pair at
}

func readBook(file string) (book, error) {
	b := book{Computers: map[string]*computer{}}
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return b, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &b)
	}
	if err != nil {
		return b, &fusion.Error{Op: "netboot", Path: file, Cause: fusion.ErrInvalid, Detail: err.Error(),
			Hint: "mend or remove the file; it holds the list of computers that start from the network"}
	}
	if b.Computers == nil {
		b.Computers = map[string]*computer{}
	}
	maps.DeleteFunc(b.Computers, func(mac string, c *computer) bool {
		return c == nil || c.MAC != mac || c.Order != nil && c.Order.Token == ""
	})
	return b, nil
}

// write writes the file whole.
func (b book) write(file string) error {
	kept := b
	kept.Computers = maps.Clone(b.Computers)
	maps.DeleteFunc(kept.Computers, func(_ string, c *computer) bool { return c.Name == "" })
	text, err := json.MarshalIndent(kept, "", "  ")
	if err == nil {
		err = wholefile.Write(file, append(text, '\n'))
	}
	if err != nil {
		return &fusion.Error{Op: "netboot", Path: file, Cause: err, Hint: "make room on the disk; nothing was changed"}
	}
	return nil
}

func (b book) find(mac string) *computer { return b.Computers[mac] }

// byToken finds the installation whose files have a name.
func (b book) byToken(token string) *computer {
	for _, c := range b.Computers {
		if c.Order != nil && c.Order.Token == token {
			return c
		}
	}
	return nil
}

// add makes room for a computer and puts it on the list; nil when there is none.
func (b book) add(mac string) *computer {
	if c := b.Computers[mac]; c != nil {
		return c
	}
	if len(b.Computers) >= maxComputers {
		oldest := ""
		for mac, c := range b.Computers {
			if c.claimed == nil && c.Order == nil && (oldest == "" || c.rank() < b.Computers[oldest].rank()) {
				oldest = mac
			}
		}
		if oldest == "" {
			return nil
		}
		delete(b.Computers, oldest)
	}
	c := &computer{BareComputer: fusion.BareComputer{MAC: mac, Steps: []fusion.BareStep{}}}
	b.Computers[mac] = c
	return c
}

// rank orders those that may go: who nobody decided about first, then by when they were seen.
func (c *computer) rank() int64 {
	seen := max(c.Seen.Unix(), 0)
	if c.Name != "" {
		seen += 1 << 40
	}
	return seen
}

// drop takes one off the list, first on the disk.
func (b book) drop(mac, file string) error {
	c := b.Computers[mac]
	delete(b.Computers, mac)
	if c == nil || c.Name == "" {
		return nil
	}
	err := b.write(file)
	if err != nil {
		b.Computers[mac] = c
	}
	return err
}

// enter notes that a computer reached a state.
func (c *computer) enter(state fusion.BareState, at time.Time) {
	c.State = state
	c.Steps = append(c.Steps, fusion.BareStep{State: state, At: at})
	if len(c.Steps) > maxSteps {
		c.Steps = c.Steps[len(c.Steps)-maxSteps:]
	}
}

// maxSteps bounds the steps that are shown.
const maxSteps = 16

// forgetAfter ends the sight of a computer that only asked and does so no more.
const forgetAfter = time.Hour

// shown gives the computers, those that were seen last first.
func (b book) shown(now time.Time) []fusion.BareComputer {
	list := []fusion.BareComputer{}
	for _, c := range b.Computers {
		if c.Name != "" || now.Sub(c.Seen) < forgetAfter {
			one := c.BareComputer
			one.Steps = slices.Clone(c.Steps)
			list = append(list, one)
		}
	}
	slices.SortFunc(list, func(a, b fusion.BareComputer) int {
		if by := b.Seen.Compare(a.Seen); by != 0 {
			return by
		}
		return strings.Compare(a.MAC, b.MAC)
	})
	return list
}
