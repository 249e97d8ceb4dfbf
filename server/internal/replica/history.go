package replica

import (
	"context"
	"slices"
	"time"

	"scalable-chat/server/internal/pace"
	"scalable-chat/server/internal/stream"
)

// maxReads is how many history reads go to the stream at once. They share its connections with live messages and must not
// crowd those out.
const maxReads = 2

// firstPage is how many entries are read from the stream at first; each page is twice as large as the one before. So a few
// large entries are not read in vain, and many small ones take few questions.
const firstPage = 4

// Before returns at most n entries, the newest ones before the offset (zero: the newest of all), oldest first. It looks in
// the log first, which is in memory, and reads older entries from the stream, no more than are still wanted. It
// returns fewer than n entries only if that was all, if their events have more than enough bytes together, or with an
// error: then the entries are those that were found before it. The event of an entry is what was appended or, from the log,
// what [Options.Decode] makes of its frame; nobody may write to it. A genesis entry is left out.
func (r *Replica) Before(ctx context.Context, before stream.Offset, n, enough int) ([]stream.Entry, error) {
	p := past{before: before, wanted: n, enough: enough}
	if r.catchUp(ctx, before) {
		r.addFromLog(&p)
	}
	err := r.addFromStream(ctx, &p)
	slices.Reverse(p.entries)
	return p.entries, err
}

// past is history that is being gathered, newest first.
type past struct {
	entries []stream.Entry
	bytes   int
	enough  int           // bytes
	wanted  int           // entries that are still to come, at most
	before  stream.Offset // where they are looked for
}

// isFull reports whether nothing more is wanted.
func (p *past) isFull() bool { return p.wanted <= 0 || p.bytes > p.enough }

func (p *past) add(e stream.Entry) {
	p.before = e.Offset
	p.wanted--
	if len(e.Event) > 0 {
		p.entries = append(p.entries, e)
		p.bytes += len(e.Event)
	}
}

// catchUp waits, for a bounded time, until the log holds what a client may know: what it sent itself, and what it saw on
// another node. It returns false if the log does not get there.
func (r *Replica) catchUp(ctx context.Context, before stream.Offset) bool {
	said := r.credits.newest()
	waiting, cancel := context.WithTimeout(ctx, recoverWait)
	defer cancel()
	r.log.Reach(waiting, said)
	r.await(waiting, before)
	return !r.isAhead(said) && !r.isAhead(before)
}

// await waits for the log to reach an offset, at most as long as [recoverWait]. It polls, because any number of clients may
// claim to have seen what is yet to come.
func (r *Replica) await(ctx context.Context, seen stream.Offset) {
	for waited := time.Duration(0); waited < recoverWait && r.isAhead(seen); waited += recoverPoll {
		if pace.Sleep(ctx, recoverPoll) != nil {
			return
		}
	}
}

// addFromLog adds what the window holds.
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

// addFromStream adds what the stream still has, page by page.
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
			return nil // that was all
		}
	}
	return nil
}

// read takes its turn to read from the stream.
func (r *Replica) read(ctx context.Context, before stream.Offset, n int) ([]stream.Entry, error) {
	if err := r.reads.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer r.reads.Release(1)
	return r.opts.Stream.Last(ctx, before, n)
}
