package fusion

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Snapshot is a machine as it was at one moment: its disks and, when Memory is
// set, what its memory held. The snapshots of a machine are a tree.
type Snapshot struct {
	// Name is one of CheckName.
	Name string `json:"name"`
	Note string `json:"note,omitempty"`
	// Parent is the snapshot that the machine was on when this one was taken, ""
	// for a root.
	Parent  string    `json:"parent,omitempty"`
	Created time.Time `json:"created,omitzero"`
	// State is the machine's state then, and the one that reverting leads to.
	State MachineState `json:"state"`
	// Memory says whether the memory of the running machine is kept too.
	Memory bool `json:"memory"`
	// Current marks the one snapshot that the machine goes on from.
	Current bool `json:"current"`
}

// SnapshotSpec says what to take. Name is required.
type SnapshotSpec struct {
	Name string `json:"name"`
	Note string `json:"note"` // of Check
	// NoMemory leaves the memory of a running machine out, so that reverting
	// finds the machine off, as after a power cut.
	NoMemory bool `json:"noMemory"`
}

// maxNote is the longest note in bytes.
const maxNote = 1000

// Check returns an error with cause ErrInvalid unless the name is one of
// CheckName with more than digits in it, and the note at most 1000 bytes of
// printable UTF-8. A name of digits only is refused because QEMU numbers the
// snapshots of a disk, and takes a number before a name
// (https://www.qemu.org/docs/master/tools/qemu-img.html, "snapshot").
func (s SnapshotSpec) Check() error {
	if err := CheckName(s.Name); err != nil {
		return err
	}
	if strings.Trim(s.Name, "0123456789") == "" {
		return &Error{Op: "name", Path: s.Name, Cause: ErrInvalid, Detail: "it has only digits",
			Hint: "a snapshot name has a letter, as in s" + s.Name}
	}
	if !isNote(s.Note) {
		return &Error{Op: "note", Path: s.Name, Cause: ErrInvalid, Hint: "a note is text of at most 1000 bytes"}
	}
	return nil
}

// isNote says whether text is at most 1000 bytes of printable UTF-8 that XML can hold.
func isNote(text string) bool {
	control := func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f || r == 0xfffe || r == 0xffff }
	return len(text) <= maxNote && utf8.ValidString(text) && !strings.ContainsFunc(text, control)
}

// SortSnapshots puts each snapshot's children behind it, the older subtree
// first. One whose parent is not in the list counts as a root. It ends on any
// list, also one where parents go in a circle.
func SortSnapshots(list []Snapshot) {
	slices.SortFunc(list, func(a, b Snapshot) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Name, b.Name))
	})
	names := map[string]bool{}
	for _, s := range list {
		names[s.Name] = true
	}
	below := map[string][]Snapshot{}
	for _, s := range list {
		parent := s.Parent
		if !names[parent] {
			parent = ""
		}
		below[parent] = append(below[parent], s)
	}
	out := make([]Snapshot, 0, len(list))
	stack := reversed(below[""])
	delete(below, "")
	for len(stack) > 0 {
		last := len(stack) - 1
		s := stack[last]
		out = append(out, s)
		stack = append(stack[:last], reversed(below[s.Name])...)
		delete(below, s.Name)
	}
	for _, s := range list { // what only a circle leads to
		if slices.Contains(below[s.Parent], s) {
			out = append(out, s)
		}
	}
	copy(list, out)
}

func reversed(list []Snapshot) []Snapshot {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}

// SnapshotDepth gives for each of a list in SortSnapshots' order how many
// snapshots of the list are above it.
func SnapshotDepth(list []Snapshot) []int {
	depth := make([]int, len(list))
	of := map[string]int{}
	for i, s := range list {
		if above, there := of[s.Parent]; there {
			depth[i] = above + 1
		}
		of[s.Name] = depth[i]
	}
	return depth
}
