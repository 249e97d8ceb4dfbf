// Package sqlite is the ordered record of a single node, kept in a file: the embedded default. What was acked is in the file,
// and the disk has it: it survives the end of the process, a crash, and a power cut.
//
// One goroutine writes. It takes whatever waits, up to [maxBatch] entries of any rooms, gives each its offset, and commits them
// in one transaction, which the disk syncs once. So an entry costs a share of a sync, and while one batch is synced the
// next one gathers.
//
//	Append ──▶ queue ──▶ writer: offset, insert ──▶ commit, sync ──▶ each room: sink, done
//	                                                  │
//	Last, After, a room that opens ◀── readers ◀──── file
//
// A room hands out its new entries from memory, in a goroutine that exists only while there are any. So a room that waits for
// its clients delays no other room, and a silent one costs nothing but its place in a map. The file is read only for what
// is older: the beginning of a room that opens, and history. Readers do not wait for the writer, nor the writer for them.
//
// Retries are recognised by their keys. A key is a column of its entry, so it is as durable as the entry; a room that opens
// reads the recent ones into memory.
//
// When a commit fails, its outcome is unknown. The writer then opens the file anew, has all of it written to the disk again, looks
// whether the batch is there, and only then goes on.
//
// The driver, with the statements, is in db.go; what may be found in the directory, and what to do about it, in files.go.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"scalable-chat/server/internal/pace"
	"scalable-chat/server/internal/stream"
)

// Options say where a [Store] is and what it keeps. Dir is required.
type Options struct {
	// Dir is the directory of the record, DATA_DIR. It is made if it is missing. Only one process can use it at a time.
	Dir string
	// DedupeTTL is how long a key is remembered after its entry was stored. For each room at most DedupeMax keys are
	// remembered; beyond that the oldest is forgotten early. Zero is no bound.
	DedupeTTL time.Duration
	DedupeMax int
	Retention Retention
	// Committed is told how long each commit took and, unless all of its entries are stored, why not; nil: nobody. It must be quick.
	Committed func(took time.Duration, err error)
	Now       func() time.Time // it may step back; offsets still grow; nil: time.Now
	Logger    *slog.Logger     // nil: the default logger

	vfs string // the name of the driver's file system; empty: that of the system
}

// defaults sets what is zero.
func (o Options) defaults() Options {
	if o.DedupeTTL <= 0 {
		o.DedupeTTL = math.MaxInt64
	}
	if o.DedupeMax <= 0 {
		o.DedupeMax = math.MaxInt
	}
	if o.Committed == nil {
		o.Committed = func(time.Duration, error) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// Store is the record of all rooms in a directory. [Store.Room] opens the rooms. All methods may be called from any goroutine.
type Store struct {
	opts    Options
	files   *files
	readers *readers
	writer  *writer
	life    context.Context // ends with Close
	end     context.CancelFunc
	running sync.WaitGroup // writer, keeper, inspection
	offsets offsets

	appending sync.RWMutex // held for reading while an append is queued
	closed    bool         // guarded by appending: the queue takes no more

	mu    sync.Mutex
	rooms map[string]*record // guarded by mu; those that are open or have appends that are not reported yet

	broken  atomic.Pointer[string] // what is wrong with the writing
	damaged atomic.Pointer[string] // what the inspection has found
}

// Open opens the record in a directory, or makes one where there has been none, and locks the directory. It never begins
// anew where something was or may have been: then the error says what is wrong. The caller closes the store.
func Open(ctx context.Context, o Options) (_ *Store, err error) {
	o = o.defaults()
	f, err := openFiles(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("DATA_DIR %s: %w", o.Dir, err)
	}
	s := &Store{opts: o, files: f, readers: newReaders(f), rooms: map[string]*record{}}
	s.life, s.end = context.WithCancel(context.Background())
	if s.writer, err = newWriter(s); err != nil {
		s.end()
		f.close()
		return nil, fmt.Errorf("DATA_DIR %s: %w", o.Dir, err)
	}
	s.running.Go(s.writer.run)
	s.running.Go(s.keepWithinBounds)
	s.running.Go(s.inspect)
	return s, nil
}

// Close ends the store: Append, Last and After return [stream.ErrClosed]. It waits, within ctx, until all queued appends are
// stored and reported; what is not by then is cut off with the process.
func (s *Store) Close(ctx context.Context) error {
	s.end() // first of all, so that no append goes on waiting for its place in the queue
	s.appending.Lock()
	first := !s.closed
	s.closed = true
	s.appending.Unlock()
	if first {
		close(s.writer.queue)
	}
	ended := make(chan struct{})
	go func() {
		s.running.Wait()
		s.writer.handing.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if first {
		s.readers.close()
		s.files.close()
	}
	return nil
}

// Degraded says in words what is wrong with the record. It is empty while all is well.
func (s *Store) Degraded() string {
	for _, part := range []*atomic.Pointer[string]{&s.broken, &s.damaged} {
		if wrong := part.Load(); wrong != nil {
			return *wrong
		}
	}
	if took := s.writer.committingFor(); took > slowCommit {
		return "the record cannot be written: the disk does not answer"
	}
	return ""
}

// Bytes is how much of the disk the record takes, with its log.
func (s *Store) Bytes() (sum int64) {
	for _, suffix := range []string{"", "-wal"} {
		if file, err := os.Stat(s.files.path + suffix); err == nil {
			sum += file.Size()
		}
	}
	return sum
}

// slowCommit is how long a commit may take before the record counts as degraded.
const slowCommit = 2 * time.Second

// note remembers whether the last batch could be written.
func (s *Store) note(err error) {
	if err == nil {
		if was := s.broken.Swap(nil); was != nil {
			s.opts.Logger.Info("the record is written again")
		}
		return
	}
	wrong := "the record cannot be written: " + reason(err)
	if was := s.broken.Swap(&wrong); was == nil || *was != wrong {
		s.opts.Logger.Error("the record cannot be written", "error", err)
	}
}

// reason is an error in words without paths.
func reason(err error) string {
	if isFull(err) {
		return "the disk is full"
	}
	return "see the log"
}

// inspectPause is how long an inspection that could not be finished waits before the next attempt.
const inspectPause = 10 * time.Second

// inspect looks for damage inside the file.
func (s *Store) inspect() {
	err := s.readers.do(s.life, (*conn).check)
	for err != nil && !errors.Is(err, errDamaged) { // it was cut off because a commit has failed, or the disk is away
		if pace.Sleep(s.life, inspectPause) != nil {
			return
		}
		err = s.readers.do(s.life, (*conn).check)
	}
	if err == nil {
		return
	}
	s.opts.Logger.Error("the record is damaged: restore a backup (docs/RECORD.md)", "error", err)
	wrong := "the record is damaged: restore a backup"
	s.damaged.Store(&wrong)
}

// isClosed reports whether the store takes no more appends.
func (s *Store) isClosed() bool {
	s.appending.RLock()
	defer s.appending.RUnlock()
	return s.closed
}

// Online implements [stream.Rooms]. It never fails.
func (s *Store) Online(_ context.Context, names []string) ([]int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	online := make([]int, len(names))
	for i, name := range names {
		if r := s.rooms[name]; r != nil {
			online[i] = r.online()
		}
	}
	return online, nil
}

var _ stream.Rooms = (*Store)(nil)
