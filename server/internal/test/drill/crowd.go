//go:build linux

package drill

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"scalable-chat/server/internal/test/siotest"
)

const (
	listeners = 5
	pause     = 20 * time.Millisecond // between two messages of the speaker
	patience  = time.Minute
)

// crowd is the clients that an attack must not harm: one speaks, all listen.
type crowd struct {
	t       *testing.T
	as      siotest.Options // how its clients connect
	clients []*siotest.Client
	talking sync.WaitGroup
	hush    context.CancelFunc

	mu        sync.Mutex
	latencies []time.Duration
}

// gather connects the crowd and lets it talk.
func gather(t *testing.T, as siotest.Options) *crowd {
	c := &crowd{t: t, as: as}
	for range listeners {
		c.clients = append(c.clients, c.open(c.heard))
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.hush = cancel
	c.talking.Go(func() { c.talk(ctx) })
	return c
}

// open connects a client and waits until it has joined.
func (c *crowd) open(heard func(siotest.Message)) *siotest.Client {
	as := c.as
	as.OnMessage = heard
	client := siotest.Open(as)
	c.wait(client, func(s siotest.State) bool { return s.Joined })
	return client
}

func (c *crowd) wait(client *siotest.Client, cond func(siotest.State) bool) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := client.Wait(ctx, cond); err != nil {
		c.t.Errorf("a client of the crowd waits: %+v %q", client.State(), client.Report().Ends)
	}
}

// talk says the time, again and again.
func (c *crowd) talk(ctx context.Context) {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		now := "at " + strconv.FormatInt(time.Now().UnixNano(), 10)
		c.clients[0].Emit(func(json.RawMessage, error) {}, "event:message", map[string]string{"message": now, "username": "speaker"})
	}
}

// heard notes how long a message of the crowd took.
func (c *crowd) heard(m siotest.Message) {
	text, ours := strings.CutPrefix(m.Message, "at ")
	said, err := strconv.ParseInt(text, 10, 64)
	if !ours || err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.latencies = append(c.latencies, time.Since(time.Unix(0, said)))
}

// reset returns what was noted since the last call.
func (c *crowd) reset() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	noted := c.latencies
	c.latencies = nil
	return noted
}

// listen waits until every client has heard a little.
func (c *crowd) listen() {
	for _, client := range c.clients {
		c.wait(client, func(s siotest.State) bool { return s.Messages >= 50 })
	}
}

// newcomer waits until a client that comes now hears the others.
func (c *crowd) newcomer() {
	client := c.open(nil)
	defer client.Close()
	c.wait(client, func(s siotest.State) bool { return s.Messages > 0 })
}

// leave ends the crowd.
func (c *crowd) leave() {
	c.hush()
	for _, client := range c.clients {
		client.Close()
	}
	c.talking.Wait()
}
