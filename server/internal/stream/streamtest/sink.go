package streamtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
)

// sink is a [stream.Sink] that keeps what it is given, and checks the order of the calls.
type sink struct {
	t       *testing.T
	name    string
	one     sync.Mutex        // held during a call
	deliver func(entries int) // called in each Deliver; may be nil

	mu       sync.Mutex
	closed   bool
	resets   int
	entries  []stream.Entry // since the last Reset
	messages []string
	members  int
}

// enter checks that no other call is running, and that the room is open. The caller calls the result at the end.
func (s *sink) enter(call string) (leave func()) {
	if !s.one.TryLock() {
		s.t.Errorf("%s: %s during another call", s.name, call)
		s.one.Lock()
	}
	s.mu.Lock()
	if s.closed {
		s.t.Errorf("%s: %s after Close", s.name, call)
	}
	return func() {
		s.mu.Unlock()
		s.one.Unlock()
	}
}

func (s *sink) Reset(entries []stream.Entry) {
	defer s.enter("Reset")()
	s.resets++
	s.entries = nil
	s.add(entries)
}

func (s *sink) Deliver(entries []stream.Entry) {
	if s.deliver != nil {
		s.deliver(len(entries))
	}
	defer s.enter("Deliver")()
	if s.resets == 0 {
		s.t.Errorf("%s: Deliver before the first Reset", s.name)
	}
	s.add(entries)
}

func (s *sink) Message(message []byte) {
	defer s.enter("Message")()
	s.messages = append(s.messages, string(message))
}

func (s *sink) Members(total int) {
	defer s.enter("Members")()
	s.members = total
}

// add keeps entries, which must follow those before.
func (s *sink) add(entries []stream.Entry) {
	if len(entries) == 0 {
		s.t.Errorf("%s: a call without entries", s.name)
	}
	for _, e := range entries {
		if n := len(s.entries); n > 0 && e.Offset.Compare(s.entries[n-1].Offset) <= 0 {
			s.t.Errorf("%s: %s after %s", s.name, e.Offset, s.entries[n-1].Offset)
		}
		s.entries = append(s.entries, e)
	}
}

// seen is what the sink has: all entries since the last Reset, and how many of those there were.
func (s *sink) seen() (entries []stream.Entry, resets int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries, s.resets
}

// reaches waits until the newest entry is the one at the offset, and returns all.
func (s *sink) reaches(o stream.Offset) []stream.Entry {
	s.t.Helper()
	assert.Eventually(s.t, fmt.Sprintf("%s has %s", s.name, o), func() bool {
		entries, _ := s.seen()
		return len(entries) > 0 && entries[len(entries)-1].Offset == o
	})
	entries, _ := s.seen()
	return entries
}

// counts waits until the sink knows so many members.
func (s *sink) counts(members int) {
	s.t.Helper()
	assert.Eventually(s.t, fmt.Sprintf("%s has %d members", s.name, members), func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.members == members
	})
}

// heard are the messages so far.
func (s *sink) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.messages...)
}

// opened is a room of one node with its sink.
type opened struct {
	stream.Room
	*sink
	once sync.Once
}

// open opens a room and follows it. It is closed at the end of the test, or by [opened.end].
func open(t *testing.T, node stream.Rooms, name string, tail int) *opened {
	t.Helper()
	o := &opened{Room: node.Room(name), sink: &sink{t: t, name: name}}
	t.Cleanup(o.end)
	o.Follow(tail, o.sink)
	assert.Eventually(t, name+" has its first Reset", func() bool { _, resets := o.seen(); return resets > 0 })
	return o
}

// end closes the room; a call of its sink after that fails the test.
func (o *opened) end() {
	o.once.Do(func() {
		o.Close()
		o.mu.Lock()
		o.closed = true
		o.mu.Unlock()
	})
}

// harness lets the helpers for streams append to the room and read it.
func (o *opened) harness(h RoomsHarness) Harness {
	return Harness{
		Stream: notFollowed{o.Room},
		Trim:   func(keep int) { h.Trim(o.name, keep) },
		Flush:  func() { h.Flush(o.name) },
		Expire: h.Expire,
	}
}

// notFollowed makes a [stream.Stream] of a record, for tests that do not follow it.
type notFollowed struct{ stream.Record }

func (notFollowed) Follow(context.Context, stream.Offset, func([]stream.Entry) error) error {
	return errors.ErrUnsupported
}
