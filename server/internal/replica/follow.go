package replica

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"scalable-chat/server/internal/pace"
	"scalable-chat/server/internal/stream"
)

const (
	minBackoff = 50 * time.Millisecond
	maxBackoff = 2 * time.Second
	// loadBatch is how many entries Load encodes at once.
	loadBatch = 512
)

// Load fills the log with the newest entries of the stream. It retries, with pauses, until it succeeds or ctx ends. Call it
// once, before Run and before the first session.
func (r *Replica) Load(ctx context.Context) error {
	for pause := minBackoff; ; pause = min(2*pause, maxBackoff) {
		err := r.load(ctx)
		if err == nil || ctx.Err() != nil || errors.Is(err, stream.ErrClosed) {
			return err
		}
		r.logger.Warn("stream cannot be loaded yet", "room", r.opts.Name, "error", err)
		if err := pace.Sleep(ctx, jittered(pause)); err != nil {
			return err
		}
	}
}

// load replaces the log by the window of the stream. The log begins after the oldest entry that load reads: clients do not
// get that one, but a client that has seen it can continue from there.
func (r *Replica) load(ctx context.Context) error {
	entries, err := r.newest(ctx)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return errors.New("stream has no genesis entry")
	}
	r.restart(entries, false)
	return nil
}

// restart replaces the log. pushed says that the stream may have older entries than these.
func (r *Replica) restart(entries []stream.Entry, pushed bool) {
	r.starts.Lock()
	defer r.starts.Unlock()
	r.pushed = pushed
	r.older.first.Store(nil)
	if first := entries[0]; len(first.Event) == 0 {
		r.older.first.Store(&first.Offset) // the genesis
	}
	r.log.Reset(entries[0].Offset)
	for batch := range slices.Chunk(entries[1:], loadBatch) {
		r.show(batch)
	}
	r.last = entries[len(entries)-1].Offset
	r.credits.restart(r.last)
}

// newest reads the window, and stops when the log is full.
func (r *Replica) newest(ctx context.Context) ([]stream.Entry, error) {
	window := r.opts.Window
	return stream.Tail(ctx, r.opts.Stream.Last, window.MaxCount+1, window.MaxBytes+1, FrameOverhead)
}

// Run delivers the entries of the stream, whose record is [Options.Stream], until ctx ends or the stream is closed, and
// returns that error. A gap empties the log. That ends the sessions that follow it; their clients reconnect and learn that
// they could not recover.
func (r *Replica) Run(ctx context.Context, s stream.Stream) error {
	deliver := func(entries []stream.Entry) error { r.Deliver(entries); return nil }
	pause := minBackoff
	for {
		began := time.Now()
		err := s.Follow(ctx, r.last, deliver)
		if ctx.Err() != nil || errors.Is(err, stream.ErrClosed) {
			return err
		}
		if time.Since(began) > maxBackoff {
			pause = minBackoff
		}
		progress := false
		if errors.Is(err, stream.ErrGap) {
			progress, err = r.startAfresh(ctx, err)
		} else {
			r.logger.Warn("stream cannot be followed", "room", r.opts.Name, "error", err)
			err = nil
		}
		if err != nil {
			return err
		}
		if progress {
			pause = minBackoff // a pause would cause the next gap
			continue
		}
		if err := pace.Sleep(ctx, jittered(pause)); err != nil {
			return err
		}
		pause = min(2*pause, maxBackoff)
	}
}

// startAfresh loads the window again after a gap. progress means that the stream has new entries since.
func (r *Replica) startAfresh(ctx context.Context, gap error) (progress bool, err error) {
	r.lost(gap)
	before := r.last
	if err := r.Load(ctx); err != nil {
		return false, err
	}
	return r.last.Compare(before) > 0, nil
}

// lost tells that the log is dropped.
func (r *Replica) lost(gap error) {
	r.logger.Warn("stream has a gap: starting afresh", "room", r.opts.Name, "after", r.last.String(), "error", gap)
	if r.opts.Hooks.Reset != nil {
		r.opts.Hooks.Reset()
	}
}

// Reset is that of a [stream.Sink]. Each call after the first means a gap, and empties the log like one that Run meets.
func (r *Replica) Reset(entries []stream.Entry) {
	if !r.last.IsZero() {
		r.lost(stream.ErrGap)
	}
	r.restart(entries, true)
}

func jittered(pause time.Duration) time.Duration { return pause/2 + rand.N(pause) }

// Deliver is that of a [stream.Sink]: it appends new entries to the log. It waits only for sweepers that are behind by an
// eighth of the window.
func (r *Replica) Deliver(entries []stream.Entry) {
	r.show(entries)
	r.last = entries[len(entries)-1].Offset
	r.credits.reach(r.last)
	r.traffic.count(entries)
	r.trace(entries)
	if r.opts.Hooks.Followed != nil {
		for _, e := range entries {
			if len(e.Event) > 0 {
				r.opts.Hooks.Followed(int64(e.Offset.Ms))
			}
		}
	}
}

// trace logs at debug level what this node delivers, so that a message can be found on each node by its offset.
func (r *Replica) trace(entries []stream.Entry) {
	if !r.logger.Enabled(r.life, slog.LevelDebug) {
		return
	}
	for _, e := range entries {
		r.logger.Debug("message delivered", "room", r.opts.Name, "offset", e.Offset.String())
	}
}

// show adds a batch to the log.
func (r *Replica) show(entries []stream.Entry) {
	e := newEncoder()
	defer e.free()
	r.log.Append(r.encode(e, entries))
}
