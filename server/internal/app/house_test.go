package app

import (
	"go/ast"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

// The house rules. A rule with a number holds for tests as well.
const (
	maxFunctionLines = 40 // at the 99th percentile
	maxFileLines     = 400
	maxPackageFiles  = 12 // not counting tests
	// A package comment that contains these words, followed by the reason, lifts the limit of files.
	manyFilesMarker = "It has many files because"
)

func TestFunctionsAreShort(t *testing.T) {
	var lengths []int
	for _, file := range goFiles(t) {
		for _, decl := range file.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok {
				lengths = append(lengths, file.lines(fn))
			}
		}
	}
	slices.Sort(lengths)
	if p99 := lengths[len(lengths)*99/100]; p99 > maxFunctionLines {
		t.Errorf("the 99th percentile of function length is %d lines, at most %d", p99, maxFunctionLines)
	}
}

func TestFilesAreShort(t *testing.T) {
	for _, path := range sourceFiles(t, ".go", ".ts", ".tsx", ".mjs") {
		text, err := os.ReadFile(filepath.Join(repository, path))
		assert.NoError(t, err)
		if lines := strings.Count(string(text), "\n"); lines > maxFileLines {
			t.Errorf("%s has %d lines, at most %d", path, lines, maxFileLines)
		}
	}
}

func TestPackagesAreSmallOrSayWhyNot(t *testing.T) {
	count, excused := map[string]int{}, map[string]bool{}
	for _, file := range goFiles(t) {
		if file.isTest() {
			continue
		}
		pkg := filepath.Dir(file.path)
		count[pkg]++
		comment := strings.Join(strings.Fields(file.Doc.Text()), " ")
		excused[pkg] = excused[pkg] || strings.Contains(comment, manyFilesMarker)
	}
	for pkg, n := range count {
		if n > maxPackageFiles && !excused[pkg] {
			t.Errorf("%s has %d files, more than %d; its package comment gives no reason (%q)", pkg, n, maxPackageFiles, manyFilesMarker)
		}
		if n <= maxPackageFiles && excused[pkg] {
			t.Errorf("%s has %d files and needs no excuse", pkg, n)
		}
	}
}

func TestTestHelpersExistOnce(t *testing.T) {
	const shortest = 3 // lines; shorter bodies are alike by chance
	where := map[string][]string{}
	for _, file := range goFiles(t) {
		for _, decl := range file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || !file.isTest() || file.lines(fn.Body) < shortest+2 {
				continue
			}
			body := file.body(t, fn)
			where[body] = append(where[body], file.path+": "+fn.Name.Name)
		}
	}
	for _, places := range where {
		if len(places) > 1 {
			t.Errorf("these have the same body: %s", strings.Join(places, ", "))
		}
	}
}
