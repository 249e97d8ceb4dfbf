package cluster

import (
	"context"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/forward"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/journal"
	"scalable-chat/server/internal/test/redistest"
)

// TestP7_TwoNodesWithOneAddress: both report it. The registry entry of a killed node does not count as a second node.
func TestP7_TwoNodesWithOneAddress(t *testing.T) {
	r := redistest.Start(t)
	var log journal.Journal
	same := func(c *RegistryConfig) { c.Address, c.Log = "10.0.0.1:8000", log.Logger() }
	a, b, other := join(t, r, 1, same), join(t, r, 1, same), join(t, r, 1)
	for _, n := range []*testNode{a, b} {
		assert.Eventually(t, "it is degraded", func() bool { return strings.Contains(n.Degraded(), "same address") })
	}
	assert.Equal(t, "warnings", log.Count("another node has registered the same address"), 2)
	assert.Equal(t, "degraded, with an address of its own", other.Degraded(), "")
	b.stop()
	assert.Eventually(t, "it is in order", func() bool { return a.Degraded() == "" })

	a.client.Close() // as after kill -9
	successor := join(t, r, 1, same)
	for began := time.Now(); time.Since(began) < 2*testTTL; time.Sleep(testInterval / 2) {
		assert.Equal(t, "degraded, as the successor", successor.Degraded(), "")
	}
	route, ok := successor.Self()
	assert.Equal(t, "its own route", route.Address, "10.0.0.1:8000")
	assert.Equal(t, "it is known", ok && successor.Admits(route.Ticket), true)
}

func TestRegistryKnowsNoRouteWithoutAnAddress(t *testing.T) {
	n := join(t, redistest.Start(t), 1, func(c *RegistryConfig) { c.Address = "" })
	_, ok := n.Self()
	assert.Equal(t, "a route", ok, false)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	forward.NewReach(nil, n.Self).Run(ctx) // there is nothing to ask
}
