package engineio

import (
	"bytes"
	"context"
	"slices"
	"time"

	"scalable-chat/server/internal/wire"
)

// lane is what a session keeps for one namespace: the turn, and the packets that wait for theirs.
//
//	no lane ── CONNECT ──▶ busy ── Joined, end of the turn ──▶ free ── packet ──▶ busy ── end of the turn ──▶ free
//	   ▲                    │                                                      │
//	   └────────────────────┴── refused, or Left: the gate is told ────────────────┘
//
// While a lane is free, the session is in its namespace.
type lane struct {
	namespace string // "" while the first lane is not used

	number uint64        // of the newest turn
	since  time.Duration // when it began; since the server's start
	kind   wire.Kind     // of its packet
	taken  bool          // it lasts

	opening  bool // a CONNECT is with the gate or is being handed over
	nameless bool // it is not identified yet
	running  bool // a goroutine is about to hand over the next packet
	joined   bool // the library has a socket
	entered  bool // the gate let the session in, and is to be told when it leaves

	resident Resident // that socket; nil: nobody has to part from it

	pass  any                // of the newest CONNECT that was identified
	stop  context.CancelFunc // ends the waits of a CONNECT; nil while there is none
	queue []parcel           // in order
}

// working reports whether a packet of the lane is being dealt with.
func (l *lane) working() bool { return l.taken || l.opening || l.running }

// busy reports whether the next packet of the lane has to wait.
func (l *lane) busy() bool { return l.working() || len(l.queue) > 0 }

// manned reports whether a goroutine works for the lane.
func (l *lane) manned() bool { return l.opening || l.running }

// unheard reports whether the library does not have every packet of the lane yet.
func (l *lane) unheard() bool { return l.running || len(l.queue) > 0 }

// leaving reports whether the gate is to be told soon that the session has left.
func (l *lane) leaving() bool {
	parting := !l.joined && !l.opening || l.taken && l.kind == wire.Disconnect
	return l.entered && (parting || slices.ContainsFunc(l.queue, func(p parcel) bool { return p.kind == wire.Disconnect }))
}

// lanes are those of one session: the first in place, because most sessions are in one namespace only. They have no lock of
// their own: Session.mu guards them.
type lanes struct {
	first  lane
	more   map[string]*lane // the others, by namespace: a client in many rooms must not pay for them at each packet
	number uint64           // of the newest turn of all lanes
	count  int
	kept   int // what the packets cost that wait in lanes, see parcel.cost
}

// find returns the lane of a namespace, nil if there is none.
func find[T string | []byte](ls *lanes, namespace T) *lane {
	if ls.first.namespace == string(namespace) {
		return &ls.first
	}
	return ls.more[string(namespace)]
}

// all yields every lane, in no certain order.
func (ls *lanes) all(yield func(*lane) bool) {
	if ls.first.namespace != "" && !yield(&ls.first) {
		return
	}
	for _, l := range ls.more {
		if !yield(l) {
			return
		}
	}
}

// open makes the lane of a namespace that has none.
func (ls *lanes) open(namespace string) *lane {
	ls.count++
	if ls.first.namespace == "" {
		ls.first.namespace = namespace
		return &ls.first
	}
	if ls.more == nil {
		ls.more = map[string]*lane{}
	}
	l := &lane{namespace: namespace}
	ls.more[namespace] = l
	return l
}

// remove forgets a lane.
func (ls *lanes) remove(gone *lane) {
	ls.count--
	if gone == &ls.first {
		ls.first = lane{}
		return
	}
	delete(ls.more, gone.namespace)
}

// withTurn returns the lane in which the turn with this number lasts, nil if it does not.
func (ls *lanes) withTurn(number uint64) *lane {
	for l := range ls.all {
		if l.taken && l.number == number {
			return l
		}
	}
	return nil
}

// any reports whether the predicate holds for one of the lanes.
func (ls *lanes) any(is func(*lane) bool) bool {
	for l := range ls.all {
		if is(l) {
			return true
		}
	}
	return false
}

// take begins the next turn of a lane.
func (ls *lanes) take(l *lane, kind wire.Kind, now time.Duration) (number uint64) {
	ls.number++
	l.number, l.taken, l.kind, l.since = ls.number, true, kind, now
	return l.number
}

// stop drops what waits in the lanes of a session that has ended, and ends the waits of its gate.
func (ls *lanes) stop() {
	ls.kept = 0
	for l := range ls.all {
		l.queue = nil
		if l.stop != nil {
			l.stop()
		}
	}
}

// stalled reports whether the library has had one of the turns for longer than [stallTimeout].
func (ls *lanes) stalled(now time.Duration) bool {
	return ls.any(func(l *lane) bool { return l.taken && now-l.since > stallTimeout })
}

// keptLimit bounds what the packets of one session may cost that wait in its lanes.
const keptLimit = 64 << 10

// fits reports whether a packet of that cost may wait. A single one may always.
func (ls *lanes) fits(cost int) bool { return ls.kept == 0 || ls.kept+cost <= keptLimit }

// push lets a packet wait.
func (ls *lanes) push(l *lane, p parcel) {
	ls.kept += p.cost()
	l.queue = append(l.queue, p.clone())
}

// pop takes the packet that has waited longest.
func (ls *lanes) pop(l *lane) (p parcel, ok bool) {
	if len(l.queue) == 0 {
		return parcel{}, false
	}
	p, l.queue[0] = l.queue[0], parcel{}
	if l.queue = l.queue[1:]; len(l.queue) == 0 {
		l.queue = nil
	}
	ls.kept -= p.cost()
	return p, true
}

// parcel is one Socket.IO packet with its attachments.
type parcel struct {
	kind        wire.Kind // of a binary one: that of its like without attachments
	namespace   []byte    // its name; not kept by clone
	text        []byte    // for the library
	payload     int       // of a CONNECT: where its payload begins in text
	attachments [][]byte
}

// parcelCost is what a parcel costs beside its bytes.
const parcelCost = 128

// cost is what a parcel takes while it waits, in bytes.
func (p *parcel) cost() int {
	cost := parcelCost + len(p.text)
	for _, a := range p.attachments {
		cost += parcelCost + len(a)
	}
	return cost
}

// newest is the size of what came in last: the parts before it have been paid for.
func (p *parcel) newest() int {
	if n := len(p.attachments); n > 0 {
		return len(p.attachments[n-1])
	}
	return len(p.text)
}

// clone is a copy that can be kept. Attachments are copies already.
func (p *parcel) clone() parcel {
	return parcel{kind: p.kind, text: bytes.Clone(p.text), payload: p.payload, attachments: p.attachments}
}
