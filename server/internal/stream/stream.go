// Package stream is the ordered, retained record of the events of a room.
//
// It owns the total order: every entry has an [Offset], offsets only grow, and every node that follows the stream sees
// the same entries in the same order. The package holds the small interface; memory, sqlite and redis (sub-packages)
// implement it, and streamtest pins one contract on all of them.
package stream

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Errors that every implementation returns, wrapped, so that callers test them with [errors.Is].
var (
	// ErrUnavailable means that the record cannot be reached: the append was not tried, or its outcome is unknown. The
	// caller may retry with the same key; an entry that was stored after all is not stored twice.
	ErrUnavailable = errors.New("stream unavailable")
	// ErrGap means that the stream no longer has the entry after which a follower wants to continue, or entries that come
	// next (trimmed, flushed, or lost by a failover). The follower drops its entries and starts afresh.
	ErrGap = errors.New("stream gap")
	// ErrClosed means that the stream was closed by its owner.
	ErrClosed = errors.New("stream closed")
)

// Offset is the place of an entry in the total order: milliseconds since the epoch by the stream's own clock, and a
// sequence number within the millisecond. The zero Offset is no entry. An Offset is comparable and may be a map key.
type Offset struct {
	Ms  uint64
	Seq uint64
}

// ParseOffset reads the form that [Offset.String] writes: two decimal numbers joined by a hyphen.
func ParseOffset(s string) (Offset, error) {
	ms, seq, ok := strings.Cut(s, "-")
	if !ok || len(s) > 41 {
		return Offset{}, fmt.Errorf("offset %.50q: not <ms>-<seq>", s)
	}
	m, err := strconv.ParseUint(ms, 10, 64)
	if err != nil {
		return Offset{}, fmt.Errorf("offset %.50q: %w", s, err)
	}
	q, err := strconv.ParseUint(seq, 10, 64)
	if err != nil {
		return Offset{}, fmt.Errorf("offset %.50q: %w", s, err)
	}
	return Offset{Ms: m, Seq: q}, nil
}

// Append adds the text form to b and returns the longer slice.
func (o Offset) Append(b []byte) []byte {
	b = strconv.AppendUint(b, o.Ms, 10)
	b = append(b, '-')
	return strconv.AppendUint(b, o.Seq, 10)
}

// String is the text form, "<ms>-<seq>". It crosses the wire and is the entry's id in Redis.
func (o Offset) String() string { return string(o.Append(nil)) }

// IsZero reports whether o is no entry at all.
func (o Offset) IsZero() bool { return o == Offset{} }

// Compare is negative if o comes before p in the total order, zero if they are the same entry, positive if after.
func (o Offset) Compare(p Offset) int {
	switch {
	case o.Ms < p.Ms, o.Ms == p.Ms && o.Seq < p.Seq:
		return -1
	case o == p:
		return 0
	default:
		return 1
	}
}

// Prev is the last offset that an entry before o may have; that of the zero Offset is itself.
func (o Offset) Prev() Offset {
	switch {
	case o.Seq > 0:
		return Offset{Ms: o.Ms, Seq: o.Seq - 1}
	case o.Ms > 0:
		return Offset{Ms: o.Ms - 1, Seq: math.MaxUint64}
	}
	return o
}

// Next is the first offset that an entry after o may have; that of the greatest Offset is itself.
func (o Offset) Next() Offset {
	switch {
	case o.Seq < math.MaxUint64:
		return Offset{Ms: o.Ms, Seq: o.Seq + 1}
	case o.Ms < math.MaxUint64:
		return Offset{Ms: o.Ms + 1}
	}
	return o
}

// At is the offset of an entry that comes after o and is stored at this time. Offsets grow even if the clock steps back.
func (o Offset) At(now time.Time) Offset {
	if ms := uint64(max(0, now.UnixMilli())); ms > o.Ms {
		return Offset{Ms: ms}
	}
	return Offset{Ms: o.Ms, Seq: o.Seq + 1}
}

// Entry is one record of the stream. Event is immutable: nobody may write to it. The entry with an empty Event is the
// genesis. It marks where a room begins, so that a client of an empty room also holds an offset that it can recover
// from. It is the first entry of every stream. [Stream.Last], [Stream.After] and [Stream.Follow] return it like any other
// entry; clients do not see it.
type Entry struct {
	Offset Offset
	Event  []byte
}

// Stream is the ordered, retained record. All methods may be called from any goroutine. Once the owner has closed the
// stream, all of them return [ErrClosed].
type Stream interface {
	// Append queues event, which must not be empty, as the next entry. It calls done once: with the offset when the entry
	// is stored, or with an error. Entries of one caller are stored in the order of its calls. Append blocks only while
	// the bounded queue is full, and at most until ctx ends or the implementation's own time-out passes. If it returns an
	// error, nothing was queued and done is not called. Append copies the event: the caller may reuse its bytes.
	// done must be quick and must not call Append: it runs on the appender, one at a time, in the order of the queue.
	//
	// A key that is not empty deduplicates: within the implementation's DedupeTTL a second append with the same key
	// stores nothing and reports the offset of the first. Without a key every successful call stores its own entry. A
	// retry inside the implementation never stores an entry twice.
	Append(ctx context.Context, key string, event []byte, done func(Offset, error)) error

	// Last returns at most n entries, oldest first and without a gap: the newest ones before the given offset (the zero
	// Offset: the newest of all). A stream is never empty: if it has nothing, Last with the zero Offset creates the
	// genesis entry.
	Last(ctx context.Context, before Offset, n int) ([]Entry, error)

	// After returns at most n entries, oldest first and without a gap: the oldest ones after the given offset (the zero
	// Offset: the oldest of all). Entries that are no longer retained are left out, so the first one returned need not be
	// the next one after the offset. Fewer than n entries do not say that there are no more; none do. It creates nothing.
	After(ctx context.Context, after Offset, n int) ([]Entry, error)

	// Follow calls fn with every entry after the given offset, in order, in batches of at least one, until ctx ends or
	// fn fails, and returns that error. It survives a lost connection without skipping or repeating an entry. If it
	// cannot continue without skipping one, or has no entry with exactly that offset, it returns an error that is
	// [ErrGap]. The zero Offset follows from the genesis on. fn may use the slice only until it returns, and keep the
	// events. fn may block: that delays only this follower.
	Follow(ctx context.Context, after Offset, fn func([]Entry) error) error
}
