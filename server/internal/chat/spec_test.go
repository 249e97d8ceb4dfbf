package chat

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

func TestSPEC_EveryFixtureCitesAStatement(t *testing.T) {
	spec, err := os.ReadFile("../../../protocol/SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	stated := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^- \*\*([A-Z]{3,4}-\d+)\*\* `).FindAllStringSubmatch(string(spec), -1) {
		assert.Equal(t, m[1]+" is stated twice", stated[m[1]], false)
		stated[m[1]] = true
	}
	files, err := filepath.Glob(fixtures + "*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no fixtures", err)
	}
	for _, file := range files {
		golden := load[struct{ Cases []struct{ Spec, Name string } }](t, filepath.Base(file))
		for _, c := range golden.Cases {
			assert.Equal(t, file+": "+c.Name+": "+c.Spec+" is stated", stated[c.Spec], true)
		}
	}
}
