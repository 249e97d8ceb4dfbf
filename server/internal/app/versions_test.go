package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/redisx"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
	"scalable-chat/server/internal/test/siotest"
)

// newer is a node of a later version: what it writes has more fields, and some of it is of kinds that nobody knows yet.
type newer struct {
	t    *testing.T
	a    *App // whose Redis it uses
	beat int
}

func (n *newer) client() goredis.UniversalClient { return n.a.clustered().client }

func (n *newer) key(name string) string { return redisx.Key(n.a.cfg.StreamKey, name) }

// lives sends a heartbeat, and shares a setting that this version does not have.
func (n *newer) lives() {
	n.beat++
	record := fmt.Sprintf(`{"beat":%d,"connections":1,"settings":"history_window=7 brand_new=1","region":{"name":"x"},"roles":[1]}`, n.beat)
	assert.NoError(n.t, n.client().HSet(n.t.Context(), n.key("nodes"), "newer001", record).Err())
}

// shouts sends what this version does not understand on every channel of the bus and of rooms.
func (n *newer) shouts() {
	channels, err := n.client().PubSubChannels(n.t.Context(), "*").Result()
	assert.NoError(n.t, err)
	assert.Equal(n.t, "there are channels", len(channels) > 2, true)
	unknown := `{"k":"brand new","n":"/","i":1,"z":{}}`
	envelope := "newer001" + "\x00\x00\x00\x00\x00\x00\x00\x01"
	for _, channel := range channels {
		for _, message := range []string{
			"\x02" + envelope + "\x05hello" + unknown, "\x01" + envelope + "\x05hello" + unknown, "z brand new", "mnewer001" + unknown, "mnewer001{", "pnewer001x",
		} {
			assert.NoError(n.t, n.client().Publish(n.t.Context(), channel, message).Err())
		}
	}
}

// says stores a message of the global room with fields that this version does not know, in the entry and in the event.
func (n *newer) says(text string) {
	last, err := n.client().XRevRangeN(n.t.Context(), n.a.cfg.StreamKey, "+", "-", 1).Result()
	assert.NoError(n.t, err)
	event := `["message",{"message":"` + text + `","username":"newer","id":"1","colour":{"r":1},"at":` + "\x00}]"
	assert.NoError(n.t, n.client().XAdd(n.t.Context(), &goredis.XAddArgs{
		Stream: n.a.cfg.StreamKey, Values: []any{"event", event, "prev", last[0].ID, "signature", "brand new"},
	}).Err())
}

// TestANodeWorksBesideANewerOne: it passes on what has more fields than it knows, ignores what it does not understand, counts that,
// and goes on as before.
func TestANodeWorksBesideANewerOne(t *testing.T) {
	r := redistest.Start(t)
	a := start(t, "--redis-url="+r.URL(), "--ops-addr=127.0.0.1:0")
	b := start(t, "--redis-url="+r.URL())
	speaker := open(t, a.url(), siotest.Options{Transport: siotest.WebSocket})
	reader := open(t, b.url(), siotest.Options{Transport: siotest.WebSocket})
	spoken, read := beside(t, speaker, "cats"), beside(t, reader, "cats")
	n := &newer{t: t, a: a}
	window := a.cfg.HistoryWindow
	assert.Eventually(t, "it counts as a node", func() bool { n.lives(); return a.scrape(t, "chat_nodes") == "3" })
	assert.NoError(t, n.client().Append(t.Context(), n.key("settings"), " brand_new=1").Err())
	n.shouts()
	assert.Eventually(t, "it is counted", func() bool {
		return a.scrape(t, `chat_bus_messages_total{outcome="malformed"}`) != "0" && a.scrape(t, `chat_room_news_dropped_total{reason="malformed"}`) != "0"
	})
	n.says("from a newer node")
	for i := range 10 {
		say(t, speaker, fmt.Sprint("all ", i))
		say(t, spoken, fmt.Sprint("cats ", i))
	}
	for _, c := range []*siotest.Client{speaker, reader, spoken, read} {
		assert.Eventually(t, "everything has come", func() bool { return c.State().Messages >= 10 })
		sound(t, c)
	}
	assert.Eventually(t, "its message", func() bool { return slices.Contains(texts(reader), "from a newer node") })
	assert.Equal(t, "gaps", a.scrape(t, "chat_resets_total"), "0")
	assert.Equal(t, "settings", a.clustered().registry.Settings()["history_window"], int64(window))
	shared, err := n.client().Get(t.Context(), n.key("settings")).Result()
	assert.NoError(t, err)
	assert.Equal(t, "its setting is kept: "+shared, strings.Contains(shared, "brand_new=1"), true)
}
