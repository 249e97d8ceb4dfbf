package engineio

import (
	"time"

	"scalable-chat/server/internal/wire"
)

// Turn is the time in which one inbound packet has a session to itself. The zero Turn belongs to no packet.
type Turn struct {
	owner  TurnOwner
	number uint64
}

// TurnOwner gives turns, one at a time, and numbers them from 1.
type TurnOwner interface {
	// EndTurn ends the turn with this number. It has no effect on a turn that has ended or has not begun.
	EndTurn(number uint64)
}

// NewTurn is the turn of an owner with that number.
func NewTurn(owner TurnOwner, number uint64) Turn { return Turn{owner, number} }

// Done says that the packet has been dealt with, so that the next one may come: at once, or when the pace of the client
// allows it. It never blocks. Calls that are late or repeated have no effect.
func (t Turn) Done() {
	if t.owner != nil {
		t.owner.EndTurn(t.number)
	}
}

// wait is what the next packet waits for.
type wait uint8

const (
	noWait    wait = iota
	forTurn        // the end of the turn of the packet before it
	forReader      // the client, which has to read what was sent to it alone
)

// turnstile lets one inbound packet in at a time. Times are since the server's start. It has no lock and no clock of its
// own: in a session, Session.mu guards it.
type turnstile struct {
	number uint64 // of the newest turn
	taken  bool   // the newest turn lasts
	kind   wire.Kind
	since  time.Duration // the time of the library runs from then
	until  time.Duration // the turn lasts at least until then

	wait   wait          // of the next packet
	passed chan struct{} // while it waits for the reader: closed when it need not any more
}

// take begins the next turn, which lasts at least until then. No turn may be taken at that time.
func (t *turnstile) take(kind wire.Kind, now, until time.Duration) (number uint64) {
	t.number++
	t.taken, t.kind, t.since, t.until = true, kind, now, until
	return t.number
}

// lasts reports whether the turn with this number is taken.
func (t *turnstile) lasts(number uint64) bool { return t.taken && t.number == number }

// extend lets a turn last at least until then.
func (t *turnstile) extend(number uint64, until time.Duration) {
	if t.lasts(number) {
		t.until = max(t.until, until)
	}
}

// finish notes that the library is done with a turn. What is left of the turn is its pace's, and not held against the
// library; it is 0 if the turn can end now.
func (t *turnstile) finish(now time.Duration) (left time.Duration) {
	if t.until <= now {
		return 0
	}
	t.since = t.until
	return t.until - now
}

// release ends a turn. It is false if the turn does not last.
func (t *turnstile) release(number uint64) bool {
	if !t.lasts(number) {
		return false
	}
	t.taken = false
	return true
}

// stalled reports whether the library has had the turn for longer than [stallTimeout].
func (t *turnstile) stalled(now time.Duration) bool { return t.taken && now-t.since > stallTimeout }

// awaitReader notes that the next packet waits for the client to read. The channel is closed by [turnstile.pass].
func (t *turnstile) awaitReader() <-chan struct{} {
	t.wait, t.passed = forReader, make(chan struct{})
	return t.passed
}

// pass lets a packet in that waits for the client to read.
func (t *turnstile) pass() {
	if t.passed != nil {
		close(t.passed)
		t.passed = nil
	}
}

// stopWaiting notes that the next packet does not wait any more.
func (t *turnstile) stopWaiting() { t.wait, t.passed = noWait, nil }
