package replica

import (
	"context"
	"math"
	"slices"
	"time"

	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/pace"
	"scalable-chat/server/internal/stream"
)

// maxReads bounds the concurrent history reads of the stream. They share its connections with live messages and must not
// crowd those out.
const maxReads = 2

// firstPage is the number of entries in the first page read from the stream; each page is twice as large as the one before.
// So a read wastes few large entries, and many small ones take few round trips.
const firstPage = 4

// Before returns at most n entries, the newest ones before the offset (zero: the newest of all), oldest first. It reads the
// log first, which is in memory, then older entries from the stream, only as many as are missing. It returns fewer than n
// entries only if there are no more, if their events together exceed enough bytes, or with an error: then it returns the
// entries found before the error. The event of an entry is the appended one or, from the log, the result of
// [Options.Decode]; the caller must not write to it. Before leaves out a genesis entry.
func (r *Replica) Before(ctx context.Context, before stream.Offset, n, enough int) ([]stream.Entry, error) {
	p := past{at: before, wanted: n, enough: enough, since: r.since()}
	if r.catchUp(ctx, before) {
		r.addFromLog(&p)
	}
	err := r.addOlder(ctx, &p)
	slices.Reverse(p.entries)
	return p.entries, err
}

// After returns at most n entries, the oldest ones after the offset (zero: the oldest of all), oldest first. It reads the stream
// until it gets to the log, which is in memory, and the rest from there. Its bounds and its entries are those of
// [Replica.Before].
func (r *Replica) After(ctx context.Context, after stream.Offset, n, enough int) ([]stream.Entry, error) {
	p := past{at: after, wanted: n, enough: enough, since: r.since()}
	useLog := r.catchUp(ctx, after)
	err := r.addNewer(ctx, &p, useLog)
	return p.entries, err
}

// past gathers history in one direction, the nearest entries first.
type past struct {
	entries []stream.Entry
	bytes   int
	enough  int           // bytes
	wanted  int           // entries still missing, at most
	at      stream.Offset // the search continues from this offset
	since   stream.Offset // what is older does not count
}

// isFull reports whether past needs no more entries.
func (p *past) isFull() bool { return p.wanted <= 0 || p.bytes > p.enough }

func (p *past) add(e stream.Entry) {
	p.at = e.Offset
	if len(e.Event) > 0 && e.Offset.Compare(p.since) >= 0 {
		p.wanted--
		p.entries = append(p.entries, e)
		p.bytes += len(e.Event)
	}
}

// catchUp waits, for a bounded time, until the log holds every entry that the client may know: its own messages, and those
// that it saw on another node. It returns false if the log does not get there.
func (r *Replica) catchUp(ctx context.Context, seen stream.Offset) bool {
	said := r.credits.newest()
	waiting, cancel := context.WithTimeout(ctx, recoverWait)
	defer cancel()
	r.log.Reach(waiting, said)
	r.await(waiting, seen)
	return !r.isAhead(said) && !r.isAhead(seen)
}

// await waits for the log to reach an offset, at most as long as [recoverWait]. It polls, because any number of clients may
// claim to have seen a future offset.
func (r *Replica) await(ctx context.Context, seen stream.Offset) {
	for waited := time.Duration(0); waited < recoverWait && r.isAhead(seen); waited += recoverPoll {
		if pace.Sleep(ctx, recoverPoll) != nil {
			return
		}
	}
}

// addFromLog adds entries of the window.
func (r *Replica) addFromLog(p *past) {
	r.starts.RLock()
	defer r.starts.RUnlock()
	r.addFrames(p, r.log.Before(p.at, p.wanted))
}

// addNext adds entries of the window, if all that come next are in there.
func (r *Replica) addNext(p *past) bool {
	r.starts.RLock()
	defer r.starts.RUnlock()
	frames, ok := r.log.Next(p.at, p.wanted)
	r.addFrames(p, frames)
	return ok
}

func (r *Replica) addFrames(p *past, frames []fanout.Frame) {
	for _, f := range frames {
		if p.isFull() {
			return
		}
		p.add(stream.Entry{Offset: f.Offset, Event: r.opts.Decode(f.Bytes)})
	}
}

// addOlder adds older entries of the stream, page by page.
func (r *Replica) addOlder(ctx context.Context, p *past) error {
	for page := firstPage; !p.isFull(); page *= 2 {
		want := min(page, p.wanted)
		entries, err := r.read(ctx, r.opts.Stream.Last, p.at, want)
		if err != nil {
			return err
		}
		for _, e := range slices.Backward(entries) {
			if p.isFull() {
				return nil
			}
			p.add(e)
		}
		if len(entries) < want {
			return nil // the stream has no older entries
		}
	}
	return nil
}

// addNewer adds newer entries of the stream, page by page, until the log has the rest.
func (r *Replica) addNewer(ctx context.Context, p *past, useLog bool) error {
	for page := firstPage; !p.isFull(); page *= 2 {
		if useLog && r.addNext(p) {
			return nil
		}
		entries, err := r.read(ctx, r.opts.Stream.After, p.at, min(page, p.wanted))
		switch {
		case err != nil:
			return err
		case useLog && r.skipTo(p, entries):
			continue
		case len(entries) == 0:
			return nil
		}
		for _, e := range entries {
			if p.isFull() {
				return nil
			}
			p.add(e)
		}
	}
	return nil
}

// skipTo continues at the beginning of the log, if the stream, which returned these entries, has nothing before it any more.
func (r *Replica) skipTo(p *past, entries []stream.Entry) bool {
	r.starts.RLock()
	defer r.starts.RUnlock()
	begin := r.log.Back(math.MaxInt).Offset()
	skips := begin.Compare(p.at) > 0 && (len(entries) == 0 || begin.Compare(entries[0].Offset) < 0)
	if skips {
		p.at = begin
	}
	return skips
}

// reading is one of the reads of a [stream.Record].
type reading func(ctx context.Context, from stream.Offset, n int) ([]stream.Entry, error)

// read reads from the stream, within [maxReads].
func (r *Replica) read(ctx context.Context, do reading, from stream.Offset, n int) ([]stream.Entry, error) {
	if err := r.reads.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer r.reads.Release(1)
	return do(ctx, from, n)
}
