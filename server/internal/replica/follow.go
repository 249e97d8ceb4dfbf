package replica

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/pace"
	"scalable-chat/server/internal/stream"
)

const (
	minBackoff = 50 * time.Millisecond
	maxBackoff = 2 * time.Second
	// maxScratch bounds the buffer kept from one batch to the next, in bytes.
	maxScratch = 1 << 20
	// loadBatch is how many entries Load reads and encodes at once.
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
		r.logger.Warn("stream cannot be loaded yet", "error", err)
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
	r.starts.Lock()
	defer r.starts.Unlock()
	r.log.Reset(entries[0].Offset)
	for batch := range slices.Chunk(entries[1:], loadBatch) {
		r.show(batch)
	}
	r.last = entries[len(entries)-1].Offset
	r.credits.restart(r.last)
	return nil
}

// newest reads the window backwards, and stops when the log is full: a window of the longest messages would be many times
// larger than the log.
func (r *Replica) newest(ctx context.Context) ([]stream.Entry, error) {
	var pages [][]stream.Entry
	var before stream.Offset
	window := r.opts.Window
	for count, bytes := 0, 0; count <= window.MaxCount && bytes <= window.MaxBytes; {
		want := min(loadBatch, window.MaxCount+1-count)
		page, err := r.opts.Stream.Last(ctx, before, want)
		if err != nil {
			return nil, err
		}
		pages = append(pages, page)
		if len(page) < want {
			break // the stream has no older entries
		}
		before, count = page[0].Offset, count+len(page)
		for _, e := range page {
			bytes += len(e.Event) + FrameOverhead
		}
	}
	slices.Reverse(pages)
	return slices.Concat(pages...), nil
}

// Run delivers the entries of the stream until ctx ends or the stream is closed, and returns that error. A gap empties the
// log. That ends the sessions that follow it; their clients reconnect and learn that they could not recover.
func (r *Replica) Run(ctx context.Context) error {
	pause := minBackoff
	for {
		began := time.Now()
		err := r.opts.Stream.Follow(ctx, r.last, r.deliver)
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
			r.logger.Warn("stream cannot be followed", "error", err)
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
	r.logger.Warn("stream has a gap: starting afresh", "after", r.last.String(), "error", gap)
	if r.opts.Hooks.Reset != nil {
		r.opts.Hooks.Reset()
	}
	before := r.last
	if err := r.Load(ctx); err != nil {
		return false, err
	}
	return r.last.Compare(before) > 0, nil
}

func jittered(pause time.Duration) time.Duration { return pause/2 + rand.N(pause) }

// deliver appends new entries to the log.
func (r *Replica) deliver(entries []stream.Entry) error {
	r.show(entries)
	r.last = entries[len(entries)-1].Offset
	r.credits.reach(r.last)
	if r.opts.Hooks.Followed != nil {
		for _, e := range entries {
			if len(e.Event) > 0 {
				r.opts.Hooks.Followed(int64(e.Offset.Ms))
			}
		}
	}
	return nil
}

// show encodes a batch, each entry once for all clients. A genesis entry is not shown.
func (r *Replica) show(entries []stream.Entry) {
	size := 0
	for _, e := range entries {
		size += len(e.Event) + FrameOverhead
	}
	buf := slices.Grow(r.scratch[:0], size) // does not move below: the frames point into it
	frames := r.frames[:0]
	for _, e := range entries {
		start := len(buf)
		var ok bool
		if buf, ok = r.opts.Encode(buf, e); ok {
			frames = append(frames, fanout.Frame{Offset: e.Offset, Bytes: buf[start:]})
		} else if len(e.Event) > 0 {
			r.malformed.Add(1)
			r.logger.Error("stream holds an entry that is no event", "offset", e.Offset.String())
		}
	}
	r.log.Append(frames)
	clear(frames)
	r.frames = frames
	if r.scratch = buf; cap(buf) > maxScratch {
		r.scratch = nil
	}
}
