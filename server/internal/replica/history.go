package replica

import (
	"context"
	"slices"
	"time"

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
	p := past{before: before, wanted: n, enough: enough}
	if r.catchUp(ctx, before) {
		r.addFromLog(&p)
	}
	err := r.addFromStream(ctx, &p)
	slices.Reverse(p.entries)
	return p.entries, err
}

// past gathers history, newest first.
type past struct {
	entries []stream.Entry
	bytes   int
	enough  int           // bytes
	wanted  int           // entries still missing, at most
	before  stream.Offset // the search continues before this offset
}

// isFull reports whether past needs no more entries.
func (p *past) isFull() bool { return p.wanted <= 0 || p.bytes > p.enough }

func (p *past) add(e stream.Entry) {
	p.before = e.Offset
	p.wanted--
	if len(e.Event) > 0 {
		p.entries = append(p.entries, e)
		p.bytes += len(e.Event)
	}
}

// catchUp waits, for a bounded time, until the log holds every entry that the client may know: its own messages, and those
// that it saw on another node. It returns false if the log does not get there.
func (r *Replica) catchUp(ctx context.Context, before stream.Offset) bool {
	said := r.credits.newest()
	waiting, cancel := context.WithTimeout(ctx, recoverWait)
	defer cancel()
	r.log.Reach(waiting, said)
	r.await(waiting, before)
	return !r.isAhead(said) && !r.isAhead(before)
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
	for _, f := range r.log.Before(p.before, p.wanted) {
		if p.isFull() {
			return
		}
		p.add(stream.Entry{Offset: f.Offset, Event: r.opts.Decode(f.Bytes)})
	}
}

// addFromStream adds older entries of the stream, page by page.
func (r *Replica) addFromStream(ctx context.Context, p *past) error {
	for page := firstPage; !p.isFull(); page *= 2 {
		want := min(page, p.wanted)
		entries, err := r.read(ctx, p.before, want)
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

// read reads from the stream, within [maxReads].
func (r *Replica) read(ctx context.Context, before stream.Offset, n int) ([]stream.Entry, error) {
	if err := r.reads.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer r.reads.Release(1)
	return r.opts.Stream.Last(ctx, before, n)
}
