package checks

import (
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// number returns what a pattern finds in a file.
func number(t *testing.T, file, pattern string) int {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	m := regexp.MustCompile(pattern).FindSubmatch(text)
	if m == nil {
		t.Fatalf("%s has nothing like %s", file, pattern)
	}
	n, err := strconv.Atoi(string(m[1]))
	must(t, err)
	return n
}

// TestComposeFilesAreValid: the loader that docker compose itself uses checks them against the published schema, resolves what
// they merge, and checks that dependencies, volumes and networks exist.
func TestComposeFilesAreValid(t *testing.T) {
	for _, file := range []string{"../compose.yaml", "../compose.single.yaml"} {
		project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
			WorkingDir: "..", ConfigFiles: []types.ConfigFile{{Filename: file}}, Environment: types.Mapping{},
		})
		must(t, err)
		for name, service := range project.Services {
			if service.StopGracePeriod != nil && time.Duration(*service.StopGracePeriod) < 15*time.Second {
				t.Errorf("%s: %s has %v for its end", file, name, *service.StopGracePeriod)
			}
			if service.Privileged || service.NetworkMode != "" || service.Restart != types.RestartPolicyUnlessStopped {
				t.Errorf("%s: %s is %+v", file, name, service)
			}
		}
	}
}
