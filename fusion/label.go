package fusion

import (
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"
)

// Labels is what is written on a machine. It moves with the machine.
type Labels struct {
	Tags  []string `json:"tags"`            // of CheckTag, sorted
	Notes string   `json:"notes,omitempty"` // at most 1000 bytes of text
	// Autostart starts the machine once the host's node comes up after a start of the
	// computer; those with a lower Order first.
	Autostart bool `json:"autostart,omitempty"`
	Order     int  `json:"order,omitempty"`
}

// LabelChange changes what is written on a machine; what is nil stays.
type LabelChange struct {
	Add       []string `json:"add,omitempty"`
	Drop      []string `json:"drop,omitempty"`
	Notes     *string  `json:"notes,omitempty"`
	Autostart *bool    `json:"autostart,omitempty"`
	Order     *int     `json:"order,omitempty"`
}

const (
	maxTag   = 32 // letters
	maxTags  = 16
	maxOrder = 999
)

// CheckTag returns an error with cause ErrInvalid unless tag is 1 to 32 lowercase
// letters, digits or dashes that do not begin with a dash.
func CheckTag(tag string) error {
	good := utf8.ValidString(tag) && tag != "" && tag[0] != '-' && utf8.RuneCountInString(tag) <= maxTag
	for _, r := range tag {
		letter := (unicode.IsLetter(r) || unicode.IsMark(r)) && unicode.ToLower(r) == r
		good = good && (letter || r >= '0' && r <= '9' || r == '-')
	}
	if !good {
		return &Error{Op: "tag", Path: clip(tag), Cause: ErrInvalid, Hint: "a tag is a word of at most 32 lowercase letters, digits and dashes"}
	}
	return nil
}

// Check returns an error with cause ErrInvalid unless all tags are ones of CheckTag,
// the notes are at most 1000 bytes of printable UTF-8, and the order is 0 to 999.
func (c LabelChange) Check(machine string) error {
	bad := func(detail, hint string) error {
		return &Error{Op: "machine.label", Path: machine, Cause: ErrInvalid, Detail: detail, Hint: hint}
	}
	for _, tag := range slices.Concat(c.Add, c.Drop) {
		if err := CheckTag(tag); err != nil {
			return bad(fmt.Sprintf("a tag called %q", clip(tag)), Hint(err))
		}
	}
	switch {
	case c.Notes != nil && !isNote(*c.Notes):
		return bad("", "a note is text of at most 1000 bytes")
	case c.Order != nil && (*c.Order < 0 || *c.Order > maxOrder):
		return bad(fmt.Sprintf("place %d", *c.Order), "an order is a number from 0 to 999; lower ones start first")
	}
	return nil
}

// Apply gives what is written after the change. It promises ErrInvalid for more than
// 16 tags.
func (c LabelChange) Apply(machine string, l Labels) (Labels, error) {
	tags := slices.DeleteFunc(slices.Clone(l.Tags), func(tag string) bool { return slices.Contains(c.Drop, tag) })
	tags = append(tags, c.Add...)
	slices.Sort(tags)
	l.Tags = slices.Compact(tags)
	if len(l.Tags) > maxTags {
		return l, &Error{Op: "machine.label", Path: machine, Cause: ErrInvalid, Detail: fmt.Sprintf("%d tags", len(l.Tags)),
			Hint: "a machine has at most 16 tags; drop some, as in --tag -old"}
	}
	if c.Notes != nil {
		l.Notes = *c.Notes
	}
	if c.Autostart != nil {
		l.Autostart = *c.Autostart
	}
	if c.Order != nil {
		l.Order = *c.Order
	}
	return l, nil
}
