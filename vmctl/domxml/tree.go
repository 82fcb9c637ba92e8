// Package domxml is libvirt's definition of a domain: read, written and changed.
//
// Plan writes the definition of a machine that is made; ReadInfo says what a definition
// means, Parts what a machine is made of, and ReadOurs what Hither noted in it. Likeness makes
// a definition another machine's, Blueprint one of a machine in a file.
//
// What changes a definition does so without knowing all of it: it is a tree of Elements, of
// which whatever nobody asked for stays as somebody wrote it. Parse reads one; Apply edits its
// text in place, to the byte; Element.String writes it anew.
//
// A definition that came from elsewhere is not trusted: its depth is bounded, and Go's
// encoding/xml expands no entities of its own.
package domxml

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

// Element is one element of a definition, with what no struct knows.
// A definition becomes another by changing its elements and writing them anew
// (String), or, where it stays the same machine's, by cutting and putting in at their
// places (Apply). Names are as written, with their prefix. What finds elements
// and reads them does so of nil too, and finds nothing.
type Element struct {
	Name     string
	Attrs    []xml.Attr
	Children []*Element
	Data     string // the text of an element without children

	Whole      string // the text that it was read from
	Start, End int    // its place there
	From, To   int    // and that of what is in it
}

// maxDepth bounds how deep elements are nested; libvirt's are not half as deep.
const maxDepth = 64

// ErrNoDefinition is the cause of what is no XML of one element, or too deep.
var ErrNoDefinition = errors.New("it is no definition of a machine")

// Parse reads one element. Comments and the blanks between elements are left out.
func Parse(text string) (*Element, error) {
	d := xml.NewDecoder(strings.NewReader(text))
	var stack []*Element
	for {
		start := int(d.InputOffset())
		token, err := d.RawToken()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = ErrNoDefinition
			}
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := &Element{Name: written(token.Name), Attrs: slices.Clone(token.Attr), Whole: text, Start: start, From: int(d.InputOffset())}
			if len(stack) == maxDepth {
				return nil, ErrNoDefinition
			}
			if len(stack) > 0 {
				top := stack[len(stack)-1]
				top.Children = append(top.Children, e)
			}
			stack = append(stack, e)
		case xml.EndElement:
			if len(stack) == 0 || stack[len(stack)-1].Name != written(token.Name) {
				return nil, ErrNoDefinition
			}
			top := stack[len(stack)-1]
			top.To, top.End = start, int(d.InputOffset())
			if len(stack) == 1 {
				return top, nil
			}
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) > 0 {
				stack[len(stack)-1].Data += string(token)
			}
		}
	}
}

// written is a name as the text has it.
func written(name xml.Name) string {
	if name.Space == "" {
		return name.Local
	}
	return name.Space + ":" + name.Local
}

func (e *Element) String() string {
	var b strings.Builder
	e.write(&b)
	return b.String()
}

func (e *Element) write(b *strings.Builder) {
	b.WriteString("<" + e.Name)
	for _, a := range e.Attrs {
		b.WriteString(" " + written(a.Name) + `="`)
		_ = xml.EscapeText(b, []byte(a.Value)) // a Builder takes all
		b.WriteString(`"`)
	}
	if len(e.Children) == 0 && e.Data == "" {
		b.WriteString("/>")
		return
	}
	b.WriteString(">")
	if len(e.Children) == 0 {
		_ = xml.EscapeText(b, []byte(e.Data))
	}
	for _, child := range e.Children {
		child.write(b)
	}
	b.WriteString("</" + e.Name + ">")
}

// Attr gives an attribute's value, "" when there is none.
func (e *Element) Attr(name string) string {
	if e == nil {
		return ""
	}
	for _, a := range e.Attrs {
		if written(a.Name) == name {
			return a.Value
		}
	}
	return ""
}

// Set gives an attribute a value.
func (e *Element) Set(name, value string) {
	for i := range e.Attrs {
		if written(e.Attrs[i].Name) == name {
			e.Attrs[i].Value = value
			return
		}
	}
	e.Attrs = append(e.Attrs, xml.Attr{Name: xml.Name{Local: name}, Value: value})
}

func (e *Element) Unset(names ...string) {
	e.Attrs = slices.DeleteFunc(e.Attrs, func(a xml.Attr) bool { return slices.Contains(names, written(a.Name)) })
}

// All gives the elements that a path of names leads to.
func (e *Element) All(path ...string) []*Element {
	if e == nil {
		return nil
	}
	if len(path) == 0 {
		return []*Element{e}
	}
	var found []*Element
	for _, child := range e.Children {
		if child.Name == path[0] {
			found = append(found, child.All(path[1:]...)...)
		}
	}
	return found
}

// AnyOf gives the children of these names, in their order.
func (e *Element) AnyOf(names ...string) (found []*Element) {
	if e == nil {
		return nil
	}
	for _, child := range e.Children {
		if slices.Contains(names, child.Name) {
			found = append(found, child)
		}
	}
	return found
}

// One gives the first element that a path leads to, or nil.
func (e *Element) One(path ...string) *Element {
	if found := e.All(path...); len(found) > 0 {
		return found[0]
	}
	return nil
}

// Need gives the first child of a name, which is made where there is none.
func (e *Element) Need(name string) *Element {
	if child := e.One(name); child != nil {
		return child
	}
	child := &Element{Name: name}
	e.Children = append(e.Children, child)
	return child
}

// Drop removes children by name.
func (e *Element) Drop(names ...string) {
	e.Children = slices.DeleteFunc(e.Children, func(c *Element) bool { return slices.Contains(names, c.Name) })
}
