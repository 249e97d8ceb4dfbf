// Package dedupe remembers which keys were appended to a record, so that a retry is not stored twice.
package dedupe

import (
	"crypto/sha256"
	"time"

	"github.com/gammazero/deque"

	"scalable-chat/server/internal/stream"
)

// Key stands for a key, so that every key costs the same whatever its length: 128 bits of SHA-256, which do not collide by
// accident and which nobody can make collide.
type Key [16]byte

// KeyOf returns the key that stands for a text.
func KeyOf(text string) Key {
	var buf [128]byte // keeps the copy of a usual key off the heap
	sum := sha256.Sum256(append(buf[:0], text...))
	return Key(sum[:16])
}

// Overhead is the memory that a table takes for each key, in bytes.
const Overhead = 100

// Table remembers the offsets of the newest keys of a record, for a time and up to a number. Its owner guards it.
type Table struct {
	ttl     time.Duration
	most    int
	offsets map[Key]stream.Offset
	order   deque.Deque[remembered] // oldest first, the same keys as offsets
}

type remembered struct {
	key   Key
	until time.Time
}

// NewTable makes an empty table that remembers each key for ttl, and at most so many keys, at least one.
func NewTable(ttl time.Duration, most int) *Table {
	return &Table{ttl: ttl, most: most, offsets: map[Key]stream.Offset{}}
}

// Find returns the offset of a key. It first forgets the keys that are too old.
func (t *Table) Find(key Key, now time.Time) (stream.Offset, bool) {
	for t.order.Len() > 0 && !now.Before(t.order.Front().until) {
		t.forget()
	}
	offset, ok := t.offsets[key]
	return offset, ok
}

// Add remembers a key, unless the table has it. Keys are added in the order of the times at which they were stored. Beyond
// the number that the table may remember, it forgets the oldest.
func (t *Table) Add(key Key, offset stream.Offset, stored time.Time) {
	if _, known := t.offsets[key]; known {
		return
	}
	if t.order.Len() == t.most {
		t.forget()
	}
	t.offsets[key] = offset
	t.order.PushBack(remembered{key, stored.Add(t.ttl)})
}

// Len is the number of keys that the table remembers.
func (t *Table) Len() int { return t.order.Len() }

func (t *Table) forget() { delete(t.offsets, t.order.PopFront().key) }
