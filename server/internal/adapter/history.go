package adapter

import (
	"context"
	"slices"
	"time"

	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/wire"
)

var _ chat.Archive = (*Hub)(nil)

// firstPage is how many entries are read from the stream at first; each page is twice as large as the one before. So a few
// large entries are not read in vain, and many small ones take few questions.
const firstPage = 4

// Before finds older entries, as [chat.Archive] says: in the log, which every node has in memory, and behind its window in
// the stream. The stream is asked only for as much as is still wanted.
func (h *Hub) Before(ctx context.Context, before string, n int) ([]chat.Entry, error) {
	if h.opts.Stream == nil {
		return nil, errNoStream
	}
	p := past{wanted: n}
	if before != "" {
		var err error
		if p.before, err = stream.ParseOffset(before); err != nil {
			return nil, err
		}
	}
	if h.catchUp(ctx, p.before) {
		h.addFromLog(&p)
	}
	err := h.addFromStream(ctx, &p)
	slices.Reverse(p.entries)
	return p.entries, err
}

// past is history that is being gathered, newest first.
type past struct {
	entries []chat.Entry
	bytes   int
	wanted  int           // entries that are still to come, at most
	before  stream.Offset // where they are looked for
}

// isFull reports whether nothing more is wanted.
func (p *past) isFull() bool { return p.wanted <= 0 || p.bytes > chat.HistoryBytes }

func (p *past) add(o stream.Offset, args []byte) {
	p.before = o
	p.wanted--
	if len(args) > 0 { // a genesis is shown to nobody
		p.entries = append(p.entries, chat.Entry{Offset: o.String(), At: int64(o.Ms), Args: args})
		p.bytes += len(args)
	}
}

// catchUp waits a while until the log has what a client may know of: what it said itself, and what it saw on another node.
// It is false if the log does not.
func (h *Hub) catchUp(ctx context.Context, before stream.Offset) bool {
	said := h.brake.newest()
	waiting, cancel := context.WithTimeout(ctx, recoverWait)
	defer cancel()
	h.opts.Log.Reach(waiting, said)
	h.await(waiting, before)
	return !h.isAhead(said) && !h.isAhead(before)
}

// await waits for the log to reach an offset, at most as long as [recoverWait]. It looks now and then instead of being woken
// by every entry: any number of clients may claim to have seen what is yet to come.
func (h *Hub) await(ctx context.Context, seen stream.Offset) {
	for waited := time.Duration(0); waited < recoverWait && h.isAhead(seen); waited += recoverLook {
		if sleep(ctx, recoverLook) != nil {
			return
		}
	}
}

// addFromLog adds what the window holds. A frame has the arguments of its event between the type of the packet and the
// offset, which is one more argument.
func (h *Hub) addFromLog(p *past) {
	h.starts.RLock()
	defer h.starts.RUnlock()
	for _, f := range h.opts.Log.Before(p.before, p.wanted) {
		if p.isFull() {
			return
		}
		_, payload, _ := wire.Cut(f.Bytes)
		p.add(f.Offset, payload[len(beforeArgs):])
	}
}

// addFromStream adds what the stream still has, page by page.
func (h *Hub) addFromStream(ctx context.Context, p *past) error {
	for page := firstPage; !p.isFull(); page *= 2 {
		want := min(page, p.wanted)
		entries, err := h.read(ctx, p.before, want)
		if err != nil {
			return err
		}
		for _, e := range slices.Backward(entries) {
			if p.isFull() {
				return nil
			}
			p.add(e.Offset, e.Event)
		}
		if len(entries) < want {
			return nil // that was all
		}
	}
	return nil
}

// read takes its turn to read from the stream.
func (h *Hub) read(ctx context.Context, before stream.Offset, n int) ([]stream.Entry, error) {
	if err := h.reads.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer h.reads.Release(1)
	return h.opts.Stream.Last(ctx, before, n)
}
