// Package redis is the ordered record that many nodes share: one Redis Stream, written by one script and followed by
// XREAD. It works with Redis 6.2 and newer and with Valkey: a single server, under Sentinel, or a Cluster.
//
// An entry has the fields "prev", the id of the entry before it, by which a follower detects a gap, and "event"; only the
// genesis entry has no event. The other keys have the hash tag of the stream and an expiry: "{key}:keys:0" and
// "{key}:keys:1" hold the offsets of the deduplication keys, and "{key}:writer:<id>" holds the outcome of the newest batch
// of one process, for a day. Redis must not evict them (maxmemory-policy noeviction), or retries may be stored twice. The
// values in "{key}:settings", under the names of [Stream.Settings], replace the options of every node; the cluster's
// registry keeps them.
package redis

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/redisx"
	"scalable-chat/server/internal/stream"
)

var _ stream.Stream = (*Stream)(nil)

// Options are the settings of a [Stream]. A field without a stated default is required.
type Options struct {
	// Client is a connection to a master, see [NewClient]. The stream does not close it. The caller closes it after the
	// stream: a command that Redis does not answer ends only then or at its own time limit.
	Client redis.UniversalClient
	// Key is the name of the stream. It may not contain braces, which Redis would take for a hash tag.
	Key string
	// MaxLen is about how many entries are retained; Redis trims whole nodes of its stream, so it may keep a few more.
	// Shared settings override MaxLen, DedupeTTL and DedupeMax, see [Stream.Settings].
	MaxLen int64
	// DedupeTTL is the least time that a key is remembered after its entry was stored; it may be twice as long.
	DedupeTTL time.Duration
	// DedupeMax is how many of the newest keys are remembered at least; if more come within DedupeTTL, older ones may be
	// forgotten early. At most twice as many keys and two batches are kept, about 100 bytes each.
	DedupeMax int64
	// AppendTimeout is how long after Append a record may wait for its outcome. After that it is unavailable.
	AppendTimeout time.Duration
	// QueueRecords and QueueBytes (of events) bound the records that wait to be sent, without the batch in flight.
	// Defaults 8,192 and 16 MiB.
	QueueRecords int
	QueueBytes   int
	// Block is how long an idle follower waits in Redis before it checks that its last entry still exists.
	// Default 1 second.
	Block time.Duration
	// Logger gets a record when Redis goes away and when it comes back. Default slog.Default().
	Logger *slog.Logger
}

// Time limits of one command. Beyond its limit the connection counts as dead and the command is retried on another.
const (
	commandLimit = 2 * time.Second
	readMargin   = time.Second // added to Block
)

// Stream is a [stream.Stream] in Redis.
type Stream struct {
	opts   Options
	script script
	queue  *queue

	appending, following *redisx.Trouble

	ended    context.Context // ends with Close, which ends Follow and Last
	end      context.CancelFunc
	giveUp   context.CancelFunc // stops the appender although records are left
	appender sync.WaitGroup
}

// New starts the appender. It does not wait for Redis: a stream may be made while Redis is away. The caller closes it.
func New(opts Options) (*Stream, error) {
	if opts.Client == nil || opts.Key == "" || strings.ContainsAny(opts.Key, "{}") {
		return nil, fmt.Errorf("redis stream: needs a client and a key without braces, got %q", opts.Key)
	}
	if min(opts.MaxLen, int64(opts.DedupeTTL), opts.DedupeMax, int64(opts.AppendTimeout)) <= 0 {
		return nil, errors.New("redis stream: needs MaxLen, DedupeTTL, DedupeMax and AppendTimeout above zero")
	}
	setDefault(&opts.QueueRecords, 8192)
	setDefault(&opts.QueueBytes, 16<<20)
	setDefault(&opts.Block, time.Second)
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	s := &Stream{
		opts: opts, queue: newQueue(opts.QueueRecords, opts.QueueBytes),
		appending: redisx.NewTrouble("messages cannot be stored", opts.Logger),
		following: redisx.NewTrouble("messages cannot be received", opts.Logger),
	}
	tag := "{" + opts.Key + "}"
	s.script = script{
		client: opts.Client, maxLen: opts.MaxLen,
		dedupeTTL: opts.DedupeTTL, dedupeMax: opts.DedupeMax,
		keys: []string{opts.Key, tag + ":writer:" + rand.Text(), tag + ":keys:0", tag + ":keys:1", tag + ":settings"},
	}
	s.ended, s.end = context.WithCancel(context.Background())
	ctx, giveUp := context.WithCancel(context.Background())
	s.giveUp = giveUp
	a := &appender{queue: s.queue, script: &s.script, trouble: s.appending}
	s.appender.Go(func() { a.run(ctx) })
	return s, nil
}

func setDefault[T int | int64 | time.Duration](v *T, value T) {
	if *v <= 0 {
		*v = value
	}
}

// Append implements [stream.Stream]. It refuses an event that is larger than the whole queue.
func (s *Stream) Append(ctx context.Context, key string, event []byte, done func(stream.Offset, error)) error {
	if len(event) == 0 {
		return errors.New("append: empty event")
	}
	return s.queue.put(ctx, record{
		key:      Digest(key),
		event:    bytes.Clone(event),
		done:     done,
		deadline: time.Now().Add(s.opts.AppendTimeout),
	})
}

// Degraded says in words, without addresses, why messages are not stored or not followed right now. It is empty while all
// is well. The stream notices an outage at the next append, or within Block plus a second while a follower runs.
func (s *Stream) Degraded() string { return redisx.Troubles(s.appending, s.following) }

// HistoryWindow is the name of MaxLen among the [Stream.Settings].
const HistoryWindow = "history_window"

// Settings returns the options that all nodes must share, by their names in Redis.
func (s *Stream) Settings() map[string]int64 {
	return map[string]int64{
		HistoryWindow: s.opts.MaxLen, "dedupe_ttl_ms": s.opts.DedupeTTL.Milliseconds(), "dedupe_max": s.opts.DedupeMax,
	}
}

// Close refuses new appends and finishes the queued ones until ctx ends; the rest are then unavailable. After that it ends
// the followers. It may be called again.
func (s *Stream) Close(ctx context.Context) error {
	s.queue.close()
	finished := make(chan struct{})
	go func() {
		s.appender.Wait()
		close(finished)
	}()
	var err error
	select {
	case <-finished:
	case <-ctx.Done():
		select {
		case <-finished: // finished just as ctx ended
		default:
			err = context.Cause(ctx)
		}
	}
	s.giveUp()
	<-finished
	s.end()
	return err
}
