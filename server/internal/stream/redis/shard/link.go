package shard

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// A link on which nothing was heard for silence is asked whether it still lives; without an answer it is given up.
const (
	silence   = time.Second
	deadAfter = 3 * time.Second
)

var (
	errSpent = errors.New("a link connects once")
	errDeaf  = errors.New("the master does not answer on its link")
	errDumb  = errors.New("the master's link brings no news")
)

// link is one connection to a master that brings the news of its rooms. When it fails in any way it is given up as a whole,
// and another one begins with nothing. The client's own way, to connect again and to subscribe to everything at once, loses
// all subscriptions on a Cluster. So a link has a client of its own, which can connect only once.
type link struct {
	client  *redis.Client
	pubsub  *redis.PubSub
	sharded bool
	since   time.Duration // since the feeds began; owned by the receiver, as is pinged
	pinged  time.Duration // when it was asked last whether it lives

	heard   atomic.Int64  // when something came last
	brought atomic.Uint64 // messages
	moved   atomic.Bool   // Redis refused a subscription because the room is elsewhere
	ended   chan struct{} // closed when receive has returned
	err     error         // why; valid once ended is closed
}

// connect returns a link that has sent its first PING.
func connect(ctx context.Context, master *redis.Client, sharded bool) (*link, error) {
	options := *master.Options()
	dial, dialled := options.Dialer, new(atomic.Bool)
	options.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dialled.Swap(true) {
			return nil, errSpent
		}
		return dial(ctx, network, addr)
	}
	options.MinIdleConns, options.MaxRetries = 0, -1
	l := &link{client: redis.NewClient(&options), sharded: sharded, ended: make(chan struct{})}
	l.pubsub = l.client.Subscribe(ctx)
	if err := l.pubsub.Ping(ctx); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// subscribe asks for a channel, one in each command: a command may name channels of one slot only.
func (l *link) subscribe(ctx context.Context, channel string) error {
	if l.sharded {
		return l.pubsub.SSubscribe(ctx, channel)
	}
	return l.pubsub.Subscribe(ctx, channel)
}

func (l *link) unsubscribe(ctx context.Context, channel string) error {
	if l.sharded {
		return l.pubsub.SUnsubscribe(ctx, channel)
	}
	return l.pubsub.Unsubscribe(ctx, channel)
}

// receive passes on what comes until the link fails. A read has no time limit, because the client may lose a message after
// one; [receiver.listen] closes a silent link from outside.
func (l *link) receive(ctx context.Context, s *receiver) {
	defer close(l.ended)
	for {
		got, err := l.pubsub.Receive(ctx)
		switch {
		case isMove(err):
			l.moved.Store(true)
			continue
		case err != nil:
			l.err = err
			s.kick()
			return
		}
		l.heard.Store(int64(s.feeds.now()))
		switch got := got.(type) {
		case *redis.Subscription:
			s.answered(l, got)
		case *redis.Message:
			l.brought.Add(1)
			s.feeds.hear(l, got.Channel, got.Payload)
		}
	}
}

// isMove reports an answer that says only that a room is elsewhere, or that nobody knows where.
func isMove(err error) bool {
	_, moved := redis.IsMovedError(err)
	return moved || redis.HasErrorPrefix(err, "CLUSTERDOWN") || redis.HasErrorPrefix(err, "CROSSSLOT")
}

// close ends the connection, and so receive.
func (l *link) close() {
	_ = l.pubsub.Close()
	_ = l.client.Close()
}
