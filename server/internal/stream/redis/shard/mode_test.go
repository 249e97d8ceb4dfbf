package shard

import (
	"strings"
	"sync"
	"testing"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

func TestP10_NodesAgreeOnTheKindOfChannels(t *testing.T) {
	for kind, want := range map[string]bool{"one server": false, "a Cluster": true, "a Cluster's entry": true} {
		t.Run(kind, func(t *testing.T) {
			addrs := kinds[kind](t)
			var all sync.WaitGroup
			for range 5 {
				s := start(t, Options{}, addrs...)
				all.Go(func() {
					sharded, err := s.sharded(t.Context())
					assert.Equal(t, "error", err, nil)
					assert.Equal(t, "sharded", sharded, want)
				})
			}
			all.Wait()
		})
	}
}

// TestP10_TheFirstNodeDecides: also a node that would choose otherwise does as the first one.
func TestP10_TheFirstNodeDecides(t *testing.T) {
	addrs := redistest.StartMasters(t).Addrs()
	first := start(t, Options{}, addrs...)
	assert.NoError(t, first.opts.Client.Set(t.Context(), "{chat}:rooms:news", newsPlain, 0).Err())
	sharded, err := first.sharded(t.Context())
	assert.NoError(t, err)
	assert.Equal(t, "sharded", sharded, false)

	assert.NoError(t, first.opts.Client.Set(t.Context(), "{chat}:rooms:news", "smoke", 0).Err())
	if _, err := start(t, Options{}, addrs...).sharded(t.Context()); err == nil || !strings.Contains(err.Error(), "smoke") {
		t.Errorf("an unknown kind: %v", err)
	}
}

// TestP10_AServerThatDoesNotTellIsPlain: the right to ask is not needed.
func TestP10_AServerThatDoesNotTellIsPlain(t *testing.T) {
	cluster := redistest.StartMasters(t)
	for _, node := range cluster.Nodes {
		node.CLI("ACL", "SETUSER", "default", "-cluster|info")
	}
	s := start(t, Options{}, cluster.Addrs()...)
	sharded, err := s.sharded(t.Context())
	assert.NoError(t, err)
	assert.Equal(t, "sharded", sharded, false)
	_, sink := follow(t, s, "cats")
	var sent outcomes
	say(t, s.Room("cats"), &sent, "event")
	assert.Eventually(t, "it comes", func() bool { return sink.events() == "event" })
}
