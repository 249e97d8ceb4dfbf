// Package shard is the record of many rooms that many nodes share: a Redis Stream for each room, spread over the masters of a
// Redis Cluster. It works with one server too, and behind Sentinel. Messages are stored by the script that stores those of
// the main record; the news of a room goes out on a channel of its own.
//
// All keys of a room have the hash tag "{key:name}". "{key:name}:room" is the stream; as long as a room is silent there is
// only "{key:name}:room:genesis", the id of the entry that the stream will begin with. The other keys are those of
// the main record ("…:room:keys:0", "…:room:keys:1", "…:room:writer:<id>"), and "…:room:online", a hash of the members of
// each node. "{key}:rooms:news" says by which kind of channel the nodes send their news.
package shard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/nodeid"
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
	opts     Options
	follower follower
}

// follower hands the entries, messages and members of rooms to their sinks. All methods but close return at once.
type follower interface {
	// open begins to follow a room, as [stream.Room.Follow] says. The sink's Reset, tail entries at most, comes from
	// [Rooms.newest].
	open(r *room, tail int, sink stream.Sink)
	// close ends it. No method of the sink runs or will run when it has returned. It is called once, also for a room that
	// was never opened.
	close(r *room)
	// stored says that this node has stored an entry at this offset, so that its news should come soon.
	stored(r *room, o stream.Offset)
	// missed says that news of the room may be lost: it must be read from the stream.
	missed(r *room)
	// publish sends the message to the other nodes, or drops it.
	publish(r *room, message []byte)
	// degraded is [Rooms.Degraded] for the receiving.
	degraded() string
	// stop ends everything and waits for it.
	stop()
}

// New starts what appends and follows. It does not wait for Redis. The caller closes it.
func New(opts Options) (*Rooms, error) {
	if err := opts.check(); err != nil {
		return nil, err
	}
	return &Rooms{opts: opts}, nil
}

// Room implements [stream.Rooms].
func (s *Rooms) Room(name string) stream.Room { return &room{rooms: s, name: name} }

// Online implements [stream.Rooms].
func (s *Rooms) Online(ctx context.Context, names []string) ([]int, error) {
	return nil, stream.ErrUnavailable
}

// newest is [stream.Room.Last].
func (s *Rooms) newest(ctx context.Context, r *room, before stream.Offset, n int) ([]stream.Entry, error) {
	return nil, stream.ErrUnavailable
}

// sharded reports whether the nodes send the news of rooms on channels of a slot, by SPUBLISH, rather than by PUBLISH. The
// first call asks Redis, and later ones until one has got an answer.
func (s *Rooms) sharded(ctx context.Context) (bool, error) {
	return false, stream.ErrUnavailable
}
