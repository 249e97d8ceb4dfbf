package app

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
	"scalable-chat/server/internal/test/siotest"
)

// sayAs sends a message with an id, waits for its ack, and returns it.
func sayAs(t *testing.T, c *siotest.Client, id string) string {
	t.Helper()
	answer, err := c.Call(t.Context(), "event:message", map[string]any{"message": "m", "username": "u", "id": id})
	assert.NoError(t, err)
	return string(answer)
}

// tokenOf is the auth with which another client speaks for the same guest.
func tokenOf(guest *siotest.Client) map[string]any {
	return map[string]any{"token": guest.Report().Pids[1]}
}

// TestMSG12_NodesWithOtherSettingsFollow: two nodes with different settings keep one record, and a rolling change
// takes effect when the last node with the old settings is gone.
func TestMSG12_NodesWithOtherSettingsFollow(t *testing.T) {
	r := redistest.Start(t)
	url := "--redis-url=" + r.URL()
	a, err := New(load(t, url, "--history-window=5000", "--history-max=50"), logger(t))
	assert.NoError(t, err)
	assert.NoError(t, a.Start(t.Context()))
	next := []string{url, "--history-window=60", "--history-max=50", "--dedupe-ttl=11m"}
	b, log := logging(t, next...)
	if !strings.Contains(log.String(), "in_force=\"dedupe_max=500000 dedupe_ttl_ms=600000 history_window=5000 room_ttl_ms=2592000000 room_window=1000\"") {
		t.Errorf("no warning of the difference:\n%s", log)
	}
	first := open(t, a.url(), siotest.Options{Transport: siotest.WebSocket})
	second := open(t, b.url(), siotest.Options{Transport: siotest.WebSocket, Auth: tokenOf(first)})
	for n := range 300 {
		say(t, []*siotest.Client{first, second}[n%2], fmt.Sprint(n))
	}
	assert.Equal(t, "nothing was trimmed", r.CLI("XLEN", "chat"), "301")
	ack := sayAs(t, first, "1")
	say(t, second, "other settings must not wipe the ids")
	assert.Equal(t, "the same id on the other node", sayAs(t, second, "1"), ack)
	assert.Equal(t, "and on the first", sayAs(t, first, "1"), ack)

	assert.NoError(t, a.Stop(t.Context()))
	c, log := logging(t, next...)
	assert.Eventually(t, "the new settings are in force", func() bool { return b.parts.retained() == 60 && c.parts.retained() == 60 })
	say(t, second, "after the change")
	if n, _ := strconv.Atoi(r.CLI("XLEN", "chat")); n > 260 {
		t.Errorf("%d entries are left", n)
	}
	if strings.Contains(log.String(), "other nodes have other settings") {
		t.Errorf("warned of nothing:\n%s", log)
	}
	assert.Equal(t, "the id is still known", sayAs(t, second, "1"), ack)
}

// TestROOM16_NodesWithAnotherRoomWindowFollow: a node with a smaller window trims no room before all nodes have it.
func TestROOM16_NodesWithAnotherRoomWindowFollow(t *testing.T) {
	r := redistest.Start(t)
	url := "--redis-url=" + r.URL()
	a, err := New(load(t, url, "--room-window=1000"), logger(t))
	assert.NoError(t, err)
	assert.NoError(t, a.Start(t.Context()))
	b, log := logging(t, url, "--room-window=60")
	if !strings.Contains(log.String(), "room_window=1000\" ours=") {
		t.Errorf("no warning of the difference:\n%s", log)
	}
	first, second := inRoom(t, a.url(), "cats", siotest.WebSocket), inRoom(t, b.url(), "cats", siotest.WebSocket)
	for n := range 300 {
		say(t, []*siotest.Client{first, second}[n%2], fmt.Sprint(n))
	}
	assert.Equal(t, "nothing was trimmed", r.CLI("XLEN", "{chat:cats}:room"), "301")
	assert.NoError(t, a.Stop(t.Context()))
	assert.Eventually(t, "the new settings are in force", func() bool { return b.parts.window() == 60 })
	say(t, second, "after the change")
	if n, _ := strconv.Atoi(r.CLI("XLEN", "{chat:cats}:room")); n > 260 {
		t.Errorf("%d entries are left", n)
	}
	sound(t, second)
}
