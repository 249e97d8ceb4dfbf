package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"scalable-chat/server/internal/ops"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
	"scalable-chat/server/internal/test/siotest"
)

// TestStopDuringTraffic: the server closes the transport, so that clients reconnect by themselves, and every client
// has received what was acked: the record ends with the node.
func TestStopDuringTraffic(t *testing.T) {
	for _, namespace := range []string{"/", "/rooms/cats"} {
		t.Run(namespace, func(t *testing.T) { stopDuringTraffic(t, namespace) })
	}
}

func stopDuringTraffic(t *testing.T, namespace string) {
	a, err := New(load(t), logger(t))
	assert.NoError(t, err)
	assert.NoError(t, a.Start(t.Context()))
	var all []*siotest.Client
	for i := range 9 {
		all = append(all, open(t, a.url(), siotest.Options{Transport: transports[i%len(transports)], Namespace: namespace}))
	}
	var mu sync.Mutex
	var acked []string
	over, end := context.WithCancel(t.Context())
	defer end()
	talk := func(i int, c *siotest.Client) {
		for n := 0; ; n++ {
			text := fmt.Sprintf("%d %d", i, n)
			answer, err := c.Call(over, "event:message", map[string]any{"message": text, "username": "u"})
			if err != nil {
				return
			}
			mu.Lock()
			if strings.HasPrefix(string(answer), `{"status":"ok"`) {
				acked = append(acked, text)
			}
			mu.Unlock()
		}
	}
	var talking sync.WaitGroup
	for i, c := range all {
		talking.Go(func() { talk(i, c) })
	}
	assert.Eventually(t, "there is traffic", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(acked) > 200
	})

	began := time.Now()
	assert.NoError(t, a.Stop(t.Context()))
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("stopping took %v", took)
	}
	end()
	talking.Wait()
	for _, c := range all {
		for _, text := range acked {
			assert.Eventually(t, text+" has come", func() bool { return slices.Contains(texts(c), text) })
		}
		sound(t, c)
	}
}

func TestStopIsOrdered(t *testing.T) {
	a, err := New(load(t, "--drain-delay=1h"), logger(t))
	assert.NoError(t, err)
	assert.NoError(t, a.Start(t.Context()))
	c := open(t, a.url(), siotest.Options{Transport: siotest.WebSocket})
	ctx, hurry := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- a.Stop(ctx) }()
	ready := func() ops.Report {
		answer, err := http.Get(a.url() + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var r ops.Report
		assert.NoError(t, json.NewDecoder(answer.Body).Decode(&r))
		return r
	}
	assert.Eventually(t, "not ready any more", func() bool { return ready().Status == "draining" })
	say(t, c, "still served")
	late := open(t, a.url(), siotest.Options{Transport: siotest.Polling}) // balancers have not noticed yet
	say(t, late, "welcome")
	http.DefaultClient.CloseIdleConnections()
	hurry()
	if err := <-stopped; err == nil {
		t.Error("a stop that had to hurry says nothing")
	}
	assert.Eventually(t, "no connection is left", func() bool { return a.edge.Connections() == 0 })
}

// TestP7_StopDoesNotWaitForPollsOfOtherNodes: a forwarded long poll in a quiet room stays silent for long.
func TestP7_StopDoesNotWaitForPollsOfOtherNodes(t *testing.T) {
	r := redistest.Start(t)
	a, b := start(t, "--redis-url="+r.URL()), startLoose(t, "--redis-url="+r.URL())
	assert.Eventually(t, "both nodes know of each other", func() bool { return a.parts.nodes() == 2 && b.parts.nodes() == 2 })
	poll := func(url string) (string, error) {
		answer, err := http.Get(url)
		if err != nil {
			return "", err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		return string(body), err
	}
	const query = "/socket.io/?EIO=4&transport=polling"
	handshake, err := poll(a.url() + query)
	assert.NoError(t, err)
	var open struct{ Sid string }
	assert.NoError(t, json.Unmarshal([]byte(handshake[1:]), &open))
	broken := make(chan error, 1)
	go func() {
		_, err := poll(b.url() + query + "&sid=" + open.Sid)
		broken <- err
	}()
	assert.Eventually(t, "a poll is forwarded", func() bool { return b.clustered().forwarder.Stats().Requests == 1 })
	assert.NoError(t, b.Stop(t.Context()))
	if <-broken == nil {
		t.Error("the poll was answered; then this tests nothing")
	}
}

// TestP5_StopWhileRedisIsFrozen: once every client has been told, there is nothing to wait for.
func TestP5_StopWhileRedisIsFrozen(t *testing.T) {
	r := redistest.Start(t)
	a := startLoose(t, "--redis-url="+r.URL(), "--append-timeout=500ms")
	c := open(t, a.url(), siotest.Options{Transport: siotest.WebSocket})
	say(t, c, "before")
	r.Stop()
	defer r.Cont()
	answer, err := c.Call(t.Context(), "event:message", map[string]any{"message": "during", "username": "u"})
	assert.NoError(t, err)
	assert.Equal(t, "refused", strings.Contains(string(answer), `"unavailable"`), true)
	assert.NoError(t, a.Stop(t.Context()))
}

// startLoose runs a node that the test itself stops.
func startLoose(t *testing.T, flags ...string) *App {
	t.Helper()
	a, err := New(load(t, flags...), logger(t))
	assert.NoError(t, err)
	assert.NoError(t, a.Start(t.Context()))
	return a
}

func TestRunEndsWithItsContext(t *testing.T) {
	a, err := New(load(t), logger(t))
	assert.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	assert.Eventually(t, "ready", func() bool { return a.health.Report().Status == "ready" })
	cancel()
	assert.NoError(t, <-ended)
}
