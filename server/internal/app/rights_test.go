package app

import (
	"os"
	"slices"
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
	"scalable-chat/server/internal/test/siotest"
)

// documented are the rules of a user in the deployment page: what follows ACL SETUSER <name>.
func documented(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../../../deploy/README.md")
	assert.NoError(t, err)
	for line := range strings.Lines(string(page)) {
		if rules, ok := strings.CutPrefix(line, "ACL SETUSER chat "); ok {
			return strings.Fields(rules)
		}
	}
	t.Fatal("deploy/README.md has no ACL SETUSER")
	return nil
}

// grant makes the user on all servers, with further rules after the documented ones.
func grant(t *testing.T, servers []*redistest.Server, more ...string) {
	t.Helper()
	for _, s := range servers {
		s.CLI("ACL", "LOG", "RESET")
		out := s.CLI(append(append([]string{"ACL", "SETUSER", "chat"}, documented(t)...), more...)...)
		assert.Equal(t, "ACL SETUSER", out, "OK")
	}
}

// kinds are the ways in which Redis is run: the servers of each, and the flags to reach them as the user.
func kinds(t *testing.T) map[string]func(t *testing.T) ([]*redistest.Server, []string) {
	flags := func(url string, more ...string) []string {
		return append([]string{"--redis-url=" + strings.Replace(url, "//", "//chat:password@", 1)}, more...)
	}
	return map[string]func(t *testing.T) ([]*redistest.Server, []string){
		"single": func(t *testing.T) ([]*redistest.Server, []string) {
			r := redistest.Start(t)
			return []*redistest.Server{r}, flags(r.URL() + "/3")
		},
		"Cluster": func(t *testing.T) ([]*redistest.Server, []string) {
			c := redistest.StartCluster(t)
			return c.Nodes, flags(c.URL())
		},
		"Cluster by one address": func(t *testing.T) ([]*redistest.Server, []string) {
			c := redistest.StartCluster(t)
			return c.Nodes, flags(c.Nodes[0].URL())
		},
		"Sentinel": func(t *testing.T) ([]*redistest.Server, []string) {
			s := redistest.StartSentinels(t)
			return []*redistest.Server{s.Master, s.Replica}, flags(s.URL(), "--redis-sentinel-master="+s.Name)
		},
	}
}

// TestTheDocumentedRightsSuffice: Redis refuses nothing that two nodes do to a user with only these rights.
func TestTheDocumentedRightsSuffice(t *testing.T) {
	for name, begin := range kinds(t) {
		t.Run(name, func(t *testing.T) {
			servers, flags := begin(t)
			grant(t, servers)
			a, b := start(t, flags...), start(t, flags...)
			speaker := open(t, a.url(), siotest.Options{Transport: siotest.WebSocket})
			say(t, speaker, "hello")
			listener, _ := join(t, b, "")
			typist, _ := join(t, a, "")
			assert.Eventually(t, "the bus is heard", func() bool {
				_ = a.parts.bus.Publish("hello", nil)
				return b.clustered().bus.Stats().Received > 0
			})

			assert.NoError(t, typist.write(`42["typing",{"username":"A","typing":true}]`))
			listener.until(t, `42["typing",`)
			here := open(t, a.url(), siotest.Options{Transport: siotest.WebSocket, Namespace: "/rooms/cats"})
			there := open(t, b.url(), siotest.Options{Transport: siotest.WebSocket, Namespace: "/rooms/cats"})
			say(t, here, "hello, cats")
			assert.Eventually(t, "the room is heard", func() bool { return slices.Contains(texts(there), "hello, cats") })
			assert.Equal(t, "degraded", a.health.Report().Degraded+b.health.Report().Degraded, "")
			for _, s := range servers {
				if log := s.CLI("ACL", "LOG"); strings.Contains(log, "chat") {
					t.Errorf("refused:\n%s", log)
				}
			}
		})
	}
}

// TestMissingRightsAreNamed: one message names all of them, while the node does what it can.
func TestMissingRightsAreNamed(t *testing.T) {
	for name, begin := range kinds(t) {
		t.Run(name, func(t *testing.T) {
			servers, flags := begin(t)
			grant(t, servers, "resetchannels", "-hdel", "-hlen")
			log := logged(t, flags...)
			assert.Eventually(t, "the rights are named", func() bool {
				return strings.Contains(log.String(), `user=chat missing="+hdel +hlen &{chat:*}:room:* &{chat}:*"`)
			})

			a := start(t, flags...)
			assert.Eventually(t, "the report names them", func() bool {
				d := a.health.Report().Degraded
				return strings.Contains(d, "rights: the user of Redis lacks +hdel +hlen &{chat:*}:room:* &{chat}:*") &&
					strings.Contains(d, "bus: typing and requests of other nodes cannot be heard: Redis refuses (NOPERM)")
			})

			assert.Equal(t, "status", a.health.Report().Status, "ready")

			grant(t, servers)
			assert.Eventually(t, "nothing is degraded", func() bool { return a.health.Report().Degraded == "" })
			grant(t, servers, "resetchannels") // cuts the subscribed connection
			assert.Eventually(t, "the bus is degraded", func() bool { return strings.Contains(a.health.Report().Degraded, "bus:") })
		})
	}
}

// TestMissingRightsAreNamedBeforeTheNodeIsReady: also the rights without which nothing can be read.
func TestMissingRightsAreNamedBeforeTheNodeIsReady(t *testing.T) {
	r := redistest.Start(t)
	grant(t, []*redistest.Server{r}, "resetkeys", "~other", "-select", "+select", "-xrevrange")
	a, err := New(load(t, "--redis-url="+strings.Replace(r.URL(), "//", "//chat:password@", 1)), logger(t))
	assert.NoError(t, err)
	started := make(chan error, 1)
	go func() { started <- a.Start(t.Context()) }()
	assert.Eventually(t, "the report names them", func() bool {
		return strings.Contains(a.health.Report().Degraded, "lacks +xrevrange ~chat ~{chat:*}:room* ~{chat}:*")
	})

	assert.Equal(t, "status", a.health.Report().Status, "starting")
	grant(t, []*redistest.Server{r})
	assert.NoError(t, <-started)
	assert.NoError(t, a.Stop(t.Context()))
}
