package app

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

// How the name of a test, or a case of a fixture, says which statement of the wire contract it pins.
var (
	statement  = regexp.MustCompile(`(?m)^- \*\*([A-Z]{3,4}-\d+)\*\* `)
	inGoName   = regexp.MustCompile(`(?m)^func (?:Test|Fuzz)(?:P\d+_)?((?:[A-Z]{3,4}\d+_)+)`)
	inNumber   = regexp.MustCompile(`([A-Z]+)(\d+)_`)
	inWebName  = regexp.MustCompile("\\b(?:test|it|describe)(?:\\.\\w+)?\\(\\s*[\"`]([^\"`]*)")
	inFixture  = regexp.MustCompile(`"spec": "([^"]*)"`)
	dashNumber = regexp.MustCompile(`[A-Z]{3,4}-\d+`)
)

// pinned returns the numbers that the names of tests and the cases of fixtures carry.
func pinned(t *testing.T) map[string]bool {
	t.Helper()
	numbers := map[string]bool{}
	for _, path := range sourceFiles(t, ".go", ".ts", ".tsx", ".mjs", ".json") {
		text := read(t, path)
		switch {
		case strings.HasSuffix(path, "_test.go"):
			for _, name := range inGoName.FindAllStringSubmatch(text, -1) {
				for _, number := range inNumber.FindAllStringSubmatch(name[1], -1) {
					numbers[number[1]+"-"+number[2]] = true
				}
			}
		case strings.HasPrefix(path, "protocol/fixtures/"):
			for _, spec := range inFixture.FindAllStringSubmatch(text, -1) {
				numbers[spec[1]] = true
			}
		default:
			for _, name := range inWebName.FindAllStringSubmatch(text, -1) {
				for _, number := range dashNumber.FindAllString(name[1], -1) {
					numbers[number] = true
				}
			}
		}
	}
	return numbers
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, path))
	assert.NoError(t, err)
	return string(text)
}

func TestEveryStatementOfTheContractIsInTheNameOfATest(t *testing.T) {
	numbers := pinned(t)
	stated := statement.FindAllStringSubmatch(read(t, "protocol/SPEC.md"), -1)
	if len(stated) < 100 {
		t.Fatalf("found %d statements only", len(stated))
	}
	for _, s := range stated {
		if !numbers[s[1]] {
			t.Errorf("%s is in the name of no test and in no fixture", s[1])
		}
	}
}
