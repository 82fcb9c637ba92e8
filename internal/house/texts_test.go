package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// texts collects the sentences of packages that end in what a person reads, as templates:
// {0}, {1} … stand for values. It follows a text from where it is held (holds) back to
// where it is written: through local variables, parameters and results, by their names,
// within the packages that it knows. So it needs no types, and reads every system's
// sources at once.
type texts struct {
	fset  *token.FileSet
	of    map[string]*source // by import path
	calls map[string][]site  // by the name that is called
	known map[trail]bool     // what was followed already
	vars  map[variable]bool  // and which variables
	deep  int                // parameters and results between what holds a text and what is looked at
	found map[string]token.Position
}

// source is one package.
type source struct {
	values map[string][]ast.Expr // of constants and variables of the package
	fields map[string][]string   // the fields of its structs, in their order
	funcs  map[string][]*function
	all    []*function
	files  []*ast.File
}

// function is one of a package, a method, or one that a variable holds.
type function struct {
	name string
	kind *ast.FuncType
	body *ast.BlockStmt
	in   *place
}

// place is where an expression stands.
type place struct {
	src     *source
	imports map[string]string // import paths by the names that the file has for them
	outer   *function         // the one of the package around it, nil outside
	inner   []*function       // those around it, outer first
}

// site is a call.
type site struct {
	call *ast.CallExpr
	at   *place
}

// trail is a parameter or a result that holds a text.
type trail struct {
	f      *function
	result bool
	at     int
	deep   bool
}

// variable is one of a function.
type variable struct {
	f    *function
	name string
	deep bool
}

// textsOf reads the packages in directories of root.
func textsOf(t *testing.T, root string, dirs []string) map[string]token.Position {
	t.Helper()
	c := &texts{
		fset: token.NewFileSet(), of: map[string]*source{}, calls: map[string][]site{}, known: map[trail]bool{}, vars: map[variable]bool{},
		found: map[string]token.Position{},
	}
	for _, dir := range dirs {
		src := &source{map[string][]ast.Expr{}, map[string][]string{}, map[string][]*function{}, nil, nil}
		names, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(c.fset, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			src.files = append(src.files, f)
			declare(src, f)
		}
		c.of["hither/"+dir] = src
	}
	for _, src := range c.of {
		for _, f := range src.files {
			c.walk(f, &place{src: src, imports: importsOf(f)}, func(n ast.Node, at *place) {
				if call, ok := n.(*ast.CallExpr); ok {
					c.calls[nameOf(call.Fun)] = append(c.calls[nameOf(call.Fun)], site{call, at})
				}
			})
		}
	}
	for _, src := range c.of {
		for _, f := range src.files {
			c.walk(f, &place{src: src, imports: importsOf(f)}, c.visit)
		}
		for _, f := range src.all {
			c.named(f)
		}
	}
	return c.found
}

func importsOf(f *ast.File) map[string]string {
	paths := map[string]string{}
	for _, i := range f.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		name := path[strings.LastIndexByte(path, '/')+1:]
		if i.Name != nil {
			name = i.Name.Name
		}
		paths[name] = path
	}
	return paths
}

// declare notes the constants, variables, structs and functions of a file, and the
// functions that variables in it hold.
func declare(src *source, f *ast.File) {
	at := &place{src: src, imports: importsOf(f)}
	note := func(name string, kind *ast.FuncType, body *ast.BlockStmt, in *place) *function {
		made := &function{name, kind, body, in}
		src.funcs[name] = append(src.funcs[name], made)
		src.all = append(src.all, made)
		return made
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.ValueSpec:
					for i, v := range s.Values {
						src.values[s.Names[min(i, len(s.Names)-1)].Name] = append(src.values[s.Names[min(i, len(s.Names)-1)].Name], v)
					}
				case *ast.TypeSpec:
					if st, ok := s.Type.(*ast.StructType); ok {
						src.fields[s.Name.Name] = fieldNames(st.Fields)
					}
				}
			}
		case *ast.FuncDecl:
			if d.Body == nil {
				continue
			}
			outer := note(d.Name.Name, d.Type, d.Body, at)
			ast.Inspect(d.Body, func(n ast.Node) bool {
				if a, ok := n.(*ast.AssignStmt); ok && len(a.Lhs) == len(a.Rhs) {
					for i, e := range a.Rhs {
						if lit, ok := e.(*ast.FuncLit); ok {
							note(nameOf(a.Lhs[i]), lit.Type, lit.Body, &place{src, at.imports, outer, []*function{outer}})
						}
					}
				}
				return true
			})
		}
	}
}

// fieldNames are the names of a struct's fields, or of a function's parameters or
// results; "" for one that has none.
func fieldNames(list *ast.FieldList) (names []string) {
	if list == nil {
		return nil
	}
	for _, field := range list.List {
		if len(field.Names) == 0 {
			names = append(names, "")
		}
		for _, n := range field.Names {
			names = append(names, n.Name)
		}
	}
	return names
}

// walk visits what is below a node, each with the functions around it.
func (c *texts) walk(n ast.Node, at *place, visit func(ast.Node, *place)) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Body != nil {
				c.into(at, n.Type, n.Body, visit)
			}
			return false
		case *ast.FuncLit:
			c.into(at, n.Type, n.Body, visit)
			return false
		case nil:
			return false
		}
		visit(n, at)
		return true
	})
}

// into visits a function's body.
func (c *texts) into(at *place, kind *ast.FuncType, body *ast.BlockStmt, visit func(ast.Node, *place)) {
	i := slices.IndexFunc(at.src.all, func(f *function) bool { return f.body == body })
	f := &function{"", kind, body, at}
	if i >= 0 {
		f = at.src.all[i]
	}
	outer := at.outer
	if outer == nil {
		outer = f
	}
	c.walk(body, &place{at.src, at.imports, outer, append(slices.Clip(at.inner), f)}, visit)
}

// named follows the parameters and results of a function whose names say that they hold
// texts, and the results of one whose own name says it.
func (c *texts) named(f *function) {
	for i, name := range fieldNames(f.kind.Params) {
		if holds(name) {
			c.param(f, i)
		}
	}
	names := fieldNames(f.kind.Results)
	for i := range names {
		if holds(names[i]) || strings.Contains(strings.ToLower(f.name), "hint") {
			c.result(f, i)
		}
	}
}

// visit finds what is held.
func (c *texts) visit(n ast.Node, at *place) {
	switch n := n.(type) {
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && holds(key.Name) {
			c.add(n.Value, at)
		}
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if holds(name.Name) && i < len(n.Values) {
				c.add(n.Values[i], at)
			}
		}
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			if holds(nameOf(left)) {
				c.assigned(n, i, at)
			}
		}
	case *ast.CompositeLit:
		c.positional(n, n.Type, at)
	}
}

// positional finds texts in structs that are written without the names of their fields.
func (c *texts) positional(lit *ast.CompositeLit, kind ast.Expr, at *place) {
	var names []string
	switch kind := kind.(type) {
	case *ast.ArrayType:
		for _, e := range lit.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				e = kv.Value
			}
			if inner, ok := e.(*ast.CompositeLit); ok && inner.Type == nil {
				c.positional(inner, kind.Elt, at)
			}
		}
		return
	case *ast.MapType:
		c.positional(lit, &ast.ArrayType{Elt: kind.Value}, at)
		return
	case *ast.StructType:
		names = fieldNames(kind.Fields)
	case *ast.Ident:
		names = at.src.fields[kind.Name]
	}
	for i, e := range lit.Elts {
		if _, keyed := e.(*ast.KeyValueExpr); !keyed && i < len(names) && holds(names[i]) {
			c.add(e, at)
		}
	}
}

func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}
