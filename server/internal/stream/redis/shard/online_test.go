package shard

import (
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

func (r *record) online() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.members
}

func TestP10_MembersOfADeadNodeAreNotCounted(t *testing.T) {
	addr := redistest.Start(t).Addr
	var dead atomic.Bool
	here := start(t, Options{Alive: func(string) bool { return !dead.Load() }}, addr)
	there := start(t, Options{}, addr)
	r, sink := follow(t, here, "cats")
	other, _ := follow(t, there, "cats")
	r.SetMembers(2)
	other.SetMembers(3)
	for _, step := range []struct {
		dead bool
		want int
	}{{false, 5}, {true, 2}, {false, 5}} {
		dead.Store(step.dead)
		assert.Eventually(t, "members are "+strconv.Itoa(step.want), func() bool { return sink.online() == step.want })
	}
	_, late := follow(t, start(t, Options{}, addr), "cats")
	assert.Eventually(t, "a room begins with its members", func() bool { return late.online() == 5 })
}

// TestP10_NewerNewsOfMembersIsKept: what a node says while Redis is asked for all is newer than the answer.
func TestP10_NewerNewsOfMembersIsKept(t *testing.T) {
	s := start(t, Options{}, redistest.Start(t).Addr)
	r, sink := follow(t, s, "cats")
	d := r.feed.Load()
	d.count("nodeaaaa", 1)
	d.count("nodebbbb", 2)
	d.mu.Lock()
	d.askLocked()
	d.mu.Unlock()
	d.count("nodebbbb", 0)
	d.count("nodecccc", 4)
	d.enrol(map[string]string{"nodeaaaa": "8", "nodebbbb": "2", "nodecccc": "1", "nodedddd": "16", "nodeeeee": "x"})
	assert.Equal(t, "members", sink.online(), 8+0+4+16)
}

func TestP10_ARoomWithMembersDoesNotExpire(t *testing.T) {
	s := start(t, Options{}, redistest.Start(t).Addr)
	client := s.opts.Client
	silent, _ := follow(t, s, "silent")
	lively, _ := follow(t, s, "lively")
	var sent outcomes
	say(t, lively, &sent, "event")
	sent.stored(t, 1)
	for _, key := range []string{silent.genesis(), lively.stream()} {
		assert.NoError(t, client.PExpire(t.Context(), key, time.Minute).Err())
		assert.Eventually(t, "a check renews "+key, func() bool {
			left, err := client.PTTL(t.Context(), key).Result()
			return err == nil && left > time.Minute
		})
	}
}
