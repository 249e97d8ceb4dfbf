package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"scalable-chat/server/internal/nodeid"
	"scalable-chat/server/internal/pace"
)

// probeHeader marks a request that a node sends to itself. The answer carries the node's id in the same header.
const probeHeader = "X-Cluster-Probe"

const (
	probeInterval = 30 * time.Second // while all is well
	probeRetry    = 2 * time.Second  // after a failure
	probeFailures = 3                // in a row before it is reported: the listener may be busy, or not answer yet
	probeTimeout  = 5 * time.Second
)

// Reach checks that this node is reached at the address that it registered. Otherwise only clients that another node cannot
// serve would notice a wrong address.
type Reach struct {
	self      func() (Route, bool)
	forwarder *Forwarder
	retry     time.Duration
	lost      atomic.Bool
}

// NewReach returns a watch of the route to this node, which self knows. Nothing happens before Run.
func NewReach(f *Forwarder, self func() (Route, bool)) *Reach {
	return &Reach{self: self, forwarder: f, retry: probeRetry}
}

// Run asks until ctx ends.
func (r *Reach) Run(ctx context.Context) {
	failures, wait := 0, r.retry
	for pace.Sleep(ctx, wait) == nil {
		route, known := r.self()
		if !known {
			continue
		}
		wait = r.retry
		switch err := r.forwarder.probe(ctx, route); {
		case ctx.Err() != nil:
		case err == nil:
			failures, wait = 0, probeInterval
			if r.lost.Swap(false) {
				r.forwarder.cfg.Log.Info("this node is reached at its registered address again", "address", route.Address)
			}
		default:
			failures++
			if failures >= probeFailures && !r.lost.Swap(true) {
				r.forwarder.cfg.Log.Warn("this node cannot be reached at the address that it registered; correct NODE_ADDRESS",
					"address", route.Address, "error", err)
			}
		}
	}
}

// Degraded says in words, without addresses, that the node cannot be reached. It is empty while it can.
func (r *Reach) Degraded() string {
	if r.lost.Load() {
		return "this node cannot be reached at the address that it registered (NODE_ADDRESS)"
	}
	return ""
}

// probe asks the node at the end of the route whether it is this one.
func (f *Forwarder) probe(ctx context.Context, route Route) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	target := &url.URL{Scheme: "http", Host: route.Address, Path: f.cfg.Path, RawQuery: "sid=" + nodeid.NewSession(f.cfg.Self)}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return err
	}
	request.Header.Set(ticketHeader, route.Ticket)
	request.Header.Set(probeHeader, f.cfg.Self)
	answer, err := f.transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, answerBytes)
	switch {
	case answer.Header.Get(probeHeader) == f.cfg.Self:
		return nil
	case answer.Header.Get(refusedHeader) != "":
		return errors.New("another node answers there")
	default:
		return fmt.Errorf("another server answers there, with status %d", answer.StatusCode)
	}
}
