package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/dedupe"
)

const (
	// maxBatch is the most entries of one commit, and maxBatchBytes the size of the events at which a batch ends.
	maxBatch      = 512
	maxBatchBytes = 1 << 20
	// maxQueue is how many appends may wait for the writer; beyond that Append blocks.
	maxQueue = 1024
)

// waiting is an append that waits for its outcome or, without a record, a task for the writer.
type waiting struct {
	record *record
	key    *dedupe.Key // nil: it has none
	event  []byte
	done   func(stream.Offset, error)
	task   func(*conn) error

	// Set by the writer.
	offset stream.Offset
	repeat bool // the key is known: nothing is stored
}

// writer is the one that writes. Its goroutine owns what is not atomic, and the keys of all rooms.
type writer struct {
	store   *Store
	queue   chan *waiting // closed by Close
	conn    *conn         // nil after a failure
	batch   []*waiting
	fresh   map[keyOf]stream.Offset // the keys of the batch
	founded []*record               // whose genesis the batch stores
	grown   int                     // bytes since the size of the file was looked at
	excess  atomic.Bool             // entries are too old: commits also delete
	began   atomic.Int64            // when the running commit began, in nanoseconds since the epoch; 0: none is running
	handing sync.WaitGroup          // the goroutines that hand out
}

// keyOf is a key in a room.
type keyOf struct {
	record *record
	key    dedupe.Key
}

func newWriter(s *Store) (*writer, error) {
	w := &writer{store: s, queue: make(chan *waiting, maxQueue), fresh: map[keyOf]stream.Offset{}}
	if err := w.open((*conn).settle); err != nil { // a backup may be running
		return nil, err
	}
	newest, err := w.conn.newest()
	s.offsets.newest = newest
	return w, err
}

// open opens the connection. It first has the disk take everything that the file says: an entry may have been written and not
// synced when the process ended or a sync failed, and must not be taken for a stored one as long as that is so.
func (w *writer) open(settle func(*conn) error) error {
	c, err := w.store.files.connect(context.Background())
	if err != nil {
		return err
	}
	if err := settle(c); err != nil {
		return errors.Join(err, c.close())
	}
	w.conn = c
	return nil
}

// run writes until the queue is closed and empty.
func (w *writer) run() {
	for first := range w.queue {
		runtime.Gosched() // whoever is ready to append shares the commit
		w.gather(first)
		w.commit()
		clear(w.batch)
	}
	if w.conn != nil {
		_ = w.conn.close()
	}
}

// gather makes a batch of whatever waits.
func (w *writer) gather(first *waiting) {
	w.batch = append(w.batch[:0], first)
	for size := len(first.event); len(w.batch) < maxBatch && size < maxBatchBytes; {
		select {
		case one, open := <-w.queue:
			if !open {
				return
			}
			w.batch = append(w.batch, one)
			size += len(one.event)
		default:
			return
		}
	}
}

// commit stores the batch and reports its outcome.
func (w *writer) commit() {
	began := time.Now()
	w.began.Store(began.UnixNano())
	err := w.write()
	if err != nil && !isFull(err) { // a full disk has taken nothing
		err = w.retry(err)
	}
	w.began.Store(0)
	w.store.opts.Committed(time.Since(began), err)
	w.store.note(err)
	w.report(err)
}

// write runs the transaction of the batch. After an error other than that of a full disk the outcome is unknown.
func (w *writer) write() error {
	w.founded = w.founded[:0]
	clear(w.fresh)
	if w.conn == nil {
		return errBroken
	}
	if err := w.conn.query(nil, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := w.fill()
	if err == nil {
		err = w.conn.query(nil, "COMMIT")
	}
	if err != nil {
		_ = w.conn.Exec("ROLLBACK") // it may be over already
	}
	return err
}

var errBroken = errors.New("the record could not be opened again")

// fill adds the batch to the transaction.
func (w *writer) fill() error {
	now := w.store.opts.Now()
	for _, one := range w.batch {
		var err error
		if one.task != nil {
			err = one.task(w.conn)
		} else {
			err = w.add(one, now)
		}
		if err != nil {
			return err
		}
	}
	if w.grown < growth && !w.excess.Load() {
		return nil
	}
	w.grown = 0
	return w.forget()
}

// add adds an entry, unless its key is known.
func (w *writer) add(one *waiting, now time.Time) error {
	r := one.record
	if r.keys == nil {
		if err := r.read(w.conn); err != nil {
			return err
		}
	}
	if one.offset, one.repeat = w.find(one, now); one.repeat {
		return nil
	}
	if genesis, missing := r.found(); missing {
		w.founded = append(w.founded, r)
		if err := w.conn.found(r.name, genesis); err != nil {
			return err
		}
	}
	w.grown += len(one.event) + rowBytes
	one.offset = w.store.offsets.next(now)
	if one.key != nil {
		w.fresh[keyOf{r, *one.key}] = one.offset
	}
	return w.conn.insert(r.name, stream.Entry{Offset: one.offset, Event: one.event}, one.key)
}

// find returns the offset of the entry that has the key already.
func (w *writer) find(one *waiting, now time.Time) (stream.Offset, bool) {
	if one.key == nil {
		return stream.Offset{}, false
	}
	if o, ok := one.record.keys.Find(*one.key, now); ok {
		return o, true
	}
	o, ok := w.fresh[keyOf{one.record, *one.key}]
	return o, ok
}

// retry opens the file anew after a failure, looks whether the batch is stored, and tries once more if it is not.
func (w *writer) retry(cause error) error {
	w.store.opts.Logger.Warn("a commit of the record failed: opening it again", "error", cause)
	w.unfound()
	if err := w.reopen(); err != nil {
		return errors.Join(cause, err)
	}
	stored, err := w.isStored()
	if err != nil || stored {
		return err
	}
	err = w.write()
	if err != nil && !isFull(err) {
		_ = w.conn.close() // so that the next batch opens it again
		w.conn = nil
	}
	return err
}

// reopen closes all connections, so that the file says what the outcome was, and opens that of the writer again.
func (w *writer) reopen() error {
	w.store.readers.close()
	defer w.store.readers.reopen()
	if w.conn != nil {
		_ = w.conn.close()
		w.conn = nil
	}
	return w.open((*conn).flush) // after a failed sync, what follows in the log might be lost with it
}

// isStored reports whether the transaction of the batch is in the file. It is all or nothing, so one entry tells.
func (w *writer) isStored() (bool, error) {
	for _, one := range w.batch {
		if one.task == nil && !one.repeat && !one.offset.IsZero() {
			return w.conn.has(one.offset)
		}
	}
	return false, nil
}

// unfound takes back that the genesis of a room is stored.
func (w *writer) unfound() {
	for _, r := range w.founded {
		r.unfound()
	}
}

// report passes on the outcome of the batch.
func (w *writer) report(err error) {
	if err != nil {
		w.unfound()
		err = fmt.Errorf("%w: write the record: %w", stream.ErrUnavailable, err)
	}
	for _, one := range w.batch {
		switch {
		case one.task != nil:
			one.done(stream.Offset{}, err)
			continue
		case err != nil:
			one.record.keys = nil // they are read again: the entry may be stored
		case one.key != nil && !one.repeat:
			one.record.keys.Add(*one.key, one.offset, time.UnixMilli(int64(one.offset.Ms)))
		}
		one.record.report(one, err)
	}
}

// committingFor is how long the running commit has been running.
func (w *writer) committingFor() time.Duration {
	if began := w.began.Load(); began > 0 {
		return time.Since(time.Unix(0, began))
	}
	return 0
}

// offsets gives out the offsets of all rooms, so that an offset never stands for two entries.
type offsets struct {
	mu     sync.Mutex
	newest stream.Offset
}

// next returns an offset after all others.
func (o *offsets) next(now time.Time) stream.Offset {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.newest = o.newest.At(now)
	return o.newest
}
