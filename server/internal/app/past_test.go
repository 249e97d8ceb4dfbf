package app

import (
	"fmt"
	"slices"
	"testing"

	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
	"scalable-chat/server/internal/test/siotest"
)

// TestHIS9_ForwardsAndBackwardsIsTheSamePast, in the global room and in another: in memory, in a file and in Redis, much of it
// older than what the node has in memory.
func TestHIS9_ForwardsAndBackwardsIsTheSamePast(t *testing.T) {
	r := redistest.Start(t)
	for name, c := range map[string]struct {
		record string
		kept   int // messages, at least
	}{
		"memory": {"--data-dir=off", 100}, "file": {"--data-dir=" + t.TempDir(), 250}, "redis": {"--redis-url=" + r.URL(), 100},
	} {
		t.Run(name, func(t *testing.T) {
			a := start(t, c.record, "--api-keys="+apiKey, "--history-window=100", "--history-max=10", "--room-window=100", "--message-rate=0")
			for path, speaker := range map[string]*siotest.Client{
				"messages?limit=30&":            open(t, a.url(), siotest.Options{}),
				"rooms/cats/messages?limit=30&": inRoom(t, a.url(), "cats", siotest.WebSocket),
			} {
				for i := range 250 {
					say(t, speaker, fmt.Sprint(i))
				}
				wait(t, speaker, "heard", func(s siotest.State) bool { return s.Messages == 250 })
				walkBothWays(t, a, path, c.kept)
			}
		})
	}
}

func walkBothWays(t *testing.T, a *App, path string, kept int) {
	t.Helper()
	page := ask[chat.Past](t, a, 200, path, "")
	all := page.Messages
	for page.More {
		page = ask[chat.Past](t, a, 200, path+"before="+all[0].Offset, "")
		all = slices.Concat(page.Messages, all)
	}
	assert.Equal(t, "newest", all[len(all)-1].Message, "249")
	if len(all) < kept {
		t.Fatalf("%d messages", len(all))
	}
	yes := true
	var forwards []chat.Message
	for at, newer := "0-0", &yes; *newer; newer = page.Newer {
		page = ask[chat.Past](t, a, 200, path+"after="+at, "")
		forwards = append(forwards, page.Messages...)
		at = forwards[len(forwards)-1].Offset
	}
	assert.Equal(t, "forwards", forwards, all)
	for _, i := range []int{0, 1, 20, len(all) / 2, len(all) - 60, len(all) - 1} {
		page = ask[chat.Past](t, a, 200, path+"around="+all[i].Offset, "")
		begin, end := max(0, i-15), min(i+15, len(all))
		assert.Equal(t, "around", page.Messages, all[begin:end])
		assert.Equal(t, "on both sides", []bool{page.More, *page.Newer}, []bool{begin > 0, end < len(all)})
	}
}
