package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/nodeid"
	"scalable-chat/server/internal/pace"
	"scalable-chat/server/internal/redisx"
)

const (
	queueLen        = 1024    // messages that wait, per direction
	queueBytes      = 8 << 20 // bytes that wait, per direction
	maxBatch        = 128     // messages that are published in one round trip
	maxSenders      = 4096    // nodes whose last number is remembered
	minBackoff      = 100 * time.Millisecond
	maxBackoff      = 3 * time.Second
	defaultPatience = 3 * time.Second
)

// Config says where the bus runs. Client, Key and ID are required.
type Config struct {
	Client redis.UniversalClient // remains the caller's; closed by the caller after Run returned
	Key    string                // STREAM_KEY
	DB     int                   // the number of Client's database: pub/sub does not separate databases, channel names do
	ID     string                // this node's id
	Log    *slog.Logger          // nil means the default logger
}

// Stats counts messages. The numbers only grow.
type Stats struct {
	Sent      uint64 // taken by Redis
	Unsent    uint64 // lost on the way out: the queue was full or Redis away
	Received  uint64 // taken from Redis for the subscribers
	Unheard   uint64 // lost on the way in: the subscribers were too slow
	Malformed uint64 // not written by a bus
	Panics    uint64 // of subscribers
}

// Redis is the bus over Redis pub/sub. It uses plain PUBLISH, which Redis Cluster carries to all its nodes.
type Redis struct {
	cfg Config
	out *lane[outgoing]
	in  *lane[envelope]
	// patience is how long the receiver hears nothing before it asks whether Redis is still there, and again how long it
	// waits for the answer: a connection may die without a word.
	patience time.Duration

	sent, unsent, received, unheard, malformed, panics atomic.Uint64

	deaf atomic.Pointer[error] // why nothing is heard; nil while all is well

	heard map[string]uint64 // owned by the receiver: the last number of each sender

	sending sync.Mutex
	seq     uint64 // guarded by sending, which makes the order in the queue the order of the numbers

	mu          sync.RWMutex
	nextID      int                                     // guarded by mu
	subscribers map[string]map[int]func(string, []byte) // guarded by mu
}

type outgoing struct {
	channel string
	data    []byte
}

var _ Bus = (*Redis)(nil)

// New returns a bus that works while Run runs.
func New(cfg Config) *Redis {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Redis{
		cfg:         cfg,
		out:         newLane(func(o outgoing) int { return len(o.data) }),
		in:          newLane(func(e envelope) int { return len(e.payload) }),
		patience:    defaultPatience,
		heard:       make(map[string]uint64),
		subscribers: make(map[string]map[int]func(string, []byte)),
	}
}

// Run sends and receives until ctx ends. It may be called once. An outage of Redis does not end it.
func (b *Redis) Run(ctx context.Context) {
	var parts sync.WaitGroup
	parts.Go(func() { b.receive(ctx) })
	parts.Go(func() { b.dispatch(ctx) })
	b.send(ctx)
	parts.Wait()
}

// Stats returns the counters of this moment.
func (b *Redis) Stats() Stats {
	return Stats{
		Sent: b.sent.Load(), Unsent: b.unsent.Load(),
		Received: b.received.Load(), Unheard: b.unheard.Load(),
		Malformed: b.malformed.Load(), Panics: b.panics.Load(),
	}
}

// Degraded says in words, without addresses, why nothing is heard of other nodes. It is empty while all is well.
func (b *Redis) Degraded() string {
	err := b.deaf.Load()
	if err == nil {
		return ""
	}
	return redisx.Degraded("typing and requests of other nodes cannot be heard", *err)
}

// Channels are those on which this node speaks and listens.
func (b *Redis) Channels() []string { return []string{b.channel(""), b.channel(b.cfg.ID)} }

// Notice returns a message that every bus ignores. Publishing it shows whether this node may publish.
func (b *Redis) Notice() []byte { return envelope{from: b.cfg.ID, topic: "notice"}.encode() }

// Publish is [Bus.Publish].
func (b *Redis) Publish(topic string, payload []byte) error {
	return b.enqueue(b.channel(""), topic, payload)
}

// Send is [Bus.Send].
func (b *Redis) Send(nodeID, topic string, payload []byte) error {
	if !nodeid.Valid(nodeID) {
		return fmt.Errorf("%w: node %.20q", ErrMessage, nodeID)
	}
	return b.enqueue(b.channel(nodeID), topic, payload)
}

// Subscribe is [Bus.Subscribe].
func (b *Redis) Subscribe(topic string, fn func(from string, payload []byte)) (cancel func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.subscribers[topic] == nil {
		b.subscribers[topic] = make(map[int]func(string, []byte))
	}
	id := b.nextID
	b.nextID++
	b.subscribers[topic][id] = fn
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.subscribers[topic], id)
		if len(b.subscribers[topic]) == 0 {
			delete(b.subscribers, topic)
		}
	}
}

// channel names the channel of one node, or of all.
func (b *Redis) channel(nodeID string) string {
	name := "bus:" + strconv.Itoa(b.cfg.DB)
	if nodeID != "" {
		name += ":" + nodeID
	}
	return redisx.Key(b.cfg.Key, name)
}

func (b *Redis) enqueue(channel, topic string, payload []byte) error {
	if topic == "" || len(topic) > maxTopicBytes || len(payload) > MaxPayload {
		return fmt.Errorf("%w: topic %.20q, %d bytes", ErrMessage, topic, len(payload))
	}
	b.sending.Lock()
	defer b.sending.Unlock()
	e := envelope{from: b.cfg.ID, seq: b.seq + 1, topic: topic, payload: payload}
	if !b.out.offer(outgoing{channel, e.encode()}) {
		b.unsent.Add(1)
		return ErrFull
	}
	b.seq++
	return nil
}

// send publishes what is queued, many messages in one round trip.
func (b *Redis) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case first := <-b.out.queue:
			batch := append(make([]outgoing, 0, maxBatch), first)
			for len(batch) < maxBatch && len(b.out.queue) > 0 {
				batch = append(batch, <-b.out.queue)
			}
			b.publish(ctx, batch)
		}
	}
}

// publish drops what Redis does not take: it would be stale by the time Redis is back.
func (b *Redis) publish(ctx context.Context, batch []outgoing) {
	ctx, cancel := context.WithTimeout(ctx, redisx.ExchangeTimeout)
	defer cancel()
	pipe := b.cfg.Client.Pipeline()
	for _, o := range batch {
		pipe.Publish(ctx, o.channel, o.data)
	}
	results, err := pipe.Exec(ctx)
	for _, o := range batch {
		b.out.release(o)
	}
	var sent uint64
	for _, result := range results {
		if result.Err() == nil && redisx.NotSent(results, err) == nil {
			sent++
		}
	}
	b.sent.Add(sent)
	b.unsent.Add(uint64(len(batch)) - sent)
}

// receive subscribes, and resubscribes after a failure, until ctx ends.
func (b *Redis) receive(ctx context.Context) {
	backoff := minBackoff
	for ctx.Err() == nil {
		began := time.Now()
		err := b.listen(ctx)
		if ctx.Err() != nil {
			return
		}
		b.deaf.Store(&err)
		if time.Since(began) > maxBackoff {
			backoff = minBackoff
		}
		if backoff == minBackoff { // said once, not at every attempt
			b.cfg.Log.Warn("cluster bus interrupted", "error", err)
		}
		_ = pace.Sleep(ctx, backoff/2+rand.N(backoff))
		backoff = min(2*backoff, maxBackoff)
	}
}

// listen takes messages from one subscription until it breaks. The subscription is read directly, because the client's
// own channel drops messages uncounted when it is full.
func (b *Redis) listen(ctx context.Context) error {
	sub := b.cfg.Client.Subscribe(ctx, b.Channels()...)
	defer sub.Close()
	// A read does not end with its context.
	unwatch := context.AfterFunc(ctx, func() { _ = sub.Close() })
	defer unwatch()
	asked := false
	for {
		got, err := sub.ReceiveTimeout(ctx, b.patience)
		var timeout net.Error
		switch {
		case err == nil:
			asked = false
			b.deaf.Store(nil)
			if message, ok := got.(*redis.Message); ok {
				b.take(message.Payload)
			}
		case !asked && errors.As(err, &timeout) && timeout.Timeout():
			asked = true
			if err := sub.Ping(ctx); err != nil {
				return fmt.Errorf("ping: %w", err)
			}
		default:
			return fmt.Errorf("receive: %w", err)
		}
	}
}

// take queues one message for the subscribers. A number that is not new is a repetition: the Redis
// client sends a batch again if its answer was lost.
func (b *Redis) take(data string) {
	e, err := decodeEnvelope(data)
	if err != nil || len(e.payload) > MaxPayload {
		b.malformed.Add(1)
		return
	}
	if e.from == b.cfg.ID || e.seq <= b.heard[e.from] {
		return
	}
	if len(b.heard) >= maxSenders {
		clear(b.heard)
	}
	b.heard[e.from] = e.seq
	if !b.in.offer(e) {
		b.unheard.Add(1)
		return
	}
	b.received.Add(1)
}

// dispatch calls the subscribers.
func (b *Redis) dispatch(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-b.in.queue:
			b.in.release(e)
			for _, fn := range b.listeners(e.topic) {
				b.call(fn, e)
			}
		}
	}
}

func (b *Redis) listeners(topic string) []func(string, []byte) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return slices.Collect(maps.Values(b.subscribers[topic]))
}

// call keeps a panic of one subscriber from ending the process.
func (b *Redis) call(fn func(string, []byte), e envelope) {
	defer func() {
		if p := recover(); p != nil {
			b.panics.Add(1)
			b.cfg.Log.Error("cluster bus subscriber panicked", "topic", e.topic, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	fn(e.from, e.payload)
}

// lane is a queue that is bounded in messages and in bytes.
type lane[T any] struct {
	queue chan T
	size  func(T) int
	bytes atomic.Int64
}

func newLane[T any](size func(T) int) *lane[T] {
	return &lane[T]{queue: make(chan T, queueLen), size: size}
}

// offer adds v and returns true, or returns false if there is no room. It does not block.
func (l *lane[T]) offer(v T) bool {
	n := int64(l.size(v))
	if l.bytes.Add(n) <= queueBytes {
		select {
		case l.queue <- v:
			return true
		default:
		}
	}
	l.bytes.Add(-n)
	return false
}

// release frees the bytes of v, which was taken from the queue.
func (l *lane[T]) release(v T) { l.bytes.Add(-int64(l.size(v))) }
