package app

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/journal"
	"scalable-chat/server/internal/test/redistest"
	"scalable-chat/server/internal/test/siotest"
)

// TestP5_ANodeStartsAgainstAFullRedis: the node serves reads, /readyz names what it cannot do, and everything continues
// as soon as there is room.
func TestP5_ANodeStartsAgainstAFullRedis(t *testing.T) {
	r := redistest.Start(t)
	url := "--redis-url=" + r.URL()
	before := start(t, url)
	say(t, open(t, before.url(), siotest.Options{Transport: siotest.WebSocket}), "before")

	r.CLI("CONFIG", "SET", "maxmemory", "1")
	a := start(t, url)
	c := open(t, a.url(), siotest.Options{Transport: siotest.WebSocket, Auth: map[string]any{"history": 1}})
	wait(t, c, "history", func(s siotest.State) bool { return s.Messages == 1 })
	assert.Eventually(t, "the refusal is reported", func() bool {
		return strings.Contains(a.health.Report().Degraded, "cluster: the other nodes cannot see this one: Redis refuses (OOM)")
	})

	assert.Equal(t, "status", a.health.Report().Status, "ready")

	r.CLI("CONFIG", "SET", "maxmemory", "0")
	assert.Eventually(t, "nothing is degraded", func() bool { return a.health.Report().Degraded == "" })
	say(t, c, "after")
}

// TestEvictionIsWarnedAbout: a node warns of a Redis that evicts keys; a Redis that forbids the question is no error.
func TestEvictionIsWarnedAbout(t *testing.T) {
	r := redistest.Start(t, "--maxmemory-policy", "volatile-lru")
	r.CLI("ACL", "SETUSER", "shy", "on", ">password", "~*", "&*", "+@all", "-info")
	warned := logged(t, "--redis-url="+r.URL())
	assert.Eventually(t, "the policy is named", func() bool { return strings.Contains(warned.String(), "maxmemory-policy=volatile-lru") })

	silent := logged(t, "--redis-url="+strings.Replace(r.URL(), "//", "//shy:password@", 1), "--log-level=debug")
	if strings.Contains(silent.String(), "volatile") {
		t.Errorf("asked without the right: %s", silent)
	}
}

// logged starts a node and returns what it logs.
func logged(t *testing.T, flags ...string) *journal.Journal {
	t.Helper()
	_, log := logging(t, flags...)
	return log
}

// logging starts a node whose log can be read.
func logging(t *testing.T, flags ...string) (*App, *journal.Journal) {
	t.Helper()
	log := &journal.Journal{}
	a, err := New(load(t, flags...), slog.New(slog.NewTextHandler(log, nil)))
	assert.NoError(t, err)
	t.Cleanup(func() { _ = a.Stop(context.Background()) })
	assert.NoError(t, a.Start(t.Context()))
	return a, log
}
