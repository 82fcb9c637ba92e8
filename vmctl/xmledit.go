package vmctl

import (
	"slices"
	"strings"
)

// source is the element as it is written.
func (e *element) source() string { return e.whole[e.start:e.end] }

// inner is what is in the element, as it is written.
func (e *element) inner() string { return strings.TrimSpace(e.whole[e.from:e.to]) }

// edit is one change of a definition's text: the bytes from start to end become with.
// Whatever else somebody wrote stays as it is, to the byte.
type edit struct {
	start, end int
	with       string
}

// cut takes an element out, with the blanks before it.
func (e *element) cut() edit {
	start := e.start
	for start > 0 && strings.IndexByte(" \t\r\n", e.whole[start-1]) >= 0 {
		start--
	}
	return edit{start: start, end: e.end}
}

// put adds to the end of what is in an element. One that is written without an end, as
// in <os/>, has no place for that.
func (e *element) put(with string) edit { return edit{e.to, e.to, with} }

// open replaces an element's first tag.
func (e *element) open(with string) edit { return edit{e.start, e.from, with} }

// apply makes edits, which do not overlap. Of two at one place the first comes first.
func apply(text string, edits ...edit) string {
	slices.SortStableFunc(edits, func(a, b edit) int { return a.start - b.start })
	var b strings.Builder
	at := 0
	for _, e := range edits {
		b.WriteString(text[at:e.start])
		b.WriteString(e.with)
		at = e.end
	}
	b.WriteString(text[at:])
	return b.String()
}

// withMetadataOf gives a definition the metadata of another.
func withMetadataOf(definition, other string) (string, error) {
	n, err := parseTree(definition)
	if err != nil {
		return "", err
	}
	from, err := parseTree(other)
	if err != nil {
		return "", err
	}
	var edits []edit
	for _, old := range n.all("metadata") {
		edits = append(edits, old.cut())
	}
	if with := from.one("metadata"); with != nil {
		edits = append(edits, n.put(with.source()+"\n"))
	}
	return apply(definition, edits...), nil
}
