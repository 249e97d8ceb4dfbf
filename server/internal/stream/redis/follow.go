package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/redisx"
	"scalable-chat/server/internal/stream"
)

// readEntries is how many entries one command reads at most, and so the largest batch that a follower gets.
const readEntries = 512

// follower is a position in the stream.
type follower struct {
	stream *Stream
	last   stream.Offset
	unsure bool // the follower must check whether the entry at last still exists
	count  int  // how many entries to ask for: fewer after a failure, in case the line is too slow for so many
}

// Follow implements [stream.Stream]. It outlasts any outage of Redis. If the stream was trimmed, flushed or lost its tail in
// a failover, the follower notices with the next entry, or within Block while there is none.
func (s *Stream) Follow(ctx context.Context, after stream.Offset, fn func([]stream.Entry) error) error {
	caller := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ended, cancel)()
	defer s.following.Over()

	f := &follower{stream: s, last: after, unsure: !after.IsZero(), count: readEntries}
	wait := redisx.Backoff{Max: 100 * time.Millisecond} // other nodes may already be back and fill the window
	for {
		entries, err := f.read(ctx)
		switch {
		case caller.Err() != nil:
			return caller.Err()
		case s.ended.Err() != nil:
			return stream.ErrClosed
		case errors.Is(err, stream.ErrGap):
			return err
		case err != nil:
			s.following.Failed(err)
			f.unsure, f.count = !f.last.IsZero(), max(1, f.count/2)
			wait.Sleep(ctx)
			continue
		}
		s.following.Well()
		f.count = min(2*f.count, readEntries)
		wait.Reset()
		if len(entries) > 0 {
			if err := fn(entries); err != nil {
				return err
			}
		}
	}
}

// read waits for the next entries and moves behind them. It returns none if Block passes.
func (f *follower) read(ctx context.Context) ([]stream.Entry, error) {
	s := f.stream
	if f.unsure {
		if err := f.checkLast(ctx); err != nil {
			return nil, err
		}
		f.unsure = false
	}
	args := &redis.XReadArgs{Streams: []string{s.opts.Key, f.last.String()}, Count: int64(f.count), Block: s.opts.Block}
	streams, err := redisx.Within(ctx, s.opts.Block+readMargin, func(ctx context.Context) ([]redis.XStream, error) {
		return s.opts.Client.XRead(ctx, args).Result()
	})
	if errors.Is(err, redis.Nil) {
		f.unsure = !f.last.IsZero()
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return f.advance(streams[0].Messages)
}

// checkLast checks that the entry at f.last still exists. Redis does not report by itself that it has lost entries.
func (f *follower) checkLast(ctx context.Context) error {
	s, id := f.stream, f.last.String()
	found, err := redisx.Within(ctx, commandLimit, func(ctx context.Context) ([]redis.XMessage, error) {
		return s.opts.Client.XRange(ctx, s.opts.Key, id, id).Result()
	})
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%w: entry %s is not there", stream.ErrGap, id)
	}
	return err
}

// advance moves over the messages while each follows the one before. If the first does not, that is a gap; a later one
// comes again as the first of the next read.
func (f *follower) advance(messages []redis.XMessage) ([]stream.Entry, error) {
	entries := make([]stream.Entry, 0, len(messages))
	for _, m := range messages {
		entry, prev, err := Decode(m)
		if err != nil {
			return nil, err
		}
		if prev != f.last {
			if len(entries) == 0 {
				return nil, fmt.Errorf("%w: entry %s follows %s, not %s", stream.ErrGap, entry.Offset, prev, f.last)
			}
			break
		}
		entries = append(entries, entry)
		f.last = entry.Offset
	}
	f.stream.script.saw(f.last)
	return entries, nil
}
