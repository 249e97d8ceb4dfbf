package cluster

import (
	"maps"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/background"
	"scalable-chat/server/internal/test/redistest"
)

func wanting(s Settings) func(*RegistryConfig) {
	return func(cfg *RegistryConfig) { cfg.Settings = s }
}

func (n *testNode) waitSettings(t *testing.T, want Settings) {
	t.Helper()
	assert.Eventually(t, "settings "+want.String(), func() bool { return maps.Equal(n.Settings(), want) })
}

// TestMSG12_SettingsChangeWhenAllNodesAgree: a rolling change, node by node.
func TestMSG12_SettingsChangeWhenAllNodesAgree(t *testing.T) {
	old, next := wanting(Settings{"ttl": 1, "window": 10}), wanting(Settings{"ttl": 2, "window": 20})
	r := redistest.Start(t)
	a, b := join(t, r, 0, old), join(t, r, 0, old)
	c := join(t, r, 0, next)
	assert.Equal(t, "a newcomer follows", c.Settings().String(), "ttl=1 window=10")
	a.stop()
	d := join(t, r, 0, next)
	background.Outlast(t, 2*testTTL)
	for _, n := range []*testNode{b, c, d} {
		assert.Equal(t, "one still wants the old", n.Settings().String(), "ttl=1 window=10")
	}
	b.client.Close() // as after kill -9
	for _, n := range []*testNode{c, d} {
		n.waitSettings(t, Settings{"ttl": 2, "window": 20})
	}
	late := join(t, r, 0, old)
	late.waitSettings(t, Settings{"ttl": 2, "window": 20})
	background.Outlast(t, 2*testTTL)
	assert.Equal(t, "one alone changes nothing", d.Settings().String(), "ttl=2 window=20")
}

// TestMSG12_ANodeAloneChangesThemAtOnce: a restart of the only node.
func TestMSG12_ANodeAloneChangesThemAtOnce(t *testing.T) {
	r := redistest.Start(t)
	join(t, r, 0, wanting(Settings{"window": 10})).stop()
	assert.Equal(t, "settings", join(t, r, 0, wanting(Settings{"window": 20})).Settings().String(), "window=20")
}

// TestMSG12_SettingsSurviveAnOutageAndAFlush: no node changes them because Redis was away or has forgotten the nodes.
func TestMSG12_SettingsSurviveAnOutageAndAFlush(t *testing.T) {
	r := redistest.Start(t)
	a := join(t, r, 0, wanting(Settings{"window": 10}))
	b := join(t, r, 0, wanting(Settings{"window": 20}))
	r.Stop()
	assert.Eventually(t, "outage noticed", func() bool { return a.Err() != nil && b.Err() != nil })
	background.Outlast(t, testTTL)
	assert.Equal(t, "during the outage", b.Settings().String(), "window=10")
	r.Cont()
	assert.Eventually(t, "back", func() bool { return a.Err() == nil && b.Err() == nil })
	r.CLI("FLUSHALL")
	assert.Eventually(t, "shared again", func() bool { return r.CLI("GET", "{chat}:settings") != "" })
	assert.Eventually(t, "both have the same", func() bool { return maps.Equal(a.Settings(), b.Settings()) })
	background.Outlast(t, testTTL)
	assert.Equal(t, "both have the same", a.Settings().String(), b.Settings().String())
}

// TestMSG12_SettingsThatAreMissingAreAdded: two nodes that want different values of a new setting still agree.
func TestMSG12_SettingsThatAreMissingAreAdded(t *testing.T) {
	r := redistest.Start(t)
	old := join(t, r, 0, wanting(Settings{"ttl": 1}))
	a, b := join(t, r, 0, wanting(Settings{"ttl": 2, "window": 10})), join(t, r, 0, wanting(Settings{"ttl": 2, "window": 20}))
	assert.Eventually(t, "shared", func() bool { return strings.Contains(r.CLI("GET", "{chat}:settings"), "window=") })
	assert.Eventually(t, "the same on both", func() bool { return maps.Equal(a.Settings(), b.Settings()) })
	assert.Equal(t, "what was shared stays", a.Settings()["ttl"], 1)
	assert.Equal(t, "the old node", old.Settings().String(), "ttl=1")
}

// TestMSG12_SettingsAreReadWithCare: another version, or somebody else, may have written them.
func TestMSG12_SettingsAreReadWithCare(t *testing.T) {
	own := Settings{"ttl": 1, "window": 10}
	for text, want := range map[string]string{
		"":                                 "ttl=1 window=10",
		"window=20":                        "ttl=1 window=20",
		"window=20 ttl=2 later=3":          "ttl=2 window=20",
		"window=0 ttl=-1":                  "ttl=1 window=10",
		"window=x =7 ttl":                  "ttl=1 window=10",
		"window=99999999999999999999 ttl=": "ttl=1 window=10",
	} {
		assert.Equal(t, text, own.with(text).String(), want)
	}
	r := newReadings(t)
	r.read(time.Second, map[string]string{nodeB: record{Settings: own.String()}.encode()})
	assert.Equal(t, "agree", r.r.agree(own), true)
	r.read(time.Second, map[string]string{nodeC: record{}.encode()}) // from a version that shares none
	assert.Equal(t, "agree", r.r.agree(own), false)
}
