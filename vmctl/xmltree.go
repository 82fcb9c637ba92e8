package vmctl

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

// element is one element of a definition, with what no struct of this package knows.
// A definition becomes another by changing its elements and writing them anew
// (String), or, where it stays the same machine's, by cutting and putting in at their
// places (xmledit.go). Names are as written, with their prefix. What finds elements
// and reads them does so of nil too, and finds nothing.
type element struct {
	name     string
	attrs    []xml.Attr
	children []*element
	text     string // of an element without children

	whole      string // the text that it was read from
	start, end int    // its place there
	from, to   int    // and that of what is in it
}

// maxDepth bounds how deep elements are nested; libvirt's are not half as deep.
const maxDepth = 64

var errNoDefinition = errors.New("it is no definition of a machine")

// parseTree reads one element. Comments and the blanks between elements are left out.
func parseTree(text string) (*element, error) {
	d := xml.NewDecoder(strings.NewReader(text))
	var stack []*element
	for {
		start := int(d.InputOffset())
		token, err := d.RawToken()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = errNoDefinition
			}
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: written(token.Name), attrs: slices.Clone(token.Attr), whole: text, start: start, from: int(d.InputOffset())}
			if len(stack) == maxDepth {
				return nil, errNoDefinition
			}
			if len(stack) > 0 {
				top := stack[len(stack)-1]
				top.children = append(top.children, e)
			}
			stack = append(stack, e)
		case xml.EndElement:
			if len(stack) == 0 || stack[len(stack)-1].name != written(token.Name) {
				return nil, errNoDefinition
			}
			top := stack[len(stack)-1]
			top.to, top.end = start, int(d.InputOffset())
			if len(stack) == 1 {
				return top, nil
			}
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) > 0 {
				stack[len(stack)-1].text += string(token)
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

func (e *element) String() string {
	var b strings.Builder
	e.write(&b)
	return b.String()
}

func (e *element) write(b *strings.Builder) {
	b.WriteString("<" + e.name)
	for _, a := range e.attrs {
		b.WriteString(" " + written(a.Name) + `="`)
		_ = xml.EscapeText(b, []byte(a.Value)) // a Builder takes all
		b.WriteString(`"`)
	}
	if len(e.children) == 0 && e.text == "" {
		b.WriteString("/>")
		return
	}
	b.WriteString(">")
	if len(e.children) == 0 {
		_ = xml.EscapeText(b, []byte(e.text))
	}
	for _, child := range e.children {
		child.write(b)
	}
	b.WriteString("</" + e.name + ">")
}

// attr gives an attribute's value, "" when there is none.
func (e *element) attr(name string) string {
	if e == nil {
		return ""
	}
	for _, a := range e.attrs {
		if written(a.Name) == name {
			return a.Value
		}
	}
	return ""
}

// set gives an attribute a value.
func (e *element) set(name, value string) {
	for i := range e.attrs {
		if written(e.attrs[i].Name) == name {
			e.attrs[i].Value = value
			return
		}
	}
	e.attrs = append(e.attrs, xml.Attr{Name: xml.Name{Local: name}, Value: value})
}

func (e *element) unset(names ...string) {
	e.attrs = slices.DeleteFunc(e.attrs, func(a xml.Attr) bool { return slices.Contains(names, written(a.Name)) })
}

// all gives the elements that a path of names leads to.
func (e *element) all(path ...string) []*element {
	if e == nil {
		return nil
	}
	if len(path) == 0 {
		return []*element{e}
	}
	var found []*element
	for _, child := range e.children {
		if child.name == path[0] {
			found = append(found, child.all(path[1:]...)...)
		}
	}
	return found
}

// anyOf gives the children of these names, in their order.
func (e *element) anyOf(names ...string) (found []*element) {
	if e == nil {
		return nil
	}
	for _, child := range e.children {
		if slices.Contains(names, child.name) {
			found = append(found, child)
		}
	}
	return found
}

// one gives the first element that a path leads to, or nil.
func (e *element) one(path ...string) *element {
	if found := e.all(path...); len(found) > 0 {
		return found[0]
	}
	return nil
}

// need gives the first child of a name, which is made where there is none.
func (e *element) need(name string) *element {
	if child := e.one(name); child != nil {
		return child
	}
	child := &element{name: name}
	e.children = append(e.children, child)
	return child
}

// drop removes children by name.
func (e *element) drop(names ...string) {
	e.children = slices.DeleteFunc(e.children, func(c *element) bool { return slices.Contains(names, c.name) })
}
