package adapter

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/stream"
)

const (
	minBackoff = 50 * time.Millisecond
	maxBackoff = 2 * time.Second
	// maxScratch is the largest buffer that is kept from one batch to the next.
	maxScratch = 1 << 20
	// preloadBatch is how many entries are read and encoded at once when the window is loaded.
	preloadBatch = 512
)

// Load fills the log with the newest entries of the stream. It tries again, with pauses, until it succeeds or ctx ends.
// It comes once, before Run and before the first session.
func (h *Hub) Load(ctx context.Context) error {
	for pause := minBackoff; ; pause = min(2*pause, maxBackoff) {
		err := h.load(ctx)
		if err == nil || ctx.Err() != nil || errors.Is(err, stream.ErrClosed) {
			return err
		}
		h.log.Warn("stream cannot be loaded yet", "error", err)
		if err := sleep(ctx, pause/2+rand.N(pause)); err != nil {
			return err
		}
	}
}

// load replaces what the log holds by the window of the stream. The oldest entry that it gets is where the log begins:
// it is not shown any more, but a client that has seen it can go on from there.
func (h *Hub) load(ctx context.Context) error {
	entries, err := h.newest(ctx)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return errors.New("stream has no genesis entry")
	}
	h.starts.Lock()
	defer h.starts.Unlock()
	h.opts.Log.Reset(entries[0].Offset)
	for batch := range slices.Chunk(entries[1:], preloadBatch) {
		h.show(batch)
	}
	h.last = entries[len(entries)-1].Offset
	h.brake.restart(h.last)
	return nil
}

// newest reads the window backwards, and no more of it than the log takes: a window of the longest messages would be many
// times as large.
func (h *Hub) newest(ctx context.Context) ([]stream.Entry, error) {
	var pages [][]stream.Entry
	var before stream.Offset
	for count, bytes := 0, 0; count <= h.opts.Window && bytes <= h.opts.WindowBytes; {
		want := min(preloadBatch, h.opts.Window+1-count)
		page, err := h.opts.Stream.Last(ctx, before, want)
		if err != nil {
			return nil, err
		}
		pages = append(pages, page)
		if len(page) < want {
			break // that was all
		}
		before, count = page[0].Offset, count+len(page)
		for _, e := range page {
			bytes += len(e.Event) + frameOverhead
		}
	}
	slices.Reverse(pages)
	return slices.Concat(pages...), nil
}

// Run delivers what comes out of the stream until ctx ends or the stream is closed, and returns that error. A gap empties
// the log, which ends the sessions that follow it; they come back and are told that they could not recover.
func (h *Hub) Run(ctx context.Context) error {
	pause := minBackoff
	for {
		began := time.Now()
		err := h.opts.Stream.Follow(ctx, h.last, h.deliver)
		if ctx.Err() != nil || errors.Is(err, stream.ErrClosed) {
			return err
		}
		if time.Since(began) > maxBackoff {
			pause = minBackoff
		}
		if errors.Is(err, stream.ErrGap) {
			h.log.Warn("stream has a gap: starting afresh", "after", h.last.String(), "error", err)
			if h.opts.Hooks.Reset != nil {
				h.opts.Hooks.Reset()
			}
			before := h.last
			err = h.Load(ctx)
			if err == nil && h.last.Compare(before) > 0 {
				pause = minBackoff // it goes on; to wait would only make the next gap
				continue
			}
		} else {
			h.log.Warn("stream cannot be followed", "error", err)
		}
		if err == nil {
			err = sleep(ctx, pause/2+rand.N(pause))
		}
		if err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		pause = min(2*pause, maxBackoff)
	}
}

// deliver puts entries that are new into the log.
func (h *Hub) deliver(entries []stream.Entry) error {
	h.show(entries)
	h.last = entries[len(entries)-1].Offset
	h.brake.reach(h.last)
	if h.opts.Hooks.Followed != nil {
		for _, e := range entries {
			if len(e.Event) > 0 {
				h.opts.Hooks.Followed(int64(e.Offset.Ms))
			}
		}
	}
	return nil
}

// show encodes a batch, each entry once for all sockets. A genesis is shown to nobody.
func (h *Hub) show(entries []stream.Entry) {
	size := 0
	for _, e := range entries {
		size += len(e.Event) + frameOverhead
	}
	buf := slices.Grow(h.scratch[:0], size) // never moves below, so that the frames may point into it
	frames := h.frames[:0]
	for _, e := range entries {
		start := len(buf)
		var ok bool
		if buf, ok = appendEntry(buf, e); ok {
			frames = append(frames, fanout.Frame{Offset: e.Offset, Bytes: buf[start:]})
		} else if len(e.Event) > 0 {
			h.malformed.Add(1)
			h.log.Error("stream holds something that is no event", "offset", e.Offset.String())
		}
	}
	h.opts.Log.Append(frames)
	clear(frames)
	h.frames = frames
	if h.scratch = buf; cap(buf) > maxScratch {
		h.scratch = nil
	}
}

// sleep waits, and returns an error if ctx ended before.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
