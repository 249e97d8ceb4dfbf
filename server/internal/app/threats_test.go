package app

import (
	"regexp"
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

// How the threat model names tests: those in Go by their functions, others by their file and title.
var (
	goProof    = regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")
	otherProof = regexp.MustCompile("`([\\w./-]+\\.(?:spec|test)\\.\\w+)` “([^”]+)”")
	goTest     = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
)

// TestEveryTestThatTheThreatModelNamesExists: every threat has a proof, and every proof is a test.
func TestEveryTestThatTheThreatModelNamesExists(t *testing.T) {
	known := map[string]bool{}
	for _, path := range sourceFiles(t, ".go") {
		if strings.HasSuffix(path, "_test.go") {
			for _, name := range goTest.FindAllStringSubmatch(read(t, path), -1) {
				known[name[1]] = true
			}
		}
	}
	page := read(t, "docs/SECURITY.md")
	for _, name := range goProof.FindAllStringSubmatch(page, -1) {
		assert.Equal(t, name[1]+" exists", known[name[1]], true)
	}
	for _, proof := range otherProof.FindAllStringSubmatch(page, -1) {
		assert.Equal(t, proof[0]+" exists", strings.Contains(read(t, proof[1]), `"`+proof[2]+`"`), true)
	}
	_, threats, _ := strings.Cut(page, "## Threats")
	threats, _, _ = strings.Cut(threats, "\n## ")
	rows := 0
	for line := range strings.Lines(threats) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| threat") {
			continue
		}
		rows++
		if !goProof.MatchString(line) && !otherProof.MatchString(line) {
			t.Errorf("without a proof: %s", line)
		}
	}
	if rows < 25 {
		t.Errorf("found %d threats only", rows)
	}
}
