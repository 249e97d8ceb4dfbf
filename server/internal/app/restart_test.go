package app

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"scalable-chat/server/internal/stream/sqlite"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/siotest"
)

// TestP12_ARestartKeepsWhatWasAcked: messages, the places of clients, who guests are, and which ids were stored.
func TestP12_ARestartKeepsWhatWasAcked(t *testing.T) {
	dir := "--data-dir=" + filepath.Join(t.TempDir(), "data")
	a, err := New(load(t, dir), logger(t))
	assert.NoError(t, err)
	assert.NoError(t, a.Start(t.Context()))
	away, g := join(t, a, "")
	away.close()
	speaker := open(t, a.url(), siotest.Options{Transport: siotest.WebSocket})
	say(t, speaker, "missed")
	ack := sayAs(t, speaker, "1")
	say(t, inRoom(t, a.url(), "cats", siotest.WebSocket), "of cats")
	assert.NoError(t, a.Stop(t.Context()))

	b := start(t, dir)
	again := open(t, b.url(), siotest.Options{Transport: siotest.WebSocket, Auth: tokenOf(speaker)})
	assert.Equal(t, "a retry is told what the first try was", sayAs(t, again, "1"), ack)
	back, greeting := join(t, b, fmt.Sprintf(`{"pid":%q,"offset":%q}`, g.Pid, g.Offset))
	assert.Equal(t, "recovered", greeting.Pid, g.Pid)
	for _, want := range []string{"missed", "m"} {
		text, _, err := back.message()
		assert.NoError(t, err)
		assert.Equal(t, "message", text, want)
	}
	cats := open(t, b.url(), siotest.Options{Namespace: "/rooms/cats", Auth: map[string]any{"history": 5}})
	wait(t, cats, "shown the past", func(s siotest.State) bool { return s.Messages == 1 })
	assert.Equal(t, "the past of the room", slices.Equal(texts(cats), []string{"of cats"}), true)
}

// TestP12_TwoNodesDoNotShareADirectory: the second one does not start, and the first one goes on.
func TestP12_TwoNodesDoNotShareADirectory(t *testing.T) {
	dir := "--data-dir=" + filepath.Join(t.TempDir(), "data")
	a := start(t, dir)
	_, err := New(load(t, dir), logger(t))
	assert.Equal(t, fmt.Sprint("in use: ", err), errors.Is(err, sqlite.ErrInUse), true)
	say(t, open(t, a.url(), siotest.Options{Transport: siotest.WebSocket}), "still here")
}

func TestP12_TheRecordIsMeasured(t *testing.T) {
	a := start(t, "--ops-addr=127.0.0.1:0")
	say(t, open(t, a.url(), siotest.Options{Transport: siotest.WebSocket}), "one")
	assert.Equal(t, "commits", a.scrape(t, "chat_record_commit_seconds_count") == "0", false)
	assert.Equal(t, "bytes", a.scrape(t, "chat_record_bytes") == "0", false)
	assert.Equal(t, "failed commits", a.scrape(t, "chat_record_failed_commits_total"), "0")
	assert.Equal(t, "up", a.scrape(t, `chat_up{part="record"}`), "1")
}
