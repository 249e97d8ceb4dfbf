package adapter

import (
	"math/bits"
	"sync"
	"time"

	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/bus"
	"scalable-chat/server/internal/wire"
)

const (
	// volatileInterval is the default of [Options.VolatileInterval].
	volatileInterval = 150 * time.Millisecond
	// maxVolatile and maxVolatileBytes bound the notices that one namespace gathers in an interval; it drops the rest.
	// A selection of maxVolatile notices fits into the bits of a word.
	maxVolatile      = 64
	maxVolatileBytes = 64 << 10
	// maxMoved bounds the moved sockets that are announced in an interval, for example after a node has ended.
	maxMoved = 1024
	// maxSelections bounds the bytes of selections kept during one flush.
	maxSelections = 1 << 20
)

// volatiles gathers the volatile broadcasts of a namespace. Sent one by one, they would cost senders times receivers writes,
// without back-pressure on the senders. So each socket gets the broadcasts of an interval in one piece, or none of them if
// it is not writable; other nodes get them in one piece too. The next interval begins when everything is written, so a busy
// node gathers for longer.
type volatiles struct {
	nsp *namespace

	mu      sync.Mutex
	waiting []notice
	moved   []socket.Room // own rooms of sockets that reconnected to this node
	bytes   int           // of the gathered frames
	begun   bool          // an interval or its flush is in progress
	count   uint64        // notices ever taken
}

// notice is one volatile broadcast. Its receivers are selected when it is written.
type notice struct {
	packet        *parser.Packet // for the listeners of outgoing packets
	frames        []byte
	rooms, except []socket.Room
	message       *message // for the other nodes; nil: not for them
}

// add takes a notice. It counts and drops a notice beyond the bounds.
func (v *volatiles) add(n notice) {
	v.mu.Lock()
	defer v.mu.Unlock()
	full := len(v.waiting) >= maxVolatile || len(v.waiting) > 0 && v.bytes+len(n.frames) > maxVolatileBytes
	if full {
		v.nsp.hub.volatileDropped.Add(1)
		return
	}
	v.waiting = append(v.waiting, n)
	v.bytes += len(n.frames)
	v.count++
	v.beginLocked()
}

// move announces to the other nodes that a socket has moved to this one. It leaves out sockets beyond maxMoved: their old
// nodes notice by a missing pong.
func (v *volatiles) move(id socket.SocketId) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.moved) < maxMoved {
		v.moved = append(v.moved, roomOf(id))
		v.beginLocked()
	}
}

// beginLocked begins an interval, unless one has begun.
func (v *volatiles) beginLocked() {
	if v.begun {
		return
	}
	v.begun = true
	h := v.nsp.hub
	time.AfterFunc(h.opts.VolatileInterval, func() { h.tasks.start(v.flush) })
}

// now is the number of the next notice. A socket that joins now gets no older one.
func (v *volatiles) now() uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.count
}

// flush writes the gathered notices.
func (v *volatiles) flush() {
	v.mu.Lock()
	batch, first := v.waiting, v.count-uint64(len(v.waiting))
	moved := v.moved
	v.waiting, v.moved, v.bytes = nil, nil, 0
	v.mu.Unlock()

	h := v.nsp.hub
	h.protect("listener of outgoing packets", func() { v.nsp.deliverTogether(batch, first) })
	v.nsp.tellTogether(batch)
	if len(moved) > 0 {
		v.nsp.publish(&message{Kind: kindMoved, Nsp: v.nsp.nsp.Name(), Change: moved})
	}

	v.mu.Lock()
	defer v.mu.Unlock()
	v.begun = false
	if len(v.waiting)+len(v.moved) > 0 {
		v.beginLocked()
	}
}

// deliverTogether writes notices to each socket of this node in one piece. first is the number of the first notice.
func (n *namespace) deliverTogether(batch []notice, first uint64) {
	pieces, kept := map[uint64][]byte{}, 0
	for _, s := range n.members.choose(batch) {
		m, selected := s.member, s.notices
		since, ok := m.hearsSince()
		if !ok {
			continue // the joining offset comes before any packet of others
		}
		if since > first {
			selected &^= 1<<(since-first) - 1
		}
		if selected == 0 {
			continue
		}
		notifyOutgoing(m, batch, selected)
		piece, known := pieces[selected]
		if !known {
			piece = join(batch, selected)
			if kept += len(piece); kept > maxSelections {
				clear(pieces)
				kept = len(piece)
			}
			pieces[selected] = piece
		}
		m.conn.SendVolatile(piece)
	}
}

// join returns the frames of the selected notices, one after the other.
func join(batch []notice, selected uint64) []byte {
	var frames []byte
	for ; selected != 0; selected &= selected - 1 {
		frames = append(frames, batch[bits.TrailingZeros64(selected)].frames...)
	}
	return frames
}

// notifyOutgoing calls the socket's listeners of outgoing packets.
func notifyOutgoing(m *member, batch []notice, selected uint64) {
	notify := m.socket.NotifyOutgoingListeners()
	if notify == nil {
		return
	}
	for ; selected != 0; selected &= selected - 1 {
		notify(batch[bits.TrailingZeros64(selected)].packet)
	}
}

// selection is the part of a batch that one socket gets.
type selection struct {
	member  *member
	notices uint64 // one bit for each
}

// choose returns for each connected socket the notices that it gets. Most notices go to everyone or nearly so; only a
// socket that a notice names costs a map entry.
func (s *members) choose(batch []notice) []selection {
	s.mu.RLock()
	defer s.mu.RUnlock()
	everyone, added, barred := uint64(0), map[*member]uint64{}, map[*member]uint64{}
	for i, b := range batch {
		if len(b.rooms) == 0 {
			everyone |= 1 << i
		}
		for _, room := range b.rooms {
			s.inLocked(room, func(m *member) { added[m] |= 1 << i })
		}
		for _, room := range b.except {
			s.inLocked(room, func(m *member) { barred[m] |= 1 << i })
		}
	}
	var chosen []selection
	take := func(m *member) {
		if notices := (everyone | added[m]) &^ barred[m]; notices != 0 && m.socket.Connected() {
			chosen = append(chosen, selection{m, notices})
		}
	}
	if everyone == 0 {
		for m := range added {
			take(m)
		}
		return chosen
	}
	chosen = make([]selection, 0, len(s.all))
	for _, m := range s.all {
		take(m)
	}
	return chosen
}

// isAnyoneIn reports whether one of the rooms has a socket of this node in it; no rooms: any socket.
func (s *members) isAnyoneIn(rooms []socket.Room) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, room := range rooms {
		if s.sizeLocked(room) > 0 {
			return true
		}
	}
	return len(rooms) == 0 && len(s.all) > 0
}

// frames is a packet and its attachments as WebSocket frames.
func (e encoded) frames() []byte {
	frames := wire.AppendMessage(nil, e.text)
	for _, b := range e.buffers[1:] {
		frames = wire.AppendFrame(frames, wire.OpBinary, b.Bytes())
	}
	return frames
}

// tellTogether sends notices of this node to the others, in as few messages as possible.
func (n *namespace) tellTogether(batch []notice) {
	var part []*message
	size := 0
	send := func() {
		switch len(part) {
		case 0:
		case 1:
			n.publish(part[0])
		default:
			n.publish(&message{Kind: kindTogether, Nsp: n.nsp.Name(), Together: part})
		}
		part, size = nil, 0
	}
	for _, one := range batch {
		if one.message == nil {
			continue
		}
		s := one.message.size()
		if size+s > bus.MaxPayload/2 { // the other half allows for errors of the estimate
			send()
		}
		part = append(part, one.message)
		size += s
	}
	send()
}

// size estimates the bytes that a message about an event takes on the bus.
func (m *message) size() int {
	size := 64 + len(m.Nsp) + len(m.Args)
	for _, b := range m.Binary {
		size += 4 + 2*len(b)
	}
	for _, rooms := range [][]socket.Room{m.Rooms, m.Except} {
		for _, room := range rooms {
			size += 4 + len(room)
		}
	}
	return size
}

// hear takes volatile broadcasts of another node. They join this node's own broadcasts, not the queue of requests.
func (h *Hub) hear(m *message) {
	n := h.namespaceOf(m.Nsp)
	if n == nil {
		return // a namespace that is not open here has no sockets
	}
	together := m.Together
	if m.Kind == kindEmit {
		together = []*message{m}
	}
	for _, one := range together {
		if n.members.isAnyoneIn(one.Rooms) {
			e := one.event(n.nsp.Name(), nil)
			n.volatiles.add(notice{packet: e.packet, frames: n.sealed(e).frames(), rooms: one.Rooms, except: one.Except})
		}
	}
}
