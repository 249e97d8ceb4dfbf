package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"scalable-chat/server/internal/ops"
	"scalable-chat/server/internal/pace"
)

// Bounds of the last steps of a stop, after the clients were sent elsewhere.
const (
	requestsTimeout = 2 * time.Second
	appendsTimeout  = 10 * time.Second
)

// spreadPerSession is the time between sending two clients elsewhere. All of them take at most half of DRAIN_TIMEOUT.
const spreadPerSession = time.Millisecond

// Stop ends the node step by step; when ctx ends it cuts the steps short. The error says which ones were.
func (a *App) Stop(ctx context.Context) error {
	a.log.Info("stopping", "connections", a.edge.Connections())
	wasReady := a.health.Report().Status == ops.Ready.String()
	a.health.Advance(ops.Draining)
	if wasReady {
		_ = pace.Sleep(ctx, a.cfg.DrainDelay) // until load balancers have asked /readyz again
	}

	draining, cancel := context.WithTimeout(ctx, a.cfg.DrainTimeout)
	defer cancel()
	a.edge.Refuse()
	var err error
	if wasReady {
		err = step("deliver what was acked", a.topology.deliver(draining, a.replica, a.rooms))
	}
	spread := min(a.cfg.DrainTimeout/2, time.Duration(a.edge.Connections())*spreadPerSession)
	var others sync.WaitGroup
	others.Go(func() { a.topology.drain(draining, spread) })
	err = errors.Join(err, step("close the sessions", a.edge.Shutdown(draining, spread)))
	others.Wait()

	requests, cancel := context.WithTimeout(ctx, requestsTimeout)
	defer cancel()
	for _, l := range a.listeners() {
		if l == a.private {
			continue // until the end, for health
		}
		if cut := l.shutdown(requests); cut != nil {
			// Long polls that were forwarded to nodes that go on. Their clients come back.
			a.log.Info("requests were broken off", "error", cut)
		}
	}
	a.rooms.Close()
	appends, cancel := context.WithTimeout(ctx, appendsTimeout)
	defer cancel()
	err = errors.Join(err, step("finish the appends", a.topology.finish(appends)))
	a.release()
	a.log.Info("stopped", "error", err)
	return err
}

// release ends whatever is left and waits for it.
func (a *App) release() {
	if a.replica != nil {
		a.replica.Close()
	}
	if a.rooms != nil {
		a.rooms.Close()
	}
	if a.hub != nil {
		a.hub.Close()
	}
	a.end()
	a.background.Wait()
	if a.topology != nil {
		a.topology.close()
	}
	if a.sweepers != nil {
		a.sweepers.Close()
	}
	for _, l := range a.listeners() {
		l.close()
	}
}

func step(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}
