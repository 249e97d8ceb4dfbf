package replica

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/pace"
	"scalable-chat/server/internal/stream"
)

// recoverWait bounds how long a recovery waits for an offset that this node has not reached yet, and for each page of older
// entries; recoverPoll is how often it checks.
const (
	recoverWait = 2 * time.Second
	recoverPoll = 20 * time.Millisecond
	// recoverPatience bounds how long a recovery tries to read older entries, with pauses. Other rooms of the connection go on
	// meanwhile; when it gives up, they are interrupted.
	recoverPatience = 20 * time.Second
)

// OlderPage is how many older entries are read from the stream at once, and the most that [Replica.Start] adds to the log.
const OlderPage = 128

var errCrowded = fmt.Errorf("%w: no memory for older messages", stream.ErrUnavailable)

// older is what a replica knows about the entries before its log. One read serves all recoveries that wait for it.
type older struct {
	reading singleflight.Group
	first   atomic.Pointer[stream.Offset] // the stream has nothing before it; nil: not known
}

// Recover finds the place right after an offset that a client has seen. It is false unless exactly that entry is in the
// window. If this node has not reached the offset yet, Recover waits for it for a bounded time: the client may have seen it
// on a faster node. A replica that began with the newest entries of a room reads older ones from the stream, as many as the
// window holds. The error means that they could not be read for a while, or that there was no memory for them: the client should
// come back.
func (r *Replica) Recover(seen stream.Offset) (at fanout.Cursor, found bool, err error) {
	r.await(r.life, seen)
	if err := r.reachBack(seen); err != nil {
		return fanout.Cursor{}, false, err
	}
	r.starts.RLock()
	defer r.starts.RUnlock()
	at, found = r.log.After(seen)
	return at, found, nil
}

// reachBack reads older entries into the log until it holds the offset, or there are no more.
func (r *Replica) reachBack(seen stream.Offset) error {
	ctx, cancel := context.WithTimeout(r.life, recoverPatience)
	defer cancel()
	for pause := minBackoff; r.isBefore(seen); {
		if err := ctx.Err(); err != nil {
			return err // also if the log gave back again and again what was read
		}
		_, err, _ := r.older.reading.Do("", func() (any, error) { return nil, r.readOlder() })
		if err == nil {
			continue
		}
		if errors.Is(err, stream.ErrClosed) || pace.Sleep(ctx, jittered(pause)) != nil {
			return err
		}
		pause = min(2*pause, maxBackoff)
	}
	return nil
}

// isBefore reports whether an offset is before the log, but may be in the stream, and the log has room for it.
func (r *Replica) isBefore(seen stream.Offset) bool {
	r.starts.RLock()
	defer r.starts.RUnlock()
	begin := r.log.Back(math.MaxInt).Offset()
	first := r.older.first.Load()
	return r.pushed && seen.Compare(begin) < 0 && (first == nil || first.Compare(begin) < 0) && r.log.Spare() > 0
}

// readOlder reads one page of the stream and puts it before the log. It reads the entry where the log begins again, because
// the log does not hold it.
func (r *Replica) readOlder() error {
	if r.log.Crowded() {
		return errCrowded
	}
	r.starts.RLock()
	oldest := r.log.Back(math.MaxInt)
	want := min(OlderPage, r.log.Spare()) + 1
	r.starts.RUnlock()
	ctx, cancel := context.WithTimeout(r.life, recoverWait)
	defer cancel()
	begin := oldest.Offset()
	page, err := r.read(ctx, r.opts.Stream.Last, begin.Next(), want)
	if err != nil {
		return err
	}
	e := newEncoder()
	defer e.free()
	r.starts.RLock()
	defer r.starts.RUnlock()
	switch {
	case r.log.Back(math.MaxInt) != oldest: // the log begins elsewhere now
	case len(page) == 0 || page[len(page)-1].Offset != begin: // trimmed
		r.older.first.Store(&begin)
	default:
		if len(page) < want {
			r.older.first.Store(&page[0].Offset)
		}
		if len(page) > 1 {
			r.log.Prepend(oldest, page[0].Offset, r.encode(e, page[1:]))
		}
	}
	return nil
}

// lacks reports whether the log has fewer than n messages, and the stream may have more.
func (r *Replica) lacks(n int) bool {
	r.starts.RLock()
	short := r.log.Back(n-1) == r.log.Back(math.MaxInt)
	r.starts.RUnlock()
	return short && r.isBefore(stream.Offset{})
}

// isAhead reports whether an offset is beyond this node's log.
func (r *Replica) isAhead(seen stream.Offset) bool {
	r.starts.RLock()
	defer r.starts.RUnlock()
	return r.log.Head().Offset().Compare(seen) < 0
}

// Start is the place n messages before the newest one, or the oldest place of the window if it holds fewer that are not too old. If the log of a room
// has fewer, Start tries once to read older ones.
func (r *Replica) Start(n int) fanout.Cursor {
	if n > 0 && r.lacks(n) {
		if _, err, _ := r.older.reading.Do("", func() (any, error) { return nil, r.readOlder() }); err != nil {
			r.logger.Debug("older messages cannot be read", "room", r.opts.Name, "error", err)
		}
	}
	r.starts.RLock()
	defer r.starts.RUnlock()
	at := r.log.Back(n)
	if young := r.log.From(r.since()); young.Offset().Compare(at.Offset()) > 0 {
		return young
	}
	return at
}
