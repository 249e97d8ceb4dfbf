package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"scalable-chat/server/internal/stream"
)

// maxReaders is how many reads run at once.
const maxReaders = 3

// readers are the connections that read. They are opened when they are needed first, and again after an error.
type readers struct {
	files *files
	idle  chan *conn // holds maxReaders values, except while reads run; nil: not opened yet

	mu    sync.Mutex
	round context.Context // guarded by mu; ends, and with it the reads that run, when the connections are closed
	end   context.CancelFunc
}

func newReaders(f *files) *readers {
	r := &readers{files: f, idle: make(chan *conn, maxReaders)}
	r.reopen()
	return r
}

// do runs a read. It waits for a connection until ctx ends. An error is [stream.ErrUnavailable]; it is also
// [errInterrupted] if the read was cut off because the connections had to be closed.
func (r *readers) do(ctx context.Context, read func(*conn) error) error {
	var one *conn
	select {
	case one = <-r.idle:
	case <-ctx.Done():
		return fmt.Errorf("%w: too many reads at once: %w", stream.ErrUnavailable, context.Cause(ctx))
	}
	one, err := r.run(ctx, one, read)
	r.idle <- one
	if err != nil {
		return fmt.Errorf("%w: read the record: %w", stream.ErrUnavailable, err)
	}
	return nil
}

// run reads with a connection, which it opens if it is nil. It returns nil for one that has failed.
func (r *readers) run(ctx context.Context, one *conn, read func(*conn) error) (*conn, error) {
	if one == nil {
		var err error
		if one, err = r.files.connect(ctx); err != nil {
			return nil, err
		}
	}
	r.mu.Lock()
	round := r.round
	r.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(round, cancel)()
	one.SetInterrupt(ctx)
	err := read(one)
	one.SetInterrupt(context.Background())
	if err == nil {
		return one, nil
	}
	return nil, errors.Join(err, one.close())
}

// close cuts off the reads that run and closes all connections. Until reopen is called, reads wait.
func (r *readers) close() {
	r.mu.Lock()
	r.end()
	r.mu.Unlock()
	for range maxReaders {
		if one := <-r.idle; one != nil {
			_ = one.close()
		}
	}
}

// reopen lets reads go on after close.
func (r *readers) reopen() {
	r.mu.Lock()
	r.round, r.end = context.WithCancel(context.Background())
	r.mu.Unlock()
	for range maxReaders {
		r.idle <- nil
	}
}
