package app

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

const module = "scalable-chat/server/"

// outside says which packages may import what of the outside world, beside the standard library. A package that is not
// listed may import nothing of it.
var outside = map[string][]string{
	"internal/engineio":      {"github.com/zishang520/engine.io", "github.com/zishang520/engine.io-go-parser", "github.com/zishang520/socket.io"},
	"internal/adapter":       {"github.com/zishang520/"},
	"internal/room":          {"github.com/zishang520/"},
	"internal/replica":       {"golang.org/x/sync/"},
	"internal/app":           {"github.com/zishang520/socket.io"},
	"cmd/conformance":        {"github.com/zishang520/"},
	"internal/stream/redis":  {"github.com/redis/go-redis/", "github.com/gammazero/deque"},
	"internal/stream/memory": {"github.com/gammazero/deque"},
	"internal/test/embedder": {"github.com/zishang520/socket.io"},
	"internal/cluster":       {"github.com/redis/go-redis/"},
	"internal/bus":           {"github.com/redis/go-redis/"},
	"internal/redisx":        {"github.com/redis/go-redis/"},
	"internal/config":        {"github.com/spf13/viper", "github.com/spf13/pflag"},
	"internal/ops":           {"github.com/prometheus/"},
}

// inside says which packages of ours a package may import. The arrows of the design point one way: what is not listed is
// not allowed. Commands and what only tests import are not judged.
var inside = map[string][]string{
	"internal/stream":        {},
	"internal/stream/memory": {"internal/stream"},
	"internal/stream/redis":  {"internal/stream"},
	"internal/rawconn":       {},
	"internal/fanout":        {"internal/wire", "internal/rawconn", "internal/stream"},
	"internal/wire":          {},
	"internal/pace":          {},
	"internal/accept":        {},
	"internal/engineio":      {"internal/wire", "internal/fanout", "internal/pace", "internal/rawconn"},
	"internal/chat":          {"internal/pace"},
	"internal/config":        {},
	"internal/ops":           {},
	"internal/cluster":       {"internal/forward", "internal/nodeid", "internal/pace", "internal/redisx"},
	"internal/forward":       {"internal/nodeid", "internal/pace", "internal/rawconn"},
	"internal/bus":           {"internal/nodeid", "internal/pace", "internal/redisx"},
	"internal/redisx":        {},
	"internal/nodeid":        {},
	"internal/replica":       {"internal/fanout", "internal/pace", "internal/stream"},
	"internal/adapter":       {"internal/replica", "internal/bus", "internal/pace", "internal/wire", "internal/fanout", "internal/stream"},
	"internal/room":          {"internal/adapter", "internal/chat", "internal/replica", "internal/wire", "internal/fanout", "internal/stream"},
}

// testOnly are packages that exist for tests.
var testOnly = []string{"internal/test/siotest", "internal/test/redistest", "internal/test/chaos", "internal/test/embedder", "internal/test/background", "internal/test/journal", "internal/stream/streamtest"}

func TestImportsPointOneWay(t *testing.T) {
	for pkg, imports := range sources(t) {
		for _, path := range imports {
			local, ours := strings.CutPrefix(path, module)
			switch {
			case ours && slices.Contains(testOnly, local) && !slices.Contains(testOnly, pkg):
				t.Errorf("%s imports %s, which is for tests", pkg, local)
			case ours && pkg != "internal/app" && strings.HasPrefix(pkg, "internal/") && !slices.Contains(testOnly, pkg):
				if allowed, known := inside[pkg]; !known || !slices.Contains(allowed, local) {
					t.Errorf("%s imports %s", pkg, local)
				}
			case !ours && strings.Contains(strings.SplitN(path, "/", 2)[0], ".") && !mayImport(pkg, path):
				t.Errorf("%s imports %s", pkg, path)
			}
		}
	}
}

func mayImport(pkg, path string) bool {
	// Load generators and tests may use any client library; the rules are for what serves.
	if slices.Contains(testOnly, pkg) || strings.HasPrefix(pkg, "cmd/chatbench") {
		return true
	}
	return slices.ContainsFunc(outside[pkg], func(prefix string) bool { return strings.HasPrefix(path, prefix) })
}

// sources lists the imports of every package, tests left out.
func sources(t *testing.T) map[string][]string {
	t.Helper()
	root := filepath.Join("..", "..")
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(file))
		pkg := filepath.ToSlash(dir)
		for _, spec := range parsed.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			found[pkg] = append(found[pkg], path)
		}
		return err
	})
	assert.NoError(t, err)
	if len(found["internal/adapter"]) == 0 {
		t.Fatal("found nothing")
	}
	return found
}
