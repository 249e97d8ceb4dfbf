package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/config"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
	"scalable-chat/server/internal/test/siotest"
)

func TestMain(m *testing.M) { redistest.VerifyMain(m) }

// patience is how long a test waits for something that must happen.
const patience = time.Minute

// load makes a configuration from the defaults and the given flags.
func load(t testing.TB, flags ...string) config.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "empty.env")
	assert.NoError(t, os.WriteFile(file, nil, 0o600))
	all := []string{
		"--config", file, "--host=127.0.0.1", "--port=0", "--drain-delay=0s", "--drain-timeout=5s", "--message-rate=0",
		"--data-dir", filepath.Join(t.TempDir(), "data"),
	}
	cfg, err := config.Load(append(all, flags...))
	assert.NoError(t, err)
	return cfg
}

// testLog shows what a node logs if the test fails.
type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	if l.t.Context().Err() == nil { // a test that has ended accepts no log
		l.t.Log(strings.TrimSpace(string(p)))
	}
	return len(p), nil
}

func logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// start runs a node on a free port until the test ends.
func start(t testing.TB, flags ...string) *App {
	t.Helper()
	a, err := New(load(t, flags...), logger(t))
	assert.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := a.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	assert.NoError(t, a.Start(ctx))
	return a
}

// clustered is the topology of a node that shares a Redis.
func (a *App) clustered() *clustered { return a.topology.(*clustered) }

func (a *App) url() string { return "http://" + a.Addr() }

// open connects a client and waits until it can miss no message.
func open(t *testing.T, url string, o siotest.Options) *siotest.Client {
	t.Helper()
	o.URL = url
	c := siotest.Open(o)
	t.Cleanup(c.Close)
	wait(t, c, "joined", func(s siotest.State) bool { return s.Joined })
	return c
}

func wait(t *testing.T, c *siotest.Client, what string, cond func(siotest.State) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.Wait(ctx, cond); err != nil {
		t.Fatalf("%s client never was: %s: %+v %q", c.Transport(), what, c.State(), c.Report().Ends)
	}
}

// say sends a message and waits for its ack.
func say(t *testing.T, c *siotest.Client, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answer, err := c.Call(ctx, "event:message", map[string]any{"message": text, "username": "tester"})
	assert.NoError(t, err)
	if !strings.HasPrefix(string(answer), `{"status":"ok"`) {
		t.Fatalf("%s: %s", text, answer)
	}
}

// texts are the messages that a client has seen, over all its segments.
func texts(c *siotest.Client) []string {
	var all []string
	for _, s := range c.Report().Segments {
		for _, m := range s.Messages {
			all = append(all, m.Message)
		}
	}
	return all
}

// sound checks what holds for every client: no breach of the contract, and offsets that only grow.
func sound(t *testing.T, c *siotest.Client) {
	t.Helper()
	if r := c.Report(); len(r.Breaches) > 0 {
		t.Errorf("%s client: %q", c.Transport(), r.Breaches)
	}
}

// seeded prints the seed of a random test; SEED sets it.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("SEED"); text != "" {
		_, err := fmt.Sscan(text, &seed)
		assert.NoError(t, err)
	}
	t.Logf("SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

var transports = []siotest.Transport{siotest.Polling, siotest.WebSocket, siotest.Upgrade}

// scrape reads one counter of the node.
func (a *App) scrape(t *testing.T, series string) string {
	t.Helper()
	w := newRecorder()
	a.private.server.Handler.ServeHTTP(w, newRequest("/metrics"))
	body, err := io.ReadAll(w.Body)
	assert.NoError(t, err)
	for line := range strings.Lines(string(body)) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	t.Errorf("no series %s", series)
	return ""
}
