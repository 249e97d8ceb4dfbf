// Package shard is the record of many rooms that many nodes share: a Redis Stream for each room, spread over the masters of a
// Redis Cluster. It works with one server too, and behind Sentinel. Messages are stored by the script that stores those of
// the main record; the news of a room goes out on a channel of its own.
//
// All keys of a room have the hash tag "{key:name}". "{key:name}:room" is the stream; as long as a room is silent there is
// only "{key:name}:room:genesis", the id of the entry that the stream will begin with. The other keys are those of
// the main record ("…:room:keys:0", "…:room:keys:1", "…:room:writer:<id>"), and "…:room:online", a hash of the members of
// each node. "{key}:rooms:news" says by which kind of channel the nodes send their news.
//
// Three parts share the rooms: senders store what is appended (sender.go), receivers follow what is stored (receiver.go), a
// census counts members (members.go). It has many files because each of them is a machine of several.
package shard

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/nodeid"
	"scalable-chat/server/internal/redisx"
	"scalable-chat/server/internal/stream"
)

var _ stream.Rooms = (*Rooms)(nil)

// Options are the settings of [Rooms]. A field without a stated default is required.
type Options struct {
	// Client is a connection to the masters, see redis.NewClient. The caller closes it after the rooms.
	Client redis.UniversalClient
	// Key is STREAM_KEY. It may not contain braces, which Redis would take for a hash tag.
	Key string
	// DB is the number of the client's database: channels do not separate databases, their names do.
	DB int
	// Node is this node's id.
	Node string
	// Alive reports whether a node lives as far as this one knows. Members of other nodes are not counted. It is called
	// often, from any goroutine, and must be quick.
	Alive func(node string) bool
	// Window returns about how many entries of a room are retained, TTL how long a room is kept without a message and without
	// members. Both are asked at each append and may change.
	Window func() int
	TTL    func() time.Duration
	// DedupeTTL is the least time that a key is remembered after its entry was stored; it may be twice as long.
	DedupeTTL time.Duration
	// DedupeMax is how many of the newest keys of a room are remembered at least.
	DedupeMax int64
	// AppendTimeout is how long after Append a message may wait for its outcome. After that it is unavailable.
	AppendTimeout time.Duration
	// QueueRecords and QueueBytes (of events) bound what waits for each master, without what is on its way. What does not
	// fit is unavailable at once. Defaults 8,192 and 16 MiB.
	QueueRecords int
	QueueBytes   int
	// Logger gets a record when a master goes away and when it comes back. Default slog.Default().
	Logger *slog.Logger
}

func (o *Options) check() error {
	if o.Client == nil || o.Key == "" || strings.ContainsAny(o.Key, "{}") || !nodeid.Valid(o.Node) {
		return fmt.Errorf("rooms in redis: need a client, a key without braces and a node, got %q and %q", o.Key, o.Node)
	}
	if o.Alive == nil || o.Window == nil || o.TTL == nil {
		return errors.New("rooms in redis: need Alive, Window and TTL")
	}
	if min(int64(o.DedupeTTL), o.DedupeMax, int64(o.AppendTimeout)) <= 0 {
		return errors.New("rooms in redis: need DedupeTTL, DedupeMax and AppendTimeout above zero")
	}
	if o.QueueRecords <= 0 {
		o.QueueRecords = 8192
	}
	if o.QueueBytes <= 0 {
		o.QueueBytes = 16 << 20
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return nil
}

// Rooms is a [stream.Rooms] in Redis.
type Rooms struct {
	opts   Options
	writer string // names the markers of this process
	feeds  *feeds
	census *census
	newsBy atomic.Pointer[string] // see sharded

	unheard atomic.Uint64 // batches whose news was not told

	ended   context.Context // ends with Close: the senders, the census and all reading
	end     context.CancelFunc
	parts   sync.WaitGroup
	drained chan struct{} // closed when the rooms are closed and every record is reported

	mu      sync.Mutex
	router  *sender            // fixed
	senders map[string]*sender // guarded by mu; by address
	batches uint64             // guarded by mu; the number of the newest batch
	pending int                // guarded by mu; records that are not reported yet
	closed  bool               // guarded by mu
	done    bool               // guarded by mu; drained is closed
}

// New starts what appends and follows. It does not wait for Redis. The caller closes it.
func New(opts Options) (*Rooms, error) {
	if err := opts.check(); err != nil {
		return nil, err
	}
	s := &Rooms{opts: opts, writer: rand.Text()[:13], drained: make(chan struct{}), senders: map[string]*sender{}}
	s.ended, s.end = context.WithCancel(context.Background())
	s.router, s.census = s.newSender(nil), newCensus(s)
	s.feeds = newFeeds(s)
	s.parts.Go(func() { s.router.run(s.ended) })
	s.parts.Go(func() { s.census.run(s.ended) })
	return s, nil
}

// Sharded reports whether the nodes send the news of rooms by SPUBLISH, on channels of a slot. It is false until that is known.
func (s *Rooms) Sharded() bool {
	choice := s.newsBy.Load()
	return choice != nil && *choice == newsSharded
}

// Degraded says in words, without addresses, why messages of rooms are not stored or not received right now. It is empty
// while all is well.
func (s *Rooms) Degraded() string {
	s.mu.Lock()
	troubles := []*redisx.Trouble{s.router.trouble}
	for _, w := range s.senders {
		troubles = append(troubles, w.trouble)
	}
	s.mu.Unlock()
	return strings.Join(slices.DeleteFunc([]string{redisx.Troubles(troubles...), s.feeds.degraded()},
		func(words string) bool { return words == "" }), "; ")
}

// Close refuses new appends and finishes the queued ones until ctx ends; the rest are then unavailable. After that it ends
// the following. The rooms must be closed already. It may be called again.
func (s *Rooms) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.drainLocked()
	s.mu.Unlock()
	var err error
	select {
	case <-s.drained:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	s.census.flush(ctx)
	s.end()
	s.parts.Wait()
	s.mu.Lock()
	senders := slices.AppendSeq([]*sender{s.router}, maps.Values(s.senders))
	s.mu.Unlock()
	for _, w := range senders {
		w.abandon()
	}
	s.feeds.stop()
	return err
}

// Room implements [stream.Rooms].
func (s *Rooms) Room(name string) stream.Room { return &room{rooms: s, name: name} }

// Online implements [stream.Rooms]. A room whose master does not answer has no members; without any answer it fails.
func (s *Rooms) Online(ctx context.Context, names []string) ([]int, error) {
	totals, err := redisx.Within(ctx, redisx.ExchangeTimeout, func(ctx context.Context) ([]int, error) {
		ctx, cancel := context.WithTimeout(ctx, redisx.ExchangeTimeout*3/4) // there may be answers of other masters
		defer cancel()
		pipe := s.opts.Client.Pipeline()
		hashes := make([]*redis.MapStringStringCmd, len(names))
		for i, name := range names {
			hashes[i] = pipe.HGetAll(ctx, (&room{rooms: s, name: name}).online())
		}
		_, err := pipe.Exec(ctx)
		answered := func(h *redis.MapStringStringCmd) bool { return h.Err() == nil && len(h.Val()) > 0 }
		if err != nil && !slices.ContainsFunc(hashes, answered) {
			return nil, err
		}
		totals := make([]int, len(names))
		for i, hash := range hashes {
			totals[i] = s.total(hash.Val())
		}
		return totals, nil
	})
	if err != nil {
		return nil, unavailable(err)
	}
	return totals, nil
}

// total is the number of members on live nodes.
func (s *Rooms) total(members map[string]string) (total int) {
	for node, number := range members {
		if n, err := strconv.Atoi(number); err == nil && n > 0 && (node == s.opts.Node || s.opts.Alive(node)) {
			total += n
		}
	}
	return total
}
