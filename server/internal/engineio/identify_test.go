package engineio

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

// registrar notes whom it identified, and waits for its gates.
type registrar struct {
	gates map[string]chan struct{} // by namespace

	mu    sync.Mutex
	order []string
}

func (r *registrar) identify(ctx context.Context, s *Session, c Connect) error {
	r.mu.Lock()
	r.order = append(r.order, c.Namespace+string(c.Payload))
	r.mu.Unlock()
	if gate := r.gates[c.Namespace]; gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	switch c.Namespace {
	case "/refused", "/":
		if strings.Contains(string(c.Payload), "bad") {
			return fmt.Errorf("wrapped: %w", &Refusal{"unauthorized", "No"})
		}
	case "/away":
		return errors.New("keys are away")
	}
	s.SetPass(c.Namespace, c.Namespace+" pass")
	return nil
}

func (r *registrar) asked() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.order...)
}

func (r *registrar) edit(o *Options) { o.Identify = r.identify }

func TestP11_CONNECTsAreIdentifiedInTheirOrder(t *testing.T) {
	t.Parallel()
	for range 50 {
		r := &registrar{gates: map[string]chan struct{}{"/0": make(chan struct{})}}
		e, got := newTurns(t, r.edit)
		c, _ := openWS(t, e)
		s := assert.Receive(t, "session", e.sessions)
		var want []string
		for n := range 8 {
			c.send(fmt.Sprintf(`40/%d,{"n":%d}`, n, n))
			want = append(want, fmt.Sprintf(`/%d{"n":%d}`, n, n))
		}
		assert.Eventually(t, "all are read", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.lanes.count == 8 })
		assert.Equal(t, "asked", len(r.asked()) <= 1 && len(got) == 0, true)
		close(r.gates["/0"])
		for range want {
			assert.Receive(t, "packet", got)
		}
		assert.Equal(t, "order", r.asked(), want)
		assert.Equal(t, "pass", s.Pass("/3"), any("/3 pass"))
		assert.Equal(t, "no pass", s.Pass("/8"), nil)
		passes := maps.Collect(s.Passes)
		assert.Equal(t, "passes", len(passes), 8)
		assert.Equal(t, "one of them", passes["/7"], any("/7 pass"))
	}
}

func TestP11_ASlowIdentityHoldsNoOtherNamespace(t *testing.T) {
	t.Parallel()
	r := &registrar{gates: map[string]chan struct{}{"/slow": make(chan struct{})}}
	e, got := newTurns(t, r.edit)
	c, _ := openWS(t, e)
	s := assert.Receive(t, "session", e.sessions).enter("/quick")
	c.send("40/slow")
	for n := range 5 {
		c.send(fmt.Sprintf(`42/quick,["%d"]`, n))
		assert.Equal(t, "packet", assert.Receive(t, "packet", got), fmt.Sprintf(`2/quick,["%d"]`, n))
		s.Turn("/quick").Done()
	}
	close(r.gates["/slow"])
	assert.Equal(t, "packet", assert.Receive(t, "packet", got), "0/slow,{}")
}

func TestP11_ARefusedIdentityIsACONNECTERROR(t *testing.T) {
	t.Parallel()
	r := &registrar{}
	e, got := newTurns(t, r.edit)
	c, _ := openWS(t, e)
	c.send(`40{"token":"bad"}`)
	c.expect(`44{"data":{"code":"unauthorized"},"message":"No"}`)
	c.send(`40/refused,{"token":"bad"}`)
	c.expect(`44/refused,{"data":{"code":"unauthorized"},"message":"No"}`)
	c.send("40")
	assert.Equal(t, "it may try again on the same connection", assert.Receive(t, "packet", got), "0{}")
	s := assert.Receive(t, "session", e.sessions)
	assert.Eventually(t, "no lane is left of the refused", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.lanes.count == 1 })
}

func TestP11_AnIdentityThatCannotBeFoundClosesTheTransport(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*registrar{
		"an error": {},
		"time":     {gates: map[string]chan struct{}{"/away": make(chan struct{})}},
	} {
		e, got := newTurns(t, r.edit, func(o *Options) { o.ConnectTimeout = 20 * time.Millisecond })
		c, _ := openWS(t, e)
		c.send("40/away")
		c.expectClose(wire.CodeRestart)
		assert.Equal(t, name, e.closedBy("namespace unavailable"), 1)
		assert.Equal(t, "handed over", len(got), 0)
	}
}

func TestP11_TheEndOfASessionEndsAllWaitsForIdentities(t *testing.T) {
	t.Parallel()
	r := &registrar{gates: map[string]chan struct{}{"/0": make(chan struct{})}}
	e, got := newTurns(t, r.edit)
	c, _ := openWS(t, e)
	for n := range 5 {
		c.send(fmt.Sprintf("40/%d", n))
	}
	assert.Eventually(t, "the first is asked for", func() bool { return len(r.asked()) == 1 })
	assert.NoError(t, c.nc.Close(), "close")
	assert.Eventually(t, "the end", func() bool { return e.Connections() == 0 })
	assert.Equal(t, "asked", len(r.asked()), 1)
	assert.Equal(t, "handed over", len(got), 0)
}
