package shard

import (
	"context"
	"errors"
	"slices"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/redisx"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/redis"
)

// A batch of readings asks for at most maxBudget entries in all, fewer after a failure in case the line is too slow.
const maxBudget = 512

// retryAfter is how long a room whose reading has failed waits at least.
const retryAfter = 200 * time.Millisecond

// reader is what a receiver knows of its readings.
type reader struct {
	budget int
	wait   redisx.Backoff
	at     time.Duration // no reading before
	failed []*feed       // to be queued again
	retry  time.Duration // when they are
}

// reading is one room of a batch.
type reading struct {
	feed    *feed
	entries *goredis.XMessageSliceCmd   // of XRANGE, if the stream should have the last entry
	opened  *goredis.Cmd                // or else of open.lua
	members *goredis.MapStringStringCmd // nil if they are not due
}

// read reads one batch of the rooms that need it.
func (s *receiver) read(ctx context.Context) {
	if s.feeds.now() < s.reader.at {
		return
	}
	pipe, batch := s.feeds.rooms.opts.Client.Pipeline(), []reading(nil)
	for budget := s.reader.budget; budget > 0; {
		dirty := take(s, &s.dirty, 1)
		if len(dirty) == 0 {
			break
		}
		if r, cost := dirty[0].begin(ctx, s, pipe); cost > 0 {
			batch = append(batch, r)
			budget -= cost
		}
	}
	if len(batch) == 0 {
		return
	}
	s.kick() // for the next batch
	limited, cancel := context.WithTimeout(ctx, redisx.ExchangeTimeout)
	defer cancel()
	results, err := pipe.Exec(limited)
	s.finish(ctx, batch, redisx.NotSent(results, err))
}

// finish hands over what a batch has brought.
func (s *receiver) finish(ctx context.Context, batch []reading, notSent error) {
	var trouble error
	well := false
	for _, r := range batch {
		err := r.finish(notSent)
		if err != nil {
			s.reader.failed = append(s.reader.failed, r.feed)
		}
		if err == nil || final(err) { // the others are not to suffer from a key that is no room
			well = true
		} else {
			trouble = err
		}
	}
	if well {
		s.reader.budget = min(2*s.reader.budget, maxBudget)
		s.reader.wait.Reset()
		s.blind.Well()
		return
	}
	s.reader.budget = max(s.reader.budget/2, 1)
	s.reader.at = s.feeds.now() + s.reader.wait.Next()
	s.blind.Failed(trouble)
	s.feeds.rooms.reload(ctx)
}

// retry queues the rooms again whose reading has failed.
func (s *receiver) retry() {
	now, failed := s.feeds.now(), s.reader.failed
	if now < s.reader.retry {
		return
	}
	s.reader.failed, s.reader.retry = nil, now+retryAfter
	for _, d := range failed {
		d.suspect()
	}
}

// begin adds the commands of a reading to the pipeline, unless there is nothing to read. It returns how many entries they
// ask for.
func (d *feed) begin(ctx context.Context, s *receiver, pipe goredis.Pipeliner) (r reading, cost int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.home != s {
		return r, 0 // it waits there
	}
	d.queued = false
	if d.sink == nil || !d.dirty {
		return r, 0
	}
	d.dirty, d.reading = false, true
	r = reading{feed: d}
	if !d.last.IsZero() && !d.silent && !d.lost {
		r.entries = pipe.XRangeN(ctx, d.room.stream(), d.last.String(), "+", int64(d.page+1))
		return r, d.page
	}
	r.opened = d.openLocked(ctx, pipe)
	if d.last.IsZero() {
		d.askLocked()
		r.members = pipe.HGetAll(ctx, d.room.online())
	}
	return r, max(d.page, d.tail)
}

// openLocked runs open.lua.
func (d *feed) openLocked(ctx context.Context, pipe goredis.Pipeliner) *goredis.Cmd {
	last := ""
	if !d.last.IsZero() && !d.broken {
		last = d.last.String()
	}
	ttl := d.feeds.rooms.opts.TTL().Milliseconds()
	return pipe.Eval(ctx, openLua, []string{d.room.stream(), d.room.genesis()}, last, d.page+1, d.tail, ttl, d.last.Ms, d.last.Seq)
}

// result returns the entries that the reading has brought.
func (r reading) result(notSent error) ([]goredis.XMessage, error) {
	switch {
	case notSent != nil:
		return nil, notSent
	case r.entries != nil:
		return r.entries.Result()
	}
	answer, err := r.opened.Slice()
	if err != nil {
		return nil, err
	}
	return parseEntries(answer)
}

// finish hands over what the reading has brought. After an error the feed is dirty, and must be queued again.
func (r reading) finish(notSent error) error {
	messages, err := r.result(notSent)
	read := make([]chained, 0, len(messages))
	for _, m := range messages {
		entry, prev, wrong := redis.Decode(m)
		read = append(read, chained{entry, prev, len(m.Values) == 0})
		err = errors.Join(err, wrong)
	}
	d := r.feed
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reading, d.read = false, d.feeds.now()
	switch {
	case d.sink == nil:
		return nil
	case err != nil:
		d.dirty = true
		return err
	}
	if r.members != nil && r.members.Err() == nil {
		d.enrolLocked(r.members.Val())
	}
	d.adoptLocked(read, r.opened != nil)
	if d.dirty {
		d.dirtyLocked()
	}
	return nil
}

// adoptLocked hands over what follows the last entry among those that were read. If that is not there, there is a gap: then
// open.lua, if it was not asked yet, says where the sink begins anew.
func (d *feed) adoptLocked(read []chained, opened bool) {
	at := slices.IndexFunc(read, func(c chained) bool { return c.Offset == d.last })
	switch {
	case at >= 0 && !d.broken:
		d.lost = false
		d.continueLocked(read[at+1:])
	case opened && len(read) > 0:
		d.lost, d.broken = false, false
		d.resetLocked(read)
	default:
		d.lost, d.dirty = true, true
	}
}

// continueLocked hands over the entries as long as each follows the one before.
func (d *feed) continueLocked(read []chained) {
	entries, last := make([]stream.Entry, 0, len(read)), d.last
	for _, c := range read {
		if c.prev != last {
			d.lost, d.broken, d.dirty = true, true, true
			break
		}
		entries, last = append(entries, c.Entry), c.Offset
	}
	if len(read) >= d.page {
		d.page, d.dirty = min(2*d.page, lastPage), true
	} else {
		d.page = firstPage
	}
	if len(entries) > 0 {
		d.feeds.stats.byRead.Add(uint64(len(entries)))
		d.deliverLocked(entries)
	}
}

// resetLocked begins anew with the newest entries that follow each other.
func (d *feed) resetLocked(read []chained) {
	first := len(read) - 1
	for first > 0 && read[first].prev == read[first-1].Offset {
		first--
	}
	entries := make([]stream.Entry, 0, len(read)-first)
	for _, c := range read[first:] {
		entries = append(entries, c.Entry)
	}
	if !d.last.IsZero() {
		d.feeds.stats.gaps.Add(1)
	}
	d.acked = stream.Offset{}
	d.sink.Reset(entries)
	d.moveLocked(entries[len(entries)-1])
	d.silent = read[len(read)-1].silent
	d.sumLocked()
}

// chained is an entry with what it says it follows.
type chained struct {
	stream.Entry
	prev   stream.Offset
	silent bool // a genesis that is not in the stream yet
}

var errAnswer = errors.New("redis answers with no entries")

// parseEntries reads the answer of open.lua.
func parseEntries(answer []any) ([]goredis.XMessage, error) {
	messages := make([]goredis.XMessage, 0, len(answer))
	for _, item := range answer {
		pair, _ := item.([]any)
		if len(pair) != 2 {
			return nil, errAnswer
		}
		id, _ := pair[0].(string)
		fields, _ := pair[1].([]any)
		m := goredis.XMessage{ID: id, Values: map[string]any{}}
		for i := 0; i+1 < len(fields); i += 2 {
			name, _ := fields[i].(string)
			m.Values[name] = fields[i+1]
		}
		messages = append(messages, m)
	}
	return messages, nil
}
