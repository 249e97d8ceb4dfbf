package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"scalable-chat/server/internal/ops"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
	"scalable-chat/server/internal/test/siotest"
)

func TestEveryKindOfRedis(t *testing.T) {
	for name, flags := range map[string]func(t *testing.T) []string{
		"single": func(t *testing.T) []string { return []string{"--redis-url=" + redistest.Start(t).URL()} },
		"split, with password": func(t *testing.T) []string {
			host, port, _ := strings.Cut(redistest.Start(t, "--requirepass", "p@ss/word").Addr, ":")
			return []string{"--redis-host=" + host, "--redis-port=" + port, "--redis-passwd=p@ss/word"}
		},
		"TLS": func(t *testing.T) []string {
			server, ca := redistest.StartTLS(t)
			return []string{"--redis-url=" + server.URL(), "--redis-ca-file=" + ca}
		},
		"mutual TLS": func(t *testing.T) []string {
			server, ca, cert, key := redistest.StartMutualTLS(t)
			return []string{"--redis-url=" + server.URL(), "--redis-ca-file=" + ca, "--redis-cert-file=" + cert, "--redis-key-file=" + key}
		},
		"Cluster by one address": func(t *testing.T) []string {
			return []string{"--redis-url=" + redistest.StartMasters(t).Nodes[2].URL()}
		},
		"Sentinel, with a password": func(t *testing.T) []string {
			s := redistest.StartSentinelsWithPassword(t, "watcher", "gehe1m")
			return []string{
				"--redis-url=" + s.URL(), "--redis-sentinel-master=" + s.Name,
				"--redis-sentinel-username=watcher", "--redis-sentinel-passwd=gehe1m",
			}
		},
		"Cluster": func(t *testing.T) []string { return []string{"--redis-url=" + redistest.StartCluster(t).URL()} },
		"Sentinel": func(t *testing.T) []string {
			s := redistest.StartSentinels(t)
			return []string{"--redis-url=" + s.URL(), "--redis-sentinel-master=" + s.Name}
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := start(t, flags(t)...)
			c := open(t, a.url(), siotest.Options{Transport: siotest.WebSocket})
			say(t, c, "hello")
			wait(t, c, "heard", func(s siotest.State) bool { return s.Messages == 1 })
			assert.Equal(t, "report", a.health.Report(), ops.Report{Status: "ready"})
		})
	}
}

// TestP5_OutageIsAPause: while Redis is away, the node keeps its clients and reports it; then everything continues.
func TestP5_OutageIsAPause(t *testing.T) {
	proxy := redistest.StartProxy(t, redistest.Start(t).Addr, 1)
	a := start(t, "--redis-url=redis://"+proxy.Addr, "--append-timeout=500ms")
	c := open(t, a.url(), siotest.Options{Transport: siotest.WebSocket})
	say(t, c, "before")

	proxy.SetDown(true)
	message := map[string]any{"message": "during", "username": "u", "id": "1"}
	answer, err := c.Call(t.Context(), "event:message", message)
	assert.NoError(t, err)
	var refusal struct{ Status, Code string }
	assert.NoError(t, json.Unmarshal(answer, &refusal))
	assert.Equal(t, "ack", refusal.Code, "unavailable")
	assert.Eventually(t, "both parts are degraded", func() bool {
		r := a.health.Report()
		return r.Status == "ready" && strings.Contains(r.Degraded, "stream") && strings.Contains(r.Degraded, "cluster")
	})

	if r := a.health.Report(); strings.Contains(r.Degraded, "127.0.0.1") {
		t.Errorf("the public report contains an address: %s", r.Degraded)
	}

	proxy.SetDown(false)
	assert.Eventually(t, "the message can be sent again", func() bool {
		answer, err := c.Call(t.Context(), "event:message", message)
		return err == nil && strings.HasPrefix(string(answer), `{"status":"ok"`)
	})

	assert.Eventually(t, "nothing is degraded", func() bool { return a.health.Report() == ops.Report{Status: "ready"} })
	say(t, c, "after")
	wait(t, c, "complete", func(s siotest.State) bool { return s.Messages == 3 })
	assert.Equal(t, "timeline", fmt.Sprint(texts(c)), "[before during after]")
	assert.Equal(t, "connects", c.State().Connects, 1)
}

// TestP3_AnyNodeRecoversWhatAnotherBegan: nothing is stored of a session, so a client can recover on any node.
func TestP3_AnyNodeRecoversWhatAnotherBegan(t *testing.T) {
	r := redistest.Start(t)
	a, b := start(t, "--redis-url="+r.URL()), start(t, "--redis-url="+r.URL())
	first, g := join(t, a, "")
	first.close()
	speaker := open(t, a.url(), siotest.Options{Transport: siotest.WebSocket})
	for n := range 20 {
		say(t, speaker, fmt.Sprint(n))
	}
	back, again := join(t, b, fmt.Sprintf(`{"pid":%q,"offset":%q}`, g.Pid, g.Offset))
	assert.Equal(t, "pid", again.Pid, g.Pid)
	for n := range 20 {
		text, _, err := back.message()
		assert.NoError(t, err)
		assert.Equal(t, "message", text, fmt.Sprint(n))
	}
}

// TestP7_ASessionIsServedByAnyNode: every request of a session goes to another node than the one before.
func TestP7_ASessionIsServedByAnyNode(t *testing.T) {
	r := redistest.Start(t)
	a, b := start(t, "--redis-url="+r.URL()), start(t, "--redis-url="+r.URL())
	assert.Eventually(t, "both nodes know of each other", func() bool { return a.parts.nodes() == 2 && b.parts.nodes() == 2 })
	for _, transport := range transports {
		c := open(t, roundRobin(t, a, b), siotest.Options{Transport: transport})
		for n := range 5 {
			say(t, c, fmt.Sprint(n))
		}
		assert.Eventually(t, "all came", func() bool { return strings.HasSuffix(strings.Join(texts(c), ""), "01234") })
		assert.Equal(t, "connects", c.State().Connects, 1)
		sound(t, c)
	}
}

// TestP7_AWrongAddressIsSeen: the address that other nodes are given is logged, and /readyz says when it is wrong.
func TestP7_AWrongAddressIsSeen(t *testing.T) {
	r := redistest.Start(t)
	var log strings.Builder
	nowhere := "127.0.0.1:" + redistest.FreePort(t)
	a, err := New(load(t, "--redis-url="+r.URL(), "--node-address="+nowhere), slog.New(slog.NewTextHandler(&log, nil)))
	assert.NoError(t, err)
	assert.NoError(t, a.Stop(t.Context()))
	if want := "address=" + nowhere + " found=NODE_ADDRESS"; !strings.Contains(log.String(), want) {
		t.Errorf("%q is not logged: %s", want, log.String())
	}

	a = start(t, "--redis-url="+r.URL(), "--node-address="+nowhere)
	b := start(t, "--redis-url="+r.URL())
	assert.Eventually(t, "the node is degraded", func() bool { return strings.Contains(a.health.Report().Degraded, "NODE_ADDRESS") })
	assert.Equal(t, "status", a.health.Report().Status, "ready")
	assert.Equal(t, "the other one", b.health.Report(), ops.Report{Status: "ready"})
}

// TestHIS7_HistoryOfTheWindowNeedsNoRedis: history in the window costs Redis nothing, and is available while Redis is not.
func TestHIS7_HistoryOfTheWindowNeedsNoRedis(t *testing.T) {
	proxy := redistest.StartProxy(t, redistest.Start(t).Addr, 1)
	a := start(t, "--redis-url=redis://"+proxy.Addr)
	c := open(t, a.url(), siotest.Options{Transport: siotest.WebSocket})
	for i := range 30 {
		say(t, c, fmt.Sprint("message ", i))
	}
	wait(t, c, "heard", func(s siotest.State) bool { return s.Messages == 30 })
	proxy.SetDown(true)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	text, err := c.Call(ctx, "history", map[string]any{"limit": 20})
	assert.NoError(t, err)
	var past struct {
		Status   string
		Messages []struct{ Message string }
		More     bool
	}
	assert.NoError(t, json.Unmarshal(text, &past))
	assert.Equal(t, "answer", fmt.Sprint(past.Status, len(past.Messages), past.More), "ok20 true")
	assert.Equal(t, "newest", past.Messages[19].Message, "message 29")
	proxy.SetDown(false)
}
