package memory

import (
	"sort"
	"time"

	"github.com/gammazero/deque"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/dedupe"
)

// record is the entries and the keys of a stream. Its owner guards it.
type record struct {
	opts    Options
	entries deque.Deque[stream.Entry]
	first   uint64 // number, counted from the genesis as 0, of the oldest entry retained
	bytes   int
	newest  stream.Offset
	keys    *dedupe.Table
}

// newRecord makes a record that holds its genesis entry, which comes after the given offset.
func newRecord(opts Options, after stream.Offset) *record {
	r := &record{
		opts: opts, newest: after,
		keys: dedupe.NewTable(opts.DedupeTTL, opts.DedupeMax),
	}
	r.add(nil, opts.Now())
	return r
}

// store adds an event, unless its key is known.
func (r *record) store(key string, event []byte) stream.Offset {
	now := r.opts.Now()
	if key == "" {
		return r.add(event, now)
	}
	k := dedupe.KeyOf(key)
	if offset, ok := r.keys.Find(k, now); ok {
		return offset
	}
	offset := r.add(event, now)
	r.keys.Add(k, offset, now)
	return offset
}

// add stores the next entry and drops the oldest ones beyond the bounds.
func (r *record) add(event []byte, now time.Time) stream.Offset {
	r.newest = r.newest.At(now)
	r.entries.PushBack(stream.Entry{Offset: r.newest, Event: event})
	r.bytes += len(event) + EntryOverhead
	for r.entries.Len() > r.opts.MaxEntries || r.bytes > r.opts.MaxBytes && r.entries.Len() > 1 {
		r.forget()
	}
	return r.newest
}

func (r *record) forget() {
	r.bytes -= len(r.entries.PopFront().Event) + EntryOverhead
	r.first++
}

// end is the number of the entry that comes next.
func (r *record) end() uint64 { return r.first + uint64(r.entries.Len()) }

// copyTo appends the entries from the given index on to dst, at most so many.
func (r *record) copyTo(dst []stream.Entry, from, most int) []stream.Entry {
	for i := from; i < r.entries.Len() && most > 0; i++ {
		dst = append(dst, r.entries.At(i))
		most--
	}
	return dst
}

// last is [stream.Stream.Last].
func (r *record) last(before stream.Offset, n int) []stream.Entry {
	end := r.entries.Len()
	if !before.IsZero() {
		end = r.search(before)
	}
	from := max(0, end-max(0, n))
	return r.copyTo(make([]stream.Entry, 0, end-from), from, end-from)
}

// oldest is [stream.Stream.After].
func (r *record) oldest(after stream.Offset, n int) []stream.Entry {
	from := r.search(after)
	if from < r.entries.Len() && r.entries.At(from).Offset == after {
		from++
	}
	most := min(max(0, n), r.entries.Len()-from)
	return r.copyTo(make([]stream.Entry, 0, most), from, most)
}

// search returns the index of the oldest entry at or after offset.
func (r *record) search(offset stream.Offset) int {
	return sort.Search(r.entries.Len(), func(i int) bool { return r.entries.At(i).Offset.Compare(offset) >= 0 })
}
