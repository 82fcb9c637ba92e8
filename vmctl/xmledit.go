package vmctl

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

// node is an element of an XML text and where it stands there. A definition is edited by
// cutting and putting in at these places: whatever else somebody wrote stays as it is, to
// the byte, also what this release does not know.
type node struct {
	text       string // the whole text
	name       string // with its prefix, as written
	attrs      map[string]string
	start, end int // of the element
	from, to   int // of what is in it
	children   []*node
}

var errNoXML = errors.New("libvirt's definition is no XML")

// parseNodes reads libvirt's XML. Prefixes are not resolved: what is looked for has none.
func parseNodes(text string) (*node, error) {
	d := xml.NewDecoder(strings.NewReader(text))
	top := &node{text: text}
	open := []*node{top}
	for {
		start := int(d.InputOffset())
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		at := open[len(open)-1]
		switch t := token.(type) {
		case xml.StartElement:
			n := &node{text: text, name: written(t.Name), attrs: map[string]string{}, start: start, from: int(d.InputOffset())}
			for _, a := range t.Attr {
				n.attrs[written(a.Name)] = a.Value
			}
			at.children = append(at.children, n)
			open = append(open, n)
		case xml.EndElement:
			if len(open) == 1 || at.name != written(t.Name) {
				return nil, errNoXML
			}
			at.to, at.end = start, int(d.InputOffset())
			open = open[:len(open)-1]
		}
	}
	if len(open) != 1 || len(top.children) != 1 {
		return nil, errNoXML
	}
	return top.children[0], nil
}

// child gives the first child of a name; of nil, or where there is none, nil.
func (n *node) child(names ...string) *node {
	for _, name := range names {
		all := n.all(name)
		if len(all) == 0 {
			return nil
		}
		n = all[0]
	}
	return n
}

// all gives the children of these names.
func (n *node) all(names ...string) (found []*node) {
	if n == nil {
		return nil
	}
	for _, c := range n.children {
		if slices.Contains(names, c.name) {
			found = append(found, c)
		}
	}
	return found
}

// attr gives an attribute, "" where there is none.
func (n *node) attr(name string) string {
	if n == nil {
		return ""
	}
	return n.attrs[name]
}

// source is the element as it is written.
func (n *node) source() string { return n.text[n.start:n.end] }

// inner is what is in the element, as it is written.
func (n *node) inner() string { return strings.TrimSpace(n.text[n.from:n.to]) }

// edit is one change of a text: the bytes from start to end become with.
type edit struct {
	start, end int
	with       string
}

// cut takes an element out, with the blanks before it.
func (n *node) cut() edit {
	start := n.start
	for start > 0 && strings.IndexByte(" \t\r\n", n.text[start-1]) >= 0 {
		start--
	}
	return edit{start: start, end: n.end}
}

// put adds to the end of what is in an element. One that is written without an end, as
// in <os/>, has no place for that.
func (n *node) put(with string) edit { return edit{n.to, n.to, with} }

// open replaces an element's first tag.
func (n *node) open(with string) edit { return edit{n.start, n.from, with} }

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
	n, err := parseNodes(definition)
	if err != nil {
		return "", err
	}
	from, err := parseNodes(other)
	if err != nil {
		return "", err
	}
	var edits []edit
	for _, old := range n.all("metadata") {
		edits = append(edits, old.cut())
	}
	if with := from.child("metadata"); with != nil {
		edits = append(edits, n.put(with.source()+"\n"))
	}
	return apply(definition, edits...), nil
}
