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

// outside says which packages may import what from outside, beside the standard library. A package that is not
// listed may import nothing of it.
var outside = map[string][]string{
	"internal/engineio":           {"github.com/zishang520/engine.io", "github.com/zishang520/engine.io-go-parser", "github.com/zishang520/socket.io"},
	"internal/adapter":            {"github.com/zishang520/"},
	"internal/room":               {"github.com/zishang520/"},
	"internal/replica":            {"golang.org/x/sync/"},
	"internal/app":                {"github.com/zishang520/socket.io"},
	"cmd/conformance":             {"github.com/zishang520/"},
	"internal/stream/redis":       {"github.com/redis/go-redis/", "github.com/gammazero/deque"},
	"internal/stream/memory":      {"github.com/gammazero/deque"},
	"internal/stream/dedupe":      {"github.com/gammazero/deque"},
	"internal/stream/sqlite":      {"github.com/ncruces/go-sqlite3", "github.com/gofrs/flock"},
	"internal/stream/redis/shard": {"github.com/redis/go-redis/"},
	"internal/test/embedder":      {"github.com/zishang520/socket.io"},
	"internal/cluster":            {"github.com/redis/go-redis/"},
	"internal/bus":                {"github.com/redis/go-redis/"},
	"internal/redisx":             {"github.com/redis/go-redis/"},
	"internal/auth":               {"github.com/go-jose/go-jose/", "github.com/hashicorp/golang-lru/"},
	"internal/config":             {"github.com/spf13/viper", "github.com/spf13/pflag"},
	"internal/ops":                {"github.com/prometheus/"},
}

// layers lists the serving packages from the top down. A package imports only packages below it in the list, so there is
// no cycle and no upward import.
var layers = []string{
	"internal/app",                // builds, starts, stops
	"internal/admission",          // who may connect, and as whom
	"internal/api",                // the HTTP API
	"internal/rooms",              // which rooms are open
	"internal/room",               // binds a namespace to the rules
	"internal/adapter",            // the Socket.IO adapter
	"internal/replica",            // the ordered copy of a stream
	"internal/engineio",           // the edge
	"internal/fanout",             // logs, cursors, sweepers
	"internal/wire",               // the codecs
	"internal/chat",               // the rules
	"internal/auth",               // the identity of a socket
	"internal/stream/redis/shard", // the records of rooms in Redis
	"internal/stream/redis",       // the record in Redis
	"internal/stream/memory",      // the record in memory
	"internal/stream/sqlite",      // the record in a file
	"internal/stream/dedupe",      // the keys of appends
	"internal/stream",             // the contract of the record
	"internal/cluster",            // the nodes of the cluster
	"internal/forward",            // requests to the owner of a session
	"internal/bus",                // messages between nodes
	"internal/tlsport",            // TLS on a port
	"internal/pace",               // waiting and rates
	"internal/accept",             // the door: TCP connections
	"internal/proxyproto",         // the header of balancers
	"internal/subscriber",         // which addresses are one client
	"internal/rawconn",            // sockets by their descriptors
	"internal/redisx",             // what all users of Redis share
	"internal/nodeid",             // names of nodes and sessions
	"internal/config",             // the settings
	"internal/hosts",              // which hosts are this machine, or nobody else's
	"internal/ops",                // logs, metrics, health
}

// inside says which of our packages each of them imports. Anything not listed is not allowed. The app may import all.
var inside = map[string][]string{
	"internal/admission":          {"internal/room", "internal/engineio", "internal/auth"},
	"internal/api":                {"internal/auth", "internal/chat", "internal/engineio", "internal/pace"},
	"internal/rooms":              {"internal/engineio", "internal/chat", "internal/stream", "internal/pace", "internal/subscriber"},
	"internal/room":               {"internal/auth", "internal/adapter", "internal/replica", "internal/fanout", "internal/wire", "internal/chat", "internal/stream", "internal/pace"},
	"internal/adapter":            {"internal/auth", "internal/replica", "internal/engineio", "internal/fanout", "internal/wire", "internal/stream", "internal/bus", "internal/pace"},
	"internal/replica":            {"internal/fanout", "internal/stream", "internal/pace"},
	"internal/engineio":           {"internal/fanout", "internal/wire", "internal/pace", "internal/rawconn", "internal/subscriber"},
	"internal/fanout":             {"internal/wire", "internal/stream", "internal/rawconn"},
	"internal/wire":               {},
	"internal/chat":               {"internal/auth", "internal/pace", "internal/subscriber"},
	"internal/auth":               {"internal/hosts"},
	"internal/stream/redis/shard": {"internal/stream/redis", "internal/stream", "internal/redisx", "internal/nodeid"},
	"internal/stream/redis":       {"internal/stream", "internal/redisx"},
	"internal/stream/memory":      {"internal/stream/dedupe", "internal/stream"},
	"internal/stream/sqlite":      {"internal/stream/dedupe", "internal/stream", "internal/pace"},
	"internal/stream/dedupe":      {"internal/stream"},
	"internal/stream":             {},
	"internal/cluster":            {"internal/forward", "internal/pace", "internal/redisx", "internal/nodeid"},
	"internal/forward":            {"internal/pace", "internal/rawconn", "internal/nodeid"},
	"internal/bus":                {"internal/pace", "internal/redisx", "internal/nodeid"},
	"internal/pace":               {},
	"internal/tlsport":            {"internal/pace"},
	"internal/accept":             {"internal/proxyproto", "internal/subscriber"},
	"internal/proxyproto":         {},
	"internal/subscriber":         {},
	"internal/rawconn":            {},
	"internal/redisx":             {},
	"internal/nodeid":             {},
	"internal/config":             {"internal/hosts"},
	"internal/hosts":              {},
	"internal/ops":                {},
}

// isTestOnly reports whether a package exists for tests.
func isTestOnly(pkg string) bool {
	return strings.HasPrefix(pkg, "internal/test/") || pkg == "internal/stream/streamtest"
}

// TestEveryPackageHasItsLayer: every package has a place, and its permitted imports are below it.
func TestEveryPackageHasItsLayer(t *testing.T) {
	for pkg := range sources(t) {
		if serves := strings.HasPrefix(pkg, "internal/") && !isTestOnly(pkg); serves && !slices.Contains(layers, pkg) {
			t.Errorf("%s has no place in the list of layers", pkg)
		}
	}
	for pkg, allowed := range inside {
		for _, below := range allowed {
			if slices.Index(layers, below) <= slices.Index(layers, pkg) {
				t.Errorf("%s may import %s, which is not below it", pkg, below)
			}
		}
	}
}

func TestImportsPointOneWay(t *testing.T) {
	found := sources(t)
	for pkg, imports := range found {
		for _, path := range imports {
			local, ours := strings.CutPrefix(path, module)
			switch {
			case ours && !mayImportOurs(pkg, local):
				t.Errorf("%s imports %s", pkg, local)
			case !ours && strings.Contains(strings.SplitN(path, "/", 2)[0], ".") && !mayImport(pkg, path):
				t.Errorf("%s imports %s", pkg, path)
			}
		}
	}
	for pkg, allowed := range inside {
		for _, local := range allowed {
			if !slices.Contains(found[pkg], module+local) {
				t.Errorf("%s may import %s, and does not", pkg, local)
			}
		}
	}
}

// mayImportOurs judges an import between two of our packages. Tests may import everything, and commands everything but
// test-only packages.
func mayImportOurs(pkg, local string) bool {
	switch {
	case isTestOnly(pkg):
		return true
	case isTestOnly(local):
		return false
	case strings.HasPrefix(pkg, "cmd/"):
		return true
	case pkg == layers[0]:
		return slices.Contains(layers[1:], local)
	default:
		return slices.Contains(inside[pkg], local)
	}
}

func mayImport(pkg, path string) bool {
	// Load generators and tests may use any client library; the rules are for the serving packages.
	if isTestOnly(pkg) || strings.HasPrefix(pkg, "cmd/chatbench") {
		return true
	}
	return slices.ContainsFunc(outside[pkg], func(prefix string) bool { return strings.HasPrefix(path, prefix) })
}

// sources lists the imports of every package, without tests.
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
