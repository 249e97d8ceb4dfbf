package app

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

// docs/ARCHITECTURE.md names code in backticks: a file (`shard.go`), a folder (`docs/decisions/`), a part of a Go package
// (`fanout.Log.Append`), or a part of the web app (`RoomStore.send`, `socketLink()`). The test ignores other text in
// backticks.
var (
	inBackticks = regexp.MustCompile("`([^`\n]+)`")
	asFile      = regexp.MustCompile(`^[\w./-]+\.(go|tsx?|mjs|md|json)$`)
	asFolder    = regexp.MustCompile(`^[\w./-]+/$`)
	asGoName    = regexp.MustCompile(`^[a-z]\w*(\.\w+){1,2}$`)
	asMember    = regexp.MustCompile(`^([A-Z]\w*)\.#?(\w+)$`)
	asFunction  = regexp.MustCompile(`^(\w+)\(\)$`)
)

// architecture returns what the page has in backticks.
func architecture(t *testing.T) (names []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "docs", "ARCHITECTURE.md"))
	assert.NoError(t, err)
	for _, match := range inBackticks.FindAllStringSubmatch(string(text), -1) {
		names = append(names, match[1])
	}
	return names
}

func TestArchitectureNamesWhatExists(t *testing.T) {
	files := sourceFiles(t, ".go", ".ts", ".tsx", ".js", ".mjs", ".md", ".json")
	declared, web := goNames(t), webSource(t)
	for _, name := range architecture(t) {
		exists := true
		switch member, function := asMember.FindStringSubmatch(name), asFunction.FindStringSubmatch(name); {
		case asFile.MatchString(name):
			exists = slices.ContainsFunc(files, func(path string) bool { return strings.HasSuffix("/"+path, "/"+name) })
		case asFolder.MatchString(name):
			exists = slices.ContainsFunc(files, func(path string) bool { return strings.Contains("/"+path, "/"+name) })
		case asGoName.MatchString(name):
			exists = declared[name]
		case member != nil:
			exists = declares(web, `(?:class|interface) `+member[1]) && declares(web, member[2]+`(?:<[^>]*>)?\(`)
		case function != nil:
			exists = declares(web, `function `+function[1])
		}
		if !exists {
			t.Errorf("docs/ARCHITECTURE.md names %s, which does not exist", name)
		}
	}
}

func declares(source, pattern string) bool {
	return regexp.MustCompile(`(?m)\b` + pattern).MatchString(source)
}

// webSource is the source of the web app in one text.
func webSource(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, path := range sourceFiles(t, ".ts", ".tsx") {
		if strings.HasPrefix(path, "frontend/src/") {
			text, err := os.ReadFile(filepath.Join(repository, path))
			assert.NoError(t, err)
			all.Write(text)
		}
	}
	return all.String()
}

// goNames are the declarations of all packages: package.Name, package.Type.method, package.Type.field.
func goNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, file := range servingFiles(t) {
		pkg := file.pkg()
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				names[pkg+"."+functionName(d)] = true
			case *ast.GenDecl:
				for _, name := range specNames(d) {
					names[pkg+"."+name] = true
				}
			}
		}
	}
	return names
}

// specNames are the names that a declaration of types, variables and constants makes, with the fields and methods of types.
func specNames(d *ast.GenDecl) (names []string) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.ValueSpec:
			for _, ident := range s.Names {
				names = append(names, ident.Name)
			}
		case *ast.TypeSpec:
			names = append(names, s.Name.Name)
			for _, field := range fieldsOf(s) {
				for _, ident := range field.Names {
					names = append(names, s.Name.Name+"."+ident.Name)
				}
			}
		}
	}
	return names
}

func fieldsOf(s *ast.TypeSpec) []*ast.Field {
	switch of := s.Type.(type) {
	case *ast.StructType:
		return of.Fields.List
	case *ast.InterfaceType:
		return of.Methods.List
	}
	return nil
}

// functionName is Name, or Type.Name for a method.
func functionName(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	of := fn.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if generic, ok := of.(*ast.IndexExpr); ok {
		of = generic.X
	}
	return of.(*ast.Ident).Name + "." + fn.Name.Name
}

// servingFiles are the files of chatd and of its packages, without tests and test-only packages.
func servingFiles(t *testing.T) (files []goFile) {
	t.Helper()
	for _, file := range goFiles(t) {
		serves := strings.HasPrefix(file.path, "server/cmd/chatd/") || strings.HasPrefix(file.path, "server/internal/")
		forTests := strings.HasPrefix(file.path, "server/internal/test/") || strings.Contains(file.path, "/streamtest/")
		if serves && !forTests && !file.isTest() {
			files = append(files, file)
		}
	}
	return files
}

// pkg is the name of the file's package; for a command, that of its folder.
func (f goFile) pkg() string {
	if f.Name.Name == "main" {
		return filepath.Base(filepath.Dir(f.path))
	}
	return f.Name.Name
}

func TestArchitectureNamesEveryPackage(t *testing.T) {
	page := architecture(t)
	for _, file := range servingFiles(t) {
		pkg, _ := strings.CutPrefix(filepath.ToSlash(filepath.Dir(file.path)), "server/")
		pkg, _ = strings.CutPrefix(pkg, "internal/")
		if !slices.Contains(page, pkg) {
			t.Errorf("docs/ARCHITECTURE.md does not name the package %s", pkg)
		}
	}
}

func TestArchitectureNamesEveryLock(t *testing.T) {
	page := architecture(t)
	for _, file := range servingFiles(t) {
		for _, lock := range locksIn(file.File) {
			if name := file.pkg() + "." + lock; !slices.Contains(page, name) {
				t.Errorf("docs/ARCHITECTURE.md does not name the lock %s", name)
			}
		}
	}
}

// locksIn returns the fields that are locks, as Type.field.
func locksIn(file *ast.File) (locks []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		for _, field := range fieldsOf(spec) {
			of, ok := field.Type.(*ast.SelectorExpr)
			if !ok || of.Sel.Name != "Mutex" && of.Sel.Name != "RWMutex" {
				continue
			}
			for _, ident := range field.Names {
				locks = append(locks, spec.Name.Name+"."+ident.Name)
			}
		}
		return true
	})
	return locks
}

func TestArchitectureNamesEveryStartOfAGoroutine(t *testing.T) {
	page := architecture(t)
	for _, file := range servingFiles(t) {
		for _, decl := range file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Body == nil || !startsGoroutine(fn.Body) {
				continue
			}
			if name := file.pkg() + "." + functionName(fn); !slices.Contains(page, name) {
				t.Errorf("docs/ARCHITECTURE.md does not name %s, which starts a goroutine (%s)", name, file.path)
			}
		}
	}
}

// startsGoroutine reports whether there is a go statement, or a call of a Go method as [sync.WaitGroup] has it.
func startsGoroutine(body *ast.BlockStmt) (starts bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			starts = true
		case *ast.CallExpr:
			if of, ok := n.Fun.(*ast.SelectorExpr); ok && of.Sel.Name == "Go" {
				starts = true
			}
		}
		return !starts
	})
	return starts
}

// TestLocksAreFields: the page would miss a lock that is a package variable or embedded.
func TestLocksAreFields(t *testing.T) {
	for _, file := range servingFiles(t) {
		listed := len(locksIn(file.File))
		mentioned := 0
		ast.Inspect(file.File, func(n ast.Node) bool {
			if of, ok := n.(*ast.SelectorExpr); ok && (of.Sel.Name == "Mutex" || of.Sel.Name == "RWMutex") {
				mentioned++
			}
			return true
		})
		if mentioned != listed {
			t.Errorf("%s mentions %d locks, of which %d are fields with a name", file.path, mentioned, listed)
		}
	}
}
