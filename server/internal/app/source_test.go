package app

import (
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

var repository = filepath.Join("..", "..", "..")

// goFile is one parsed file of the module.
type goFile struct {
	path string // from the root of the repository, with slashes
	*ast.File
	fset *token.FileSet
}

func (f goFile) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

// lines returns how many lines a node has.
func (f goFile) lines(n ast.Node) int {
	return f.fset.Position(n.End()).Line - f.fset.Position(n.Pos()).Line + 1
}

// body returns the source of a function's body as gofmt prints it.
func (f goFile) body(t *testing.T, fn *ast.FuncDecl) string {
	t.Helper()
	var text strings.Builder
	assert.NoError(t, format.Node(&text, f.fset, fn.Body))
	return text.String()
}

// goFiles parses every Go file of the module and of its tests.
func goFiles(t *testing.T) (files []goFile) {
	t.Helper()
	for _, path := range sourceFiles(t, ".go") {
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, filepath.Join(repository, path), nil, parser.ParseComments)
		assert.NoError(t, err)
		files = append(files, goFile{path: path, File: parsed, fset: fset})
	}
	return files
}

// sourceFiles lists the hand-written files that end in one of the suffixes, by path from the root.
func sourceFiles(t *testing.T, suffixes ...string) (paths []string) {
	t.Helper()
	made := []string{"node_modules", ".git", ".next", "out", "dist", "test-results", "bin", ".turbo"}
	err := filepath.WalkDir(repository, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains(made, d.Name()) {
			return filepath.SkipDir
		}
		path, err := filepath.Rel(repository, file)
		if !d.IsDir() && slices.Contains(suffixes, filepath.Ext(file)) {
			paths = append(paths, filepath.ToSlash(path))
		}
		return err
	})
	assert.NoError(t, err)
	if len(paths) == 0 {
		t.Fatal("found no files")
	}
	return paths
}
