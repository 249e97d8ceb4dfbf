package redis

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/redisx"
	"scalable-chat/server/internal/stream"
)

// Last and After read in pages, so that one answer (8 MiB at most, with events of 64 KiB) arrives in time on a slow line too.
const (
	pageEntries = 128
	pageLimit   = 10 * time.Second
)

// Last implements [stream.Stream]. It reads the master. If an entry is missing in the middle, Last returns only the entries
// after the hole. If Redis does not answer, the error is [stream.ErrUnavailable].
func (s *Stream) Last(ctx context.Context, before stream.Offset, n int) ([]stream.Entry, error) {
	if n <= 0 {
		return nil, nil
	}
	return WhileOpen(ctx, s.ended, func(ctx context.Context) ([]stream.Entry, error) {
		entries, err := s.newest(ctx, before, n)
		if err == nil && len(entries) == 0 && before.IsZero() {
			if err = s.createGenesis(ctx); err == nil {
				entries, err = s.newest(ctx, before, n)
			}
			if err == nil && len(entries) == 0 {
				err = errors.New("flushed in this moment")
			}
		}
		return entries, err
	})
}

// After implements [stream.Stream]. It reads the master. If an entry is missing in the middle, After returns only the entries
// before the hole. If Redis does not answer, the error is [stream.ErrUnavailable].
func (s *Stream) After(ctx context.Context, after stream.Offset, n int) ([]stream.Entry, error) {
	return WhileOpen(ctx, s.ended, func(ctx context.Context) ([]stream.Entry, error) {
		return Oldest(ctx, s.opts.Client, s.opts.Key, after, n)
	})
}

// WhileOpen runs the reading of a [stream.Record], which is cancelled when ctx or the record ends. Its error says why it failed:
// [stream.ErrClosed] once the record has ended, that of ctx, or else [stream.ErrUnavailable] with the cause.
func WhileOpen(ctx, record context.Context, read func(context.Context) ([]stream.Entry, error)) ([]stream.Entry, error) {
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(record, cancel)()
	entries, err := read(reading)
	switch {
	case record.Err() != nil:
		return nil, stream.ErrClosed
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("%w: %w", stream.ErrUnavailable, err)
	}
	return entries, nil
}

func (s *Stream) newest(ctx context.Context, before stream.Offset, n int) ([]stream.Entry, error) {
	entries, err := Newest(ctx, s.opts.Client, s.opts.Key, before, n)
	if len(entries) > 0 {
		s.script.saw(entries[len(entries)-1].Offset)
	}
	return entries, err
}

// Newest reads at most n entries of the stream with that key, the newest ones before the given offset (the zero Offset: the
// newest of all), and returns them oldest first. It reads page by page, newest first, and stops at the first entry that the
// next newer one does not name as previous. No entries are no error.
func Newest(ctx context.Context, client redis.Cmdable, key string, before stream.Offset, n int) ([]stream.Entry, error) {
	var entries []stream.Entry
	end := "+"
	if !before.IsZero() {
		end = "(" + before.String()
	}
	for expected := (stream.Offset{}); len(entries) < n; {
		count := min(n-len(entries), pageEntries)
		page, err := redisx.Within(ctx, pageLimit, func(ctx context.Context) ([]redis.XMessage, error) {
			return client.XRevRangeN(ctx, key, end, "-", int64(count)).Result()
		})
		if err != nil {
			return nil, err
		}
		whole := len(page) == count
		for _, m := range page {
			entry, prev, err := Decode(m)
			if err != nil {
				return nil, err
			}
			if len(entries) > 0 && entry.Offset != expected {
				whole = false
				break
			}
			entries = append(entries, entry)
			expected, end = prev, "("+m.ID
		}
		if !whole {
			break
		}
	}
	slices.Reverse(entries)
	return entries, nil
}

// Oldest reads at most n entries of the stream with that key, the oldest ones after the given offset, oldest first. It reads
// page by page and stops before an entry that does not name the one before it as previous. No entries are no error.
func Oldest(ctx context.Context, client redis.Cmdable, key string, after stream.Offset, n int) ([]stream.Entry, error) {
	var entries []stream.Entry
	start := "-"
	for len(entries) < n && after != greatest {
		if !after.IsZero() {
			start = "(" + after.String()
		}
		count := min(n-len(entries), pageEntries)
		page, err := redisx.Within(ctx, pageLimit, func(ctx context.Context) ([]redis.XMessage, error) {
			return client.XRangeN(ctx, key, start, "+", int64(count)).Result()
		})
		if err != nil {
			return nil, err
		}
		for _, m := range page {
			entry, prev, err := Decode(m)
			if err != nil {
				return nil, err
			}
			if len(entries) > 0 && prev != after {
				return entries, nil
			}
			entries = append(entries, entry)
			after = entry.Offset
		}
		if len(page) < count {
			break
		}
	}
	return entries, nil
}

func (s *Stream) createGenesis(ctx context.Context) error {
	_, err := redisx.Within(ctx, commandLimit, func(ctx context.Context) ([]stream.Offset, error) {
		return s.script.run(ctx, s.script.prepare(0, nil))
	})
	return err
}

// greatest is the last offset that Redis can have. It refuses to look for anything after it.
var greatest = stream.Offset{Ms: math.MaxUint64, Seq: math.MaxUint64}

// unknown is the previous offset of an entry without one, which something else wrote. It equals no offset of an entry.
var unknown = greatest

// Decode reads an entry as the append script writes it. prev is the offset of the entry before it, or equals no offset if the
// entry has none.
func Decode(m redis.XMessage) (entry stream.Entry, prev stream.Offset, err error) {
	if entry.Offset, err = stream.ParseOffset(m.ID); err != nil {
		return entry, prev, err
	}
	if event, ok := m.Values["event"].(string); ok {
		entry.Event = []byte(event)
	}
	text, _ := m.Values["prev"].(string)
	if prev, err = stream.ParseOffset(text); err != nil {
		return entry, unknown, nil
	}
	return entry, prev, nil
}
