package engineio

import (
	"bytes"
	"errors"
	"time"

	"github.com/zishang520/engine.io/v2/types"

	"scalable-chat/server/internal/pace"
	"scalable-chat/server/internal/wire"
)

// errEnded is returned for a packet of a session that has ended.
var errEnded = errors.New("session has ended")

// receive takes the client's next Engine.IO packet from either transport. It blocks while the packet cannot go on: this is the
// back-pressure on a client. p is not kept. The error is [errEnded] or [wire.ErrTooLarge]; in the second case the caller tells
// the client why and ends the session.
func (s *Session) receive(p wire.Packet) error {
	s.inbound.Lock()
	defer s.inbound.Unlock()
	switch {
	case len(p.Data) > s.server.opts.MaxPayload:
		return wire.ErrTooLarge
	case p.Binary:
		return s.receiveBinary(p.Data)
	case p.Type == wire.PacketMessage:
		return s.receiveText(p.Data)
	case p.Type == wire.PacketPong && s.pong():
		return nil
	case p.Type == wire.PacketClose:
		s.endDrained(causeClient)
	case p.Type == wire.PacketPing:
		s.end(causePacket) // pings come from the server in this revision
	default: // as in the reference server, open, upgrade, noop and an unexpected pong have no meaning here
		return s.sundry(len(p.Data))
	}
	return errEnded
}

func (s *Session) receiveText(text []byte) error {
	if s.server.opts.Raw {
		return s.receiveRaw(types.NewStringBuffer(text))
	}
	h, err := wire.ParsePacket(text, wire.Limits{Binary: s.server.opts.AllowBinary, Values: s.server.opts.MaxValues})
	if err != nil || s.partial != nil {
		s.end(causePacket)
		return errEnded
	}
	p := parcel{kind: h.Kind, namespace: h.Namespace}
	if len(p.namespace) == 0 {
		p.namespace = []byte(MainNamespace)
	}
	switch {
	case h.Kind == wire.Connect && len(h.Payload) == 0:
		// The library would leave the handshake's auth nil, where the reference server has an empty object.
		p.text = emptyConnect(h.Namespace)
	default:
		p.text = wire.NameText(text, h)
	}
	if h.Kind == wire.Connect {
		p.payload = len(p.text) - max(len(h.Payload), len("{}"))
	}
	if h.Attachments > 0 {
		return s.begin(p, h.Attachments)
	}
	return s.place(p)
}

// emptyConnect is a CONNECT packet with the payload {}.
func emptyConnect(namespace []byte) []byte {
	packet := []byte{byte(wire.Connect)}
	if len(namespace) > 0 {
		packet = append(append(packet, namespace...), ',')
	}
	return append(packet, "{}"...)
}

// partial is a packet whose attachments have not all come.
type partial struct {
	parcel
	missing int
}

// begin keeps a packet until its attachments have come.
func (s *Session) begin(p parcel, attachments int) error {
	kind := wire.Ack
	if p.kind == wire.BinaryEvent {
		kind = wire.Event
	}
	s.partial = &partial{parcel{kind: kind, namespace: bytes.Clone(p.namespace), text: bytes.Clone(p.text)}, attachments}
	return s.pass(len(p.text))
}

func (s *Session) receiveBinary(data []byte) error {
	switch {
	case s.server.opts.Raw:
		return s.receiveRaw(types.NewBytesBuffer(data))
	case s.partial == nil:
		s.end(causePacket)
		return errEnded
	}
	whole := s.partial
	whole.attachments = append(whole.attachments, bytes.Clone(data))
	if whole.missing--; whole.missing > 0 {
		return s.pass(len(data))
	}
	s.partial = nil
	return s.place(whole.parcel)
}

// receiveRaw hands over a message that is not a Socket.IO packet.
func (s *Session) receiveRaw(message types.BufferInterface) error {
	s.mu.Lock()
	if !s.awaitPassLocked(&s.reader.wait) {
		s.mu.Unlock()
		return errEnded
	}
	s.passedLocked(message.Len())
	turn := Turn{s, s.lanes.take(s.lanes.open(MainNamespace), 0, s.server.since())}
	s.mu.Unlock()
	s.Emit("data", message)
	turn.Done()
	return nil
}

// The pace of packets that cost work and that nothing else paces: acks, pings of a WebSocket, refused CONNECTs, and packets
// without a meaning. Those beyond it are delayed, not refused.
const (
	sundriesRate  = 50 // per second
	sundriesBurst = 200
)

var sundries = pace.NewRate(sundriesRate, sundriesBurst)

// endDrained ends the session of a client that has closed it, after every packet that waits in a lane has had its turn: they came
// before the end. The caller holds inbound.
func (s *Session) endDrained(c cause) {
	s.mu.Lock()
	for !s.life.ended() && s.lanes.any((*lane).unheard) {
		s.reader.wait = forTurn
		s.changed.Wait()
		s.reader.wait = noWait
	}
	s.mu.Unlock()
	s.end(c)
}

// hungUp is endDrained for a WebSocket.
func (s *Session) hungUp(c cause) {
	s.inbound.Lock()
	defer s.inbound.Unlock()
	s.endDrained(c)
}

// sundry takes a packet that has no meaning, but costs time.
func (s *Session) sundry(size int) error {
	err := s.pass(size)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.payForSundryLocked()
	return err
}

// pongFrame answers a ping frame. The error is [errEnded].
func (s *Session) pongFrame(data []byte) error {
	s.inbound.Lock()
	defer s.inbound.Unlock()
	err := s.sundry(len(data))
	if err == nil {
		s.conn.Send(wire.AppendFrame(nil, wire.OpPong, data))
	}
	return err
}

// pass lets a packet of that size in that needs no turn. The error is [errEnded].
func (s *Session) pass(size int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.awaitPassLocked(&s.reader.wait) {
		return errEnded
	}
	s.passedLocked(size)
	return nil
}

// awaitPassLocked waits until the client's next packet may go on: those before it are within the rates, and the client has read
// enough of its private frames. It notes in w what it waits for. It returns false if the session has ended.
func (s *Session) awaitPassLocked(w *wait) bool {
	defer func() { *w = noWait }()
	for {
		*w = forReader
		if !s.awaitReaderLocked() {
			return false
		}
		left := s.reader.until - s.server.since()
		if left <= 0 {
			return true
		}
		*w = forTurn
		timer := time.AfterFunc(left, s.broadcast)
		s.changed.Wait()
		timer.Stop()
	}
}

func (s *Session) broadcast() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed.Broadcast()
}

// passedLocked notes that a packet of that size came in. The next one waits until its bytes are within the rate. So a packet is
// handled at once, and the client waits afterwards, when nothing of the packet is in memory.
func (s *Session) passedLocked(size int) {
	s.excuseLocked()
	now := s.server.since()
	s.reader.until = max(s.reader.until, now+s.reader.bytes.ReserveN(s.server.bytes, now, size))
}

// payForSundryLocked makes the next packet wait until the rate of sundries allows one more.
func (s *Session) payForSundryLocked() {
	now := s.server.since()
	s.reader.until = max(s.reader.until, now+s.reader.sundries.ReserveN(sundries, now, 1))
}

// awaitReaderLocked waits while more than privateLimit bytes of private frames, mostly answers to the client's own packets, are
// unread. It does not wait for a client that upgrades: that one has stopped polling until its last POST is answered. The
// bound of the private queue still holds for it. It returns false if the session has ended.
func (s *Session) awaitReaderLocked() bool {
	for !s.life.ended() && !s.transport.probing() && s.conn.Private() > privateLimit {
		passed := s.reader.await()
		s.mu.Unlock()
		s.conn.WaitFlushed(passed) // or passed
		s.mu.Lock()
		s.reader.waited()
		s.excuseLocked()
	}
	return !s.life.ended()
}

// wait is what the next packet of a client waits for.
type wait uint8

const (
	noWait    wait = iota
	forTurn        // the packets before it, or their pace
	forReader      // the client, which has to read what was sent to it alone
)

// reader is the state of the goroutine that receives. It has no lock of its own: Session.mu guards it.
type reader struct {
	sundries pace.Level    // see payForSundryLocked
	bytes    pace.Level    // of messages; see passedLocked
	until    time.Duration // when the next packet is within the rates; since the server's start

	passed  chan struct{} // closed when those who wait for the client to read need not any more; nil while none waits
	waiting int32         // how many they are
	wait    wait          // of the next packet
}

// await notes that somebody waits for the client to read. The channel is closed by [reader.pass]; [reader.waited] has to follow.
func (r *reader) await() <-chan struct{} {
	r.waiting++
	if r.passed == nil {
		r.passed = make(chan struct{})
	}
	return r.passed
}

// waited notes that somebody does not wait any more.
func (r *reader) waited() {
	if r.waiting--; r.waiting == 0 {
		r.passed = nil
	}
}

// pass ends all waits for the client to read.
func (r *reader) pass() {
	if r.passed != nil {
		close(r.passed)
		r.passed = nil
	}
}
