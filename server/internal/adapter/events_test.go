package adapter

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/test/assert"
)

func TestP2_EventsOfOneSessionAreHandledOneByOne(t *testing.T) {
	var mu sync.Mutex
	var seen []int
	n := newNode(t, nil, func(o *setup) {
		o.Client = func(*socket.Socket, *auth.Speaker) Client {
			return handler(func(_ context.Context, event string, args []any, ack func(...any)) bool {
				mu.Lock()
				seen = append(seen, int(args[0].(float64)))
				mu.Unlock()
				if ack != nil {
					ack("first", 2)
					ack("not sent")
				}
				return event == "count"
			})
		}
	})
	f, _ := n.join("{}")
	for i := range 500 {
		f.send(fmt.Sprintf(`2["count",%d]`, i))
	}
	f.send(`28["count",500]`)
	f.want(t, `38["first",2]`)
	assert.Equal(t, "events", len(seen), 501)
	for i, v := range seen {
		if i != v {
			t.Fatalf("event %d came as number %d", v, i)
		}
	}
	f.silent(t)
}

func TestTurnIsHeldUntilTheHandlerReturns(t *testing.T) {
	enter, leave := make(chan struct{}), make(chan struct{})
	n := newNode(t, nil, func(o *setup) {
		o.Client = func(*socket.Socket, *auth.Speaker) Client {
			return handler(func(context.Context, string, []any, func(...any)) bool {
				enter <- struct{}{}
				<-leave
				return true
			})
		}
	})
	f, _ := n.join("{}")
	f.send(`2["slow"]`)
	<-enter
	assert.Equal(t, "held", f.isBusy(), true)
	close(leave)
	f.send("1")
	assert.Eventually(t, "free again", func() bool { return !f.isBusy() })
}

func TestUnknownAndPlainEventsDoNotStall(t *testing.T) {
	n := newNode(t, nil, nil)
	forever := make(chan struct{})
	t.Cleanup(func() { close(forever) })
	got := make(chan string)
	assert.NoError(t, n.io.On("connection", func(args ...any) {
		s := args[0].(*socket.Socket)
		_ = s.On("stuck", func(...any) { <-forever })
		_ = s.On("plain", func(args ...any) { got <- args[0].(string) })
	}))

	f, _ := n.join("{}")
	f.send(`2["nobody listens"]`)
	f.send(`25["nobody listens",1]`)
	f.send(`2["stuck"]`)
	f.send(`2["plain","x"]`)
	assert.Equal(t, "argument", <-got, "x")
	assert.Eventually(t, "free", func() bool { return !f.isBusy() })
	f.silent(t)
}

func TestPanicOfAHandlerCostsTheEventAlone(t *testing.T) {
	n := newNode(t, nil, func(o *setup) {
		o.Client = func(*socket.Socket, *auth.Speaker) Client {
			return handler(func(_ context.Context, event string, _ []any, ack func(...any)) bool {
				if event == "bad" {
					panic("oops")
				}
				ack()
				return true
			})
		}
	})
	f, _ := n.join("{}")
	f.send(`21["bad"]`)
	f.send(`22["good"]`)
	f.want(t, `32[]`)
	assert.Equal(t, "panics", n.hub.Stats().Panics, 1)
}

func TestKickWhileAnEventIsHandledReleasesTheTurn(t *testing.T) {
	n := newNode(t, nil, func(o *setup) {
		o.Client = func(s *socket.Socket, _ *auth.Speaker) Client {
			return handler(func(context.Context, string, []any, func(...any)) bool {
				s.Disconnect(false)
				return true
			})
		}
	})
	for range 50 {
		f, _ := n.join("{}")
		f.send(`2["kick me"]`)
		f.want(t, "1")
		assert.Eventually(t, "free", func() bool { return !f.isBusy() })
		f.close("transport close")
	}
}
