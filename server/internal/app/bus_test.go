package app

import (
	"strings"
	"testing"

	"scalable-chat/server/internal/bus"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
	"scalable-chat/server/internal/test/siotest"
)

// until reads up to a packet with the prefix, and returns the rest of that packet.
func (r *raw) until(t *testing.T, prefix string) string {
	t.Helper()
	for {
		p, err := r.read()
		assert.NoError(t, err)
		if rest, ok := strings.CutPrefix(p, prefix); ok {
			return rest
		}
	}
}

func TestTypingAndPresenceReachOtherNodes(t *testing.T) {
	r := redistest.Start(t)
	a, b := start(t, "--redis-url="+r.URL()), start(t, "--redis-url="+r.URL())
	first, one := join(t, a, "")
	second, _ := join(t, b, "")
	first.until(t, `42["presence",{"online":2}]`)
	assert.Eventually(t, "both nodes know of each other", func() bool { return a.parts.nodes() == 2 && b.parts.nodes() == 2 })
	assert.Eventually(t, "the bus is heard", func() bool {
		_ = a.parts.bus.Publish("hello", nil)
		_ = b.parts.bus.Publish("hello", nil)
		return a.clustered().bus.Stats().Received > 0 && b.clustered().bus.Stats().Received > 0
	})

	assert.NoError(t, first.write(`42["typing",{"username":"A","typing":true}]`, `42["typing",{"username":"A","typing":false}]`))
	for _, typing := range []string{"true", "false"} {
		assert.Equal(t, "notice", second.until(t, `42["typing",`), `{"username":"A","id":"`+one.Sid+`","typing":`+typing+`}]`)
	}
	// No client receives its own typing notice.
	assert.NoError(t, second.write(`42["event:message",{"message":"x","username":"B"}]`))
	p := ""
	for !strings.HasPrefix(p, `42["message"`) {
		var err error
		p, err = first.read()
		assert.NoError(t, err)
		if strings.HasPrefix(p, `42["typing"`) {
			t.Errorf("the typist got %s", p)
		}
	}
}

// TestDatabasesOfOneRedisAreApart: staging on /2 and production on /1 share a server and nothing else.
func TestDatabasesOfOneRedisAreApart(t *testing.T) {
	r := redistest.Start(t)
	production := start(t, "--redis-url="+r.URL()+"/1")
	staging := start(t, "--redis-url="+r.URL()+"/2")
	other := start(t, "--redis-url="+r.URL()+"/2")
	listener, _ := join(t, production, "")
	assert.Eventually(t, "the other node receives it", func() bool {
		_ = other.parts.bus.Publish("hello", nil)
		return staging.clustered().bus.Stats().Received > 0
	})

	assert.Eventually(t, "production would hear", func() bool { return strings.Contains(r.CLI("PUBSUB", "CHANNELS"), production.parts.id) })
	colleague, _ := join(t, staging, "")
	typist, _ := join(t, other, "")
	assert.NoError(t, typist.write(`42["typing",{"username":"A","typing":true}]`))
	colleague.until(t, `42["typing",`)
	say(t, open(t, production.url(), siotest.Options{Transport: siotest.WebSocket}), "still here")
	listener.until(t, `42["message",{"message":"still here"`)
	assert.Equal(t, "messages of the other database", production.clustered().bus.Stats(), bus.Stats{})
	assert.Equal(t, "nodes", production.parts.nodes(), 1)
}
