package domxml

import (
	"slices"
	"strings"
)

// Source is the element as it is written.
func (e *Element) Source() string { return e.Whole[e.Start:e.End] }

// Inner is what is in the element, as it is written.
func (e *Element) Inner() string { return strings.TrimSpace(e.Whole[e.From:e.To]) }

// Edit is one change of a definition's text: the bytes from Start to End become With.
// Whatever else somebody wrote stays as it is, to the byte.
type Edit struct {
	Start, End int
	With       string
}

// Cut takes an element out, with the blanks before it.
func (e *Element) Cut() Edit {
	start := e.Start
	for start > 0 && strings.IndexByte(" \t\r\n", e.Whole[start-1]) >= 0 {
		start--
	}
	return Edit{Start: start, End: e.End}
}

// Put adds to the end of what is in an element. One that is written without an end, as
// in <os/>, has no place for that.
func (e *Element) Put(with string) Edit { return Edit{e.To, e.To, with} }

// Open replaces an element's first tag.
func (e *Element) Open(with string) Edit { return Edit{e.Start, e.From, with} }

// Apply makes edits, which do not overlap. Of two at one place the first comes first.
func Apply(text string, edits ...Edit) string {
	slices.SortStableFunc(edits, func(a, b Edit) int { return a.Start - b.Start })
	var b strings.Builder
	at := 0
	for _, e := range edits {
		b.WriteString(text[at:e.Start])
		b.WriteString(e.With)
		at = e.End
	}
	b.WriteString(text[at:])
	return b.String()
}

// WithMetadataOf gives a definition the metadata of another.
func WithMetadataOf(definition, other string) (string, error) {
	n, err := Parse(definition)
	if err != nil {
		return "", err
	}
	from, err := Parse(other)
	if err != nil {
		return "", err
	}
	var edits []Edit
	for _, old := range n.All("metadata") {
		edits = append(edits, old.Cut())
	}
	if with := from.One("metadata"); with != nil {
		edits = append(edits, n.Put(with.Source()+"\n"))
	}
	return Apply(definition, edits...), nil
}
