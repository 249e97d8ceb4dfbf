// Package deque is a first-in, first-out queue in a ring that grows by doubling, so that a bounded queue allocates nothing
// once it has reached its working size. It is not safe for use from several goroutines.
package deque

// Deque is a queue of values. Its zero value is empty and ready.
type Deque[T any] struct {
	ring []T // length is zero or a power of two
	head int // place of the oldest value
	n    int
}

// Len is the number of values in the queue.
func (d *Deque[T]) Len() int { return d.n }

// At is the i-th oldest value; the pointer is valid until the next Push or Pop. It panics unless 0 <= i < Len().
func (d *Deque[T]) At(i int) *T {
	if i < 0 || i >= d.n {
		panic("deque: index out of range")
	}
	return &d.ring[(d.head+i)&(len(d.ring)-1)]
}

// Push adds v as the newest value.
func (d *Deque[T]) Push(v T) {
	if d.n == len(d.ring) {
		d.grow()
	}
	d.ring[(d.head+d.n)&(len(d.ring)-1)] = v
	d.n++
}

// Pop removes the oldest value and returns it; the queue keeps no reference to it. It panics if the queue is empty.
func (d *Deque[T]) Pop() T {
	slot := d.At(0)
	v := *slot
	var zero T
	*slot = zero
	d.head = (d.head + 1) & (len(d.ring) - 1)
	d.n--
	return v
}

func (d *Deque[T]) grow() {
	ring := make([]T, max(16, 2*len(d.ring)))
	for i := range d.n {
		ring[i] = *d.At(i)
	}
	d.ring, d.head = ring, 0
}
