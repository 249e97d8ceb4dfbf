package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/dedupe"
)

// record is a room that is open, or has appends that are not reported yet.
type record struct {
	store *Store
	name  string

	loading sync.Mutex    // held while the room is read for the first time
	rooted  bool          // guarded by loading; genesis and saved are known
	loaded  bool          // guarded by loading; so are the keys
	keys    *dedupe.Table // the writer's, once the first append is queued; nil: they have to be read

	calling sync.Mutex    // held during a call of the sink; taken before mu
	last    stream.Offset // guarded by calling: the newest entry that the sink has

	mu      sync.Mutex
	genesis stream.Offset // of a room that has nothing in the file
	saved   bool          // the file has entries of the room
	isOpen  bool
	queued  int         // appends that are not reported, also those that are not queued yet
	sink    stream.Sink // nil before Follow and after Close
	tail    int
	begun   bool // the sink has had its Reset
	members int
	told    int       // the members that the sink knows
	due     []outcome // appends to report and entries to hand out, in order
	handing bool      // a goroutine does so
}

// outcome is the outcome of an append.
type outcome struct {
	entry stream.Entry // without an event if nothing was stored
	done  func(stream.Offset, error)
	err   error
}

// queueTimeout bounds how long one append waits for its place in the queue.
const queueTimeout = 4 * time.Second

// enqueue gives something to the writer.
func (s *Store) enqueue(ctx context.Context, one *waiting) error {
	s.appending.RLock()
	defer s.appending.RUnlock()
	if s.closed {
		return stream.ErrClosed
	}
	select {
	case s.writer.queue <- one:
		return nil
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, queueTimeout)
	defer cancel()
	select {
	case s.writer.queue <- one:
		return nil
	case <-s.life.Done():
		return stream.ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("%w: append queue is full: %w", stream.ErrUnavailable, context.Cause(ctx))
	}
}

// append queues an event.
func (r *record) append(ctx context.Context, key string, event []byte, done func(stream.Offset, error)) error {
	if len(event) == 0 {
		return errors.New("append: empty event")
	}
	if !r.expect() { // before anything that takes time: a room that is closed and opened meanwhile has to be this one
		return stream.ErrClosed
	}
	err := r.load(ctx, true)
	if err == nil {
		one := &waiting{record: r, event: bytes.Clone(event), done: done}
		if key != "" {
			k := dedupe.KeyOf(key)
			one.key = &k
		}
		err = r.store.enqueue(ctx, one)
	}
	if err != nil {
		r.unexpect()
	}
	return err
}

// expect counts an append that is going to be queued. It reports false if the room is closed.
func (r *record) expect() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.isOpen {
		r.queued++
	}
	return r.isOpen
}

// unexpect takes back expect.
func (r *record) unexpect() {
	r.mu.Lock()
	r.queued--
	r.mu.Unlock()
	r.store.dropIfUnused(r)
}

// load reads, once, where the room begins and, before its first append, the recent keys, of which there may be many. Other rooms
// do not wait for it.
func (r *record) load(ctx context.Context, keys bool) error {
	r.loading.Lock()
	defer r.loading.Unlock()
	if r.loaded || r.rooted && !keys {
		return nil
	}
	if r.store.isClosed() {
		return stream.ErrClosed
	}
	err := r.store.readers.do(ctx, func(c *conn) error {
		if keys {
			return r.read(c)
		}
		return r.root(c)
	})
	if err == nil {
		r.rooted, r.loaded = true, keys
	}
	return err
}

// read reads the recent keys, and whether the file has entries of the room.
func (r *record) read(c *conn) error {
	opts := r.store.opts
	now := opts.Now()
	keys := dedupe.NewTable(opts.DedupeTTL, opts.DedupeMax)
	if err := c.keys(r.name, now.Add(-opts.DedupeTTL), opts.DedupeMax, keys); err != nil {
		return err
	}
	r.keys = keys
	return r.root(c)
}

// root reads whether the file has entries of the room, and where it begins if not.
func (r *record) root(c *conn) error {
	newest, err := c.last(r.name, stream.Offset{}, 1)
	if err != nil {
		return err
	}
	begin, err := c.beginning()
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.genesis, r.saved = begin, len(newest) > 0
	return nil
}

// found notes that the genesis is going to be stored. It reports false if the file has entries of the room.
func (r *record) found() (genesis stream.Offset, missing bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	missing = !r.saved
	r.saved = true
	return r.genesis, missing
}

// unfound takes back found.
func (r *record) unfound() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.saved = false
}

// origin is where a room begins that has nothing in the file, and whether it has something there.
func (r *record) origin(ctx context.Context) (genesis stream.Offset, saved bool, err error) {
	if err := r.load(ctx, false); err != nil {
		return stream.Offset{}, false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.genesis, r.saved, nil
}

// newest returns the newest n entries before an offset; see [stream.Stream.Last].
func (r *record) newest(ctx context.Context, before stream.Offset, n int) ([]stream.Entry, error) {
	genesis, saved, err := r.origin(ctx)
	if err != nil || n <= 0 {
		return nil, err
	}
	entries, err := r.fromFile(ctx, func(c *conn) ([]stream.Entry, error) { return c.last(r.name, before, n) })
	switch {
	case err != nil || len(entries) > 0:
		return entries, err
	case before.IsZero() && saved: // all was deleted since
		return r.refounded(ctx)
	case before.IsZero() || !saved && genesis.Compare(before) < 0:
		return []stream.Entry{{Offset: genesis}}, nil
	}
	return nil, nil
}

// oldest returns the oldest n entries after an offset; see [stream.Stream.After].
func (r *record) oldest(ctx context.Context, after stream.Offset, n int) ([]stream.Entry, error) {
	genesis, saved, err := r.origin(ctx)
	if err != nil || n <= 0 {
		return nil, err
	}
	entries, err := r.fromFile(ctx, func(c *conn) ([]stream.Entry, error) { return c.after(r.name, after, n) })
	if err == nil && len(entries) == 0 && !saved && genesis.Compare(after) > 0 {
		entries = []stream.Entry{{Offset: genesis}}
	}
	return entries, err
}

// refounded is the newest entry of a room that has been looked at before.
func (r *record) refounded(ctx context.Context) ([]stream.Entry, error) {
	return r.fromFile(ctx, func(c *conn) ([]stream.Entry, error) {
		if err := r.root(c); err != nil {
			return nil, err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.saved { // somebody has spoken since
			return c.last(r.name, stream.Offset{}, 1)
		}
		return []stream.Entry{{Offset: r.genesis}}, nil
	})
}

// fromFile reads entries.
func (r *record) fromFile(ctx context.Context, read func(*conn) ([]stream.Entry, error)) (entries []stream.Entry, err error) {
	if r.store.isClosed() {
		return nil, stream.ErrClosed
	}
	err = r.store.readers.do(ctx, func(c *conn) (err error) {
		entries, err = read(c)
		return err
	})
	return entries, err
}
