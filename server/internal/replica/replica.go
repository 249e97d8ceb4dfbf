// Package replica owns this node's ordered copy of one stream.
//
// It takes the entries of the stream and appends each, encoded once, to a [fanout.Log] of its own. It is also the only way
// into the stream: appends wait for credit, so that they cannot run far ahead of the delivery. It finds the place where a
// client begins in the log: at the head, some messages back, or right after the offset that the client remembers.
//
//	Append ──▶ credit ──▶ stream ──▶ Run or Deliver ──▶ encode ──▶ fanout.Log ──▶ every connection that follows it
//
// A replica either follows the stream itself, in the goroutine that calls Run, and then begins with the whole window; or it
// is a [stream.Sink] of a room. Then it costs no goroutine, begins with the newest entries, and reads older ones when a client
// continues after one of those. A process may have any number of replicas; none has a timer.
package replica

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/stream"
)

// Encode appends the WebSocket frame of an entry to dst. It is false, and appends nothing, for an entry that is not an
// event. A frame is at most [FrameOverhead] bytes longer than its event.
type Encode func(dst []byte, e stream.Entry) ([]byte, bool)

// FrameOverhead is the most that an [Encode] adds to an event, in bytes.
const FrameOverhead = 160

// Decode is the inverse: it returns the event in a frame, as clients got it.
type Decode func(frame []byte) []byte

// Options configure a replica. Stream, Sweepers, Encode and Decode are required.
type Options struct {
	Stream   stream.Record
	Sweepers *fanout.Sweepers
	Name     string // of the room, for logs
	Encode   Encode
	Decode   Decode
	// Window bounds the log, which Load fills at the start. It should not be larger than what the stream retains.
	Window fanout.Window
	// Retained tells how many entries the stream retains now, where that may be fewer than the window; nil: as many.
	Retained func() int
	// Since tells before which offset entries are too old to be shown to who joins or asks for history, although the log may
	// still have them; nil: none is.
	Since func() stream.Offset
	// Nodes counts the live nodes of the cluster, this one included; nil: one. Each node gets an equal share of the credit.
	Nodes  func() int
	Hooks  Hooks
	Logger *slog.Logger // nil: the default logger
}

// Hooks let the owner observe. Every field may be nil; each must be quick and safe for concurrent use.
type Hooks struct {
	Reset    func()         // the log was dropped because the stream had a gap
	Followed func(at int64) // a live message came out of the stream; its time stamp in milliseconds since the epoch
}

// Stats are totals since the start.
type Stats struct {
	Malformed int64 // entries of the stream that are not events
}

// Replica is the ordered copy of one stream. Either [Replica.Load] fills it and [Replica.Run] keeps it filled, or the calls
// of [Replica.Reset] and [Replica.Deliver] do both. [Replica.Close] ends it. All other methods may be called from any
// goroutine.
type Replica struct {
	opts    Options
	logger  *slog.Logger
	log     *fanout.Log
	credits *credits
	reads   *semaphore.Weighted // see maxReads
	life    context.Context     // ends with Close; waiting appends and recoveries end with it
	end     context.CancelFunc

	malformed atomic.Int64

	// appending is held for reading by each append, and for writing by Drain.
	appending sync.RWMutex
	drained   bool // guarded by appending: no more appends

	// starts is held for writing while the log is emptied and refilled, so that no client starts in between.
	starts sync.RWMutex
	pushed bool // guarded by starts: the log began with the newest entries of a room

	traffic traffic

	older older

	// Owned by Load and Run, or by the caller of Reset and Deliver.
	last stream.Offset // the newest entry taken from the stream
}

// New makes a replica with an empty log.
func New(o Options) *Replica {
	if o.Window.MaxCount <= 0 {
		o.Window.MaxCount = fanout.DefaultWindow.MaxCount
	}
	if o.Window.MaxBytes <= 0 {
		o.Window.MaxBytes = fanout.DefaultWindow.MaxBytes
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	r := &Replica{
		opts: o, logger: o.Logger,
		log:     o.Sweepers.NewLog(stream.Offset{}, o.Window),
		credits: newCredits(o.retained, o.Window.MaxBytes),
		reads:   semaphore.NewWeighted(maxReads),
	}
	r.life, r.end = context.WithCancel(context.Background())
	return r
}

// Close cancels waiting appends and recoveries, and frees the log's part of a budget. It does not end Run, whose context
// does, and closes no session.
func (r *Replica) Close() {
	r.end()
	r.log.Close()
}

// Log is the log that clients follow. Only the replica writes to it.
func (r *Replica) Log() *fanout.Log { return r.log }

// Stats reads the counters.
func (r *Replica) Stats() Stats { return Stats{Malformed: r.malformed.Load()} }

// retained is how many entries both the stream and the log hold.
func (o Options) retained() int {
	if o.Retained == nil {
		return o.Window.MaxCount
	}
	return min(o.Window.MaxCount, o.Retained())
}

// since is what [Options.Since] says.
func (r *Replica) since() stream.Offset {
	if r.opts.Since == nil {
		return stream.Offset{}
	}
	return r.opts.Since()
}

// nodes is the number of live nodes, this one included.
func (r *Replica) nodes() int {
	if r.opts.Nodes == nil {
		return 1
	}
	return max(r.opts.Nodes(), 1)
}
