package house

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// add takes a text, or follows what may hold one.
func (c *texts) add(e ast.Expr, at *place) {
	switch e := e.(type) {
	case *ast.ParenExpr:
		c.add(e.X, at)
		return
	case *ast.Ident:
		if c.variable(e.Name, at) {
			return
		}
	case *ast.IndexExpr: // a table of texts
		c.add(e.X, at)
		return
	case *ast.CompositeLit:
		if !ofTexts(e.Type) {
			return
		}
		for _, v := range e.Elts {
			if kv, ok := v.(*ast.KeyValueExpr); ok {
				v = kv.Value
			}
			c.add(v, at)
		}
		return
	case *ast.CallExpr:
		if c.call(e, 0, at) {
			return
		}
	}
	holes := 0
	text := c.template(e, at, &holes)
	if c.deep > 0 && !strings.Contains(text, " ") {
		return // a word on its way may mean anything
	}
	if strings.ContainsFunc(hole.ReplaceAllString(text, ""), func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }) {
		if _, ok := c.found[text]; !ok {
			c.found[text] = c.fset.Position(e.Pos())
		}
	}
}

// ofTexts says whether a list or a table holds strings.
func ofTexts(kind ast.Expr) bool {
	switch kind := kind.(type) {
	case *ast.ArrayType:
		return nameOf(kind.Elt) == "string"
	case *ast.MapType:
		return nameOf(kind.Value) == "string"
	}
	return false
}

// call follows one result of a call; false is a call that makes a text here.
func (c *texts) call(e *ast.CallExpr, result int, at *place) bool {
	switch name := nameOf(e.Fun); name {
	case "Sprintf":
		return false
	case "Or", "append": // cmp's
		for _, arg := range e.Args {
			c.add(arg, at)
		}
		return true
	case "Join", "DeleteFunc": // of strings and slices: what they are given
		c.add(e.Args[0], at)
		return true
	case "New": // errors'
		if x, ok := e.Fun.(*ast.SelectorExpr); ok && nameOf(x.X) == "errors" {
			c.add(e.Args[0], at)
			return true
		}
	}
	if lit, ok := e.Fun.(*ast.FuncLit); ok {
		c.result(&function{"", lit.Type, lit.Body, at}, result)
		return true
	}
	c.deep++
	for _, f := range c.called(e, at) {
		c.result(f, result)
	}
	c.deep--
	return true
}

// called gives the functions that a call may mean.
func (c *texts) called(e *ast.CallExpr, at *place) []*function {
	name := nameOf(e.Fun)
	if x, ok := e.Fun.(*ast.SelectorExpr); ok {
		if path, imported := at.imports[nameOf(x.X)]; imported {
			if src := c.of[path]; src != nil {
				return src.funcs[name]
			}
			return nil
		}
	}
	return at.src.funcs[name]
}

// result follows what a function returns at a place.
func (c *texts) result(f *function, n int) {
	if c.known[trail{f, true, n, c.deep > 0}] {
		return
	}
	c.known[trail{f, true, n, c.deep > 0}] = true
	at := inside(f)
	own := fieldNames(f.kind.Results)
	if n < len(own) && own[n] != "" {
		c.variable(own[n], at)
	}
	c.walk(f.body, at, func(node ast.Node, here *place) {
		r, ok := node.(*ast.ReturnStmt)
		if !ok || here.inner[len(here.inner)-1] != at.inner[len(at.inner)-1] {
			return
		}
		switch {
		case n < len(r.Results) && len(r.Results) == len(own):
			c.add(r.Results[n], here)
		case len(r.Results) == 1:
			if call, ok := r.Results[0].(*ast.CallExpr); ok {
				c.call(call, n, here)
			}
		}
	})
}

// inside is the place of a function's body.
func inside(f *function) *place {
	at := *f.in
	at.inner = append(slices.Clip(at.inner), f)
	if at.outer == nil {
		at.outer = f
	}
	return &at
}

// param follows what a function is called with.
func (c *texts) param(f *function, n int) {
	if f.name == "" || c.known[trail{f, false, n, c.deep > 0}] {
		return
	}
	c.known[trail{f, false, n, c.deep > 0}] = true
	for _, s := range c.calls[f.name] {
		if n < len(s.call.Args) && slices.Contains(c.called(s.call, s.at), f) {
			c.add(s.call.Args[n], s.at)
		}
	}
}

// variable follows what a variable was given; false is one that is a literal of its package, or nothing known.
func (c *texts) variable(name string, at *place) bool {
	for _, f := range slices.Backward(at.inner) {
		if n := slices.Index(fieldNames(f.kind.Params), name); n >= 0 {
			c.deep++
			c.param(f, n)
			c.deep--
			return true
		}
	}
	is := false
	if at.outer != nil {
		first := !c.vars[variable{at.outer, name, c.deep > 0}]
		c.vars[variable{at.outer, name, c.deep > 0}] = true
		c.walk(at.outer.body, inside(at.outer), func(n ast.Node, here *place) {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for i, left := range n.Lhs {
					if id, ok := left.(*ast.Ident); ok && id.Name == name {
						is = true
						if first {
							c.assigned(n, i, here)
						}
					}
				}
			case *ast.ValueSpec:
				for i, id := range n.Names {
					if id.Name == name {
						is = true
						if first && i < len(n.Values) {
							c.add(n.Values[i], here)
						}
					}
				}
			case *ast.RangeStmt:
				if id, ok := n.Value.(*ast.Ident); ok && id.Name == name {
					is = true
					if first {
						c.add(n.X, here)
					}
				}
			}
		})
	}
	if is {
		return true
	}
	for _, v := range at.src.values[name] {
		switch v.(type) {
		case *ast.BasicLit, *ast.BinaryExpr: // template writes it
		default:
			c.add(v, &place{src: at.src, imports: at.imports})
			is = true
		}
	}
	return is
}

// assigned follows what one of an assignment's left sides is given.
func (c *texts) assigned(n *ast.AssignStmt, i int, at *place) {
	switch {
	case n.Tok == token.ADD_ASSIGN: // the rest of a sentence
	case len(n.Lhs) == len(n.Rhs):
		c.add(n.Rhs[i], at)
	case len(n.Rhs) == 1:
		if call, ok := n.Rhs[0].(*ast.CallExpr); ok {
			c.call(call, i, at)
		}
	}
}

var (
	hole = regexp.MustCompile(`\{\d+\}`)
	verb = regexp.MustCompile(`%[-+# 0-9.]*[a-zA-Z]|%%`)
)

// template writes an expression as the table has it: {0}, {1} … for values.
func (c *texts) template(e ast.Expr, at *place, holes *int) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			return constant.StringVal(constant.MakeFromLiteral(e.Value, e.Kind, 0))
		}
	case *ast.ParenExpr:
		return c.template(e.X, at, holes)
	case *ast.BinaryExpr:
		return c.template(e.X, at, holes) + c.template(e.Y, at, holes)
	case *ast.Ident:
		switch v := sole(e.Name, at).(type) {
		case *ast.BasicLit, *ast.BinaryExpr:
			return c.template(v, at, holes)
		case *ast.CallExpr:
			if nameOf(v.Fun) == "Sprintf" {
				return c.template(v, at, holes)
			}
		}
	case *ast.CallExpr:
		if nameOf(e.Fun) == "Sprintf" && len(e.Args) > 0 {
			return c.format(e.Args[0], at, holes)
		}
	}
	*holes++
	return "{" + strconv.Itoa(*holes-1) + "}"
}

// sole gives what a constant or a variable is, if it is given a value in one place.
func sole(name string, at *place) ast.Expr {
	given := slices.Clone(at.src.values[name])
	if at.outer != nil {
		if slices.Contains(fieldNames(at.outer.kind.Params), name) {
			return nil
		}
		ast.Inspect(at.outer.body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for i, left := range n.Lhs {
					if nameOf(left) == name {
						given = append(given, n.Rhs[min(i, len(n.Rhs)-1)])
					}
				}
			case *ast.ValueSpec:
				for i, id := range n.Names {
					if id.Name == name && i < len(n.Values) {
						given = append(given, n.Values[i])
					}
				}
			case *ast.RangeStmt:
				if nameOf(n.Key) == name || nameOf(n.Value) == name {
					given = append(given, nil)
				}
			}
			return true
		})
	}
	if len(given) != 1 {
		return nil
	}
	return given[0]
}

func (c *texts) format(e ast.Expr, at *place, holes *int) string {
	if _, ok := e.(*ast.BasicLit); !ok {
		*holes++
		return fmt.Sprintf("{%d}", *holes-1)
	}
	quoted := strings.ReplaceAll(c.template(e, at, holes), "%q", `"%s"`)
	return verb.ReplaceAllStringFunc(quoted, func(v string) string {
		if v == "%%" {
			return "%"
		}
		*holes++
		return fmt.Sprintf("{%d}", *holes-1)
	})
}
