package house

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// nodeTables are the page's Chinese forms of what a node says.
const nodeTables = "../../frontend/src/i18n/node*.zh.ts"

// said are the names of fields, variables and parameters that hold what a person reads.
var said = []string{"Hint", "Detail", "Note", "Reason", "Step", "Text", "hint", "detail", "note", "reason", "why"}

// texts collects the templates of one package: its sentences with {0}, {1} …
// where a value stands.
type texts struct {
	fset   *token.FileSet
	consts map[string]ast.Expr
	funcs  map[string][]int // the places of a function's parameters that hold a text
	found  map[string]token.Position
}

func TestWhatANodeSaysIsSaidInChinese(t *testing.T) {
	known := chineseTemplates(t)
	found := map[string]token.Position{}
	for _, p := range list(t, tags, "./...") {
		if speaks(p.ImportPath) {
			collect(t, strings.TrimPrefix(p.ImportPath, "hither"), found)
		}
	}
	if len(found) < 100 {
		t.Fatalf("only %d texts were found in the sources", len(found))
	}
	for text, at := range found {
		if !known[text] {
			t.Errorf("%s:%d: %q has no Chinese form in frontend/src/i18n/node.*.zh.ts", strings.TrimPrefix(at.Filename, "../../"), at.Line, text)
		}
	}
}

// quiet are packages whose texts the page does not show: the command line and
// the tests, the native window, and readers of bytes, which name a broken place
// for whoever repairs the program.
var quiet = []string{
	"hither/cmd", "hither/internal", "hither/frontend", "hither/app/bench", "hither/app/tunnel/bench", "hither/mirror/bench", "hither/mirror/codec", "hither/mirror/link",
	"hither/mirror/surface", "hither/mirror/wire", "hither/mirror/webm", "hither/mirror/vpx",
}

func speaks(path string) bool {
	return ours(path) && !strings.HasSuffix(path, "test") &&
		!slices.ContainsFunc(quiet, func(root string) bool { return under(path, root) })
}

func chineseTemplates(t *testing.T) map[string]bool {
	t.Helper()
	files, _ := filepath.Glob(nodeTables)
	entry := regexp.MustCompile(`(?m)^  '((?:[^'\\]|\\.)*)':`)
	known := map[string]bool{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range entry.FindAllStringSubmatch(string(source), -1) {
			known[regexp.MustCompile(`\\(.)`).ReplaceAllString(m[1], "$1")] = true
		}
	}
	return known
}

// collect reads every system's sources of a package, whatever their build tags.
func collect(t *testing.T, dir string, found map[string]token.Position) {
	t.Helper()
	c := texts{token.NewFileSet(), map[string]ast.Expr{}, map[string][]int{}, found}
	names, _ := filepath.Glob(filepath.Join("../..", dir, "*.go"))
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(c.fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
		ast.Inspect(f, c.declare)
	}
	for _, f := range files {
		ast.Inspect(f, c.visit)
	}
}

func holds(name string) bool {
	return slices.Contains(said, name) || strings.HasSuffix(name, "Hint")
}

// declare notes constants and which parameters of functions are texts.
func (c *texts) declare(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ValueSpec:
		for i, v := range n.Values {
			if i < len(n.Names) {
				c.consts[n.Names[i].Name] = v
			}
		}
	case *ast.FuncDecl:
		at := 0
		for _, field := range n.Type.Params.List {
			for _, name := range field.Names {
				if holds(name.Name) {
					c.funcs[n.Name.Name] = append(c.funcs[n.Name.Name], at)
				}
				at++
			}
			at += max(0, 1-len(field.Names))
		}
	}
	return true
}

func (c *texts) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && holds(key.Name) {
			c.add(n.Value)
		}
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			if holds(nameOf(left)) && len(n.Lhs) == len(n.Rhs) {
				c.add(n.Rhs[i])
			}
		}
	case *ast.CallExpr:
		for _, at := range c.funcs[nameOf(n.Fun)] {
			if at < len(n.Args) {
				c.add(n.Args[at])
			}
		}
	case *ast.FuncDecl:
		if strings.Contains(strings.ToLower(n.Name.Name), "hint") && n.Body != nil {
			ast.Inspect(n.Body, c.returned)
		}
	}
	return true
}

func (c *texts) returned(n ast.Node) bool {
	if r, ok := n.(*ast.ReturnStmt); ok {
		for _, e := range r.Results {
			c.add(e)
		}
	}
	return true
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

// add takes a text, each choice of cmp.Or by itself.
func (c *texts) add(e ast.Expr) {
	if call, ok := e.(*ast.CallExpr); ok && nameOf(call.Fun) == "Or" {
		for _, arg := range call.Args {
			c.add(arg)
		}
		return
	}
	holes := 0
	text := c.template(e, &holes)
	if strings.ContainsFunc(hole.ReplaceAllString(text, ""), func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }) {
		if _, ok := c.found[text]; !ok {
			c.found[text] = c.fset.Position(e.Pos())
		}
	}
}

var (
	hole = regexp.MustCompile(`\{\d+\}`)
	verb = regexp.MustCompile(`%[-+# 0-9.]*[a-zA-Z]|%%`)
)

// template writes an expression as the table has it: {0}, {1} … for values.
func (c *texts) template(e ast.Expr, holes *int) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			return constant.StringVal(constant.MakeFromLiteral(e.Value, e.Kind, 0))
		}
	case *ast.ParenExpr:
		return c.template(e.X, holes)
	case *ast.BinaryExpr:
		return c.template(e.X, holes) + c.template(e.Y, holes)
	case *ast.Ident:
		if lit, ok := c.consts[e.Name].(*ast.BasicLit); ok {
			return c.template(lit, holes)
		}
	case *ast.CallExpr:
		if nameOf(e.Fun) == "Sprintf" && len(e.Args) > 0 {
			return c.format(e.Args[0], holes)
		}
	}
	*holes++
	return "{" + strconv.Itoa(*holes-1) + "}"
}

func (c *texts) format(e ast.Expr, holes *int) string {
	if _, ok := e.(*ast.BasicLit); !ok {
		*holes++
		return fmt.Sprintf("{%d}", *holes-1)
	}
	quoted := strings.ReplaceAll(c.template(e, holes), "%q", `"%s"`)
	return verb.ReplaceAllStringFunc(quoted, func(v string) string {
		if v == "%%" {
			return "%"
		}
		*holes++
		return fmt.Sprintf("{%d}", *holes-1)
	})
}
