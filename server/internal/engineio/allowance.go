package engineio

import (
	"context"
	"sync"
	"time"
)

// allowance is the context of one CONNECT. It ends with the session, or some time after somebody began to wait for its end: most
// CONNECTs wait for nothing, and cost no timer.
type allowance struct {
	context.Context
	cancel context.CancelFunc
	limit  time.Duration
	began  sync.Once
	timer  *time.Timer
}

func newAllowance(limit time.Duration) *allowance {
	p := &allowance{limit: limit}
	p.Context, p.cancel = context.WithCancel(context.Background())
	return p
}

// Done implements [context.Context].
func (p *allowance) Done() <-chan struct{} {
	p.began.Do(func() { p.timer = time.AfterFunc(p.limit, p.cancel) })
	return p.Context.Done()
}

// end frees what waits. Done is not called any more.
func (p *allowance) end() {
	p.cancel()
	p.began.Do(func() {})
	if p.timer != nil {
		p.timer.Stop()
	}
}
