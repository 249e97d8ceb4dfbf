package memory

import (
	"crypto/sha256"
	"time"

	"github.com/gammazero/deque"

	"scalable-chat/server/internal/stream"
)

// digest stands for a key, so that a key costs the same whatever its length. 128 bits of SHA-256 do not collide by accident
// and nobody can make them collide.
type digest [16]byte

func digestOf(key string) digest {
	var buf [128]byte // keeps the copy of a usual key off the heap
	sum := sha256.Sum256(append(buf[:0], key...))
	return digest(sum[:16])
}

// keyTable remembers the offsets of the newest keys: each for ttl, at most max of them.
type keyTable struct {
	ttl     time.Duration
	max     int
	offsets map[digest]stream.Offset
	order   deque.Deque[remembered] // oldest first, the same keys as offsets
}

type remembered struct {
	key   digest
	until time.Time
}

func (k *keyTable) find(key digest, now time.Time) (stream.Offset, bool) {
	for k.order.Len() > 0 && !now.Before(k.order.Front().until) {
		k.forget()
	}
	offset, ok := k.offsets[key]
	return offset, ok
}

func (k *keyTable) add(key digest, offset stream.Offset, now time.Time) {
	if k.order.Len() == k.max {
		k.forget()
	}
	k.offsets[key] = offset
	k.order.PushBack(remembered{key, now.Add(k.ttl)})
}

func (k *keyTable) forget() {
	delete(k.offsets, k.order.PopFront().key)
}
