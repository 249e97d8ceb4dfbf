package engineio

import (
	"errors"
	"time"

	"github.com/zishang520/engine.io/v2/types"

	"scalable-chat/server/internal/wire"
)

// errEnded is returned for a packet of a session that has ended.
var errEnded = errors.New("session has ended")

// receive takes the client's next Engine.IO packet from either transport. It blocks while the packet before it has the turn:
// this is the back-pressure on a client. p is not kept. The error is [errEnded] or [wire.ErrTooLarge]; in the second case the
// caller tells the client why and ends the session.
func (s *Session) receive(p wire.Packet) error {
	s.inbound.Lock()
	defer s.inbound.Unlock()
	switch {
	case p.Binary:
		return s.receiveBinary(p.Data)
	case len(p.Data) > s.server.opts.MaxPayload:
		return wire.ErrTooLarge
	case p.Type == wire.PacketMessage:
		return s.receiveText(p.Data)
	case p.Type == wire.PacketPong && s.pong():
		return nil
	case p.Type == wire.PacketClose:
		s.end(causeClient)
	case p.Type == wire.PacketPing:
		s.end(causePacket) // pings come from the server in this revision
	default: // as in the reference server, open, upgrade, noop and an unexpected pong have no meaning here
		return s.sundry(len(p.Data))
	}
	return errEnded
}

// sundry takes a packet that has no meaning, but costs time.
func (s *Session) sundry(size int) error {
	turn, ok := s.takeTurn(0, size)
	if !ok {
		return errEnded
	}
	s.doneInTime(turn)
	return nil
}

func (s *Session) receiveText(text []byte) error {
	if s.server.opts.Raw {
		return s.handOver(0, types.NewStringBuffer(text))
	}
	h, err := wire.ParsePacket(text, wire.Limits{Binary: s.server.opts.AllowBinary, Values: s.server.opts.MaxValues})
	if err != nil || s.attachments > 0 {
		s.end(causePacket)
		return errEnded
	}
	switch {
	case h.Kind == wire.Connect && len(h.Payload) == 0:
		// The library would leave the handshake's auth nil, where the reference server has an empty object.
		return s.handOver(h.Kind, types.NewStringBuffer(emptyConnect(h.Namespace)))
	case h.Attachments > 0:
		s.attachments, s.lastBinary = h.Attachments, h.Kind
		return s.handOver(0, types.NewStringBuffer(wire.NameText(text, h)))
	default:
		return s.handOver(h.Kind, types.NewStringBuffer(wire.NameText(text, h)))
	}
}

// emptyConnect is a CONNECT packet with the payload {}.
func emptyConnect(namespace []byte) []byte {
	packet := []byte{byte(wire.Connect)}
	if len(namespace) > 0 {
		packet = append(append(packet, namespace...), ',')
	}
	return append(packet, "{}"...)
}

func (s *Session) receiveBinary(data []byte) error {
	opts := &s.server.opts
	var kind wire.Kind
	switch {
	case len(data) > opts.MaxPayload:
		return wire.ErrTooLarge
	case opts.Raw:
	case s.attachments == 0:
		s.end(causePacket)
		return errEnded
	default:
		s.attachments--
		switch {
		case s.attachments > 0:
		case s.lastBinary == wire.BinaryEvent:
			kind = wire.Event
		default:
			kind = wire.Ack
		}
	}
	return s.handOver(kind, types.NewBytesBuffer(data))
}

// handOver waits for the turn and gives one message to the library. The library handles CONNECT, EVENT and DISCONNECT in the
// background: whoever completes them ends the turn. For all other kinds the turn ends here.
func (s *Session) handOver(kind wire.Kind, message types.BufferInterface) error {
	turn, ok := s.takeTurn(kind, message.Len())
	if !ok {
		return errEnded
	}
	s.Emit("data", message)
	switch kind {
	case wire.Connect, wire.Event, wire.Disconnect:
	case wire.Ack:
		s.doneInTime(turn)
	default:
		turn.Done()
	}
	return nil
}

// The pace of packets that cost work and that nothing else paces: acks, pings of a WebSocket, refused CONNECTs, and packets
// without a meaning. Those beyond it are delayed, not refused.
const (
	sundriesRate  = 50 // per second
	sundriesBurst = 200
)

// doneInTime ends the turn when the rate of such packets allows it, which may be at once.
func (s *Session) doneInTime(turn Turn) {
	now := s.server.since()
	until := now + s.sundries.Reserve(now)
	s.mu.Lock()
	s.turns.extend(turn.number, until)
	s.mu.Unlock()
	turn.Done()
}

// takeTurn waits until no packet has the turn and the client has read enough of its private frames. ok is false if the session
// has ended. The turn lasts at least until the packet's bytes are within the rate. So the packet is handled at once, and the
// client waits afterwards, when nothing of the packet is in memory.
func (s *Session) takeTurn(kind wire.Kind, size int) (turn Turn, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.turns.taken && !s.life.ended() {
		s.turns.wait = forTurn
		s.changed.Wait()
	}
	s.turns.stopWaiting()
	if !s.awaitReaderLocked() {
		return Turn{}, false
	}
	s.excuseLocked()
	now := s.server.since()
	return Turn{s, s.turns.take(kind, now, now+s.bytes.ReserveN(now, size))}, true
}

// awaitReaderLocked waits while more than privateLimit bytes of private frames, mostly answers to the client's own packets, are
// unread. It does not wait for a client that upgrades: that one has stopped polling until its last POST is answered. The
// bound of the private queue still holds for it. It returns false if the session has ended.
func (s *Session) awaitReaderLocked() bool {
	for !s.life.ended() && !s.transport.probing() && s.conn.Private() > privateLimit {
		passed := s.turns.awaitReader()
		s.mu.Unlock()
		s.conn.WaitFlushed(passed) // or passed
		s.mu.Lock()
		s.turns.stopWaiting()
		s.excuseLocked()
	}
	return !s.life.ended()
}

// pongFrame answers a ping frame. The error is [errEnded].
func (s *Session) pongFrame(data []byte) error {
	s.inbound.Lock()
	defer s.inbound.Unlock()
	turn, ok := s.takeTurn(0, len(data))
	if !ok {
		return errEnded
	}
	s.conn.Send(wire.AppendFrame(nil, wire.OpPong, data))
	s.doneInTime(turn)
	return nil
}

// Turn is the turn of the packet that the library works on. The goroutine that works on it keeps the value: later calls
// may return the turn of a later packet.
func (s *Session) Turn() Turn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Turn{s, s.turns.number}
}

// EndTurn implements [TurnOwner].
func (s *Session) EndTurn(number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.turns.lasts(number) {
		return
	}
	s.context = nil // only a CONNECT in turn needs it
	left := s.turns.finish(s.server.since())
	if left <= 0 {
		s.releaseLocked(number)
		return
	}
	time.AfterFunc(left, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.releaseLocked(number)
	})
}

// releaseLocked ends a turn, unless it has ended before.
func (s *Session) releaseLocked(number uint64) {
	if s.turns.release(number) {
		s.changed.Broadcast()
	}
}

// releaseConnect ends the turn of a CONNECT that the library answers with CONNECT_ERROR: nothing else would end it.
func (s *Session) releaseConnect(text []byte) {
	if len(text) == 0 || text[0] != byte(wire.ConnectError) {
		return
	}
	s.mu.Lock()
	connecting, turn := s.turns.taken && s.turns.kind == wire.Connect, Turn{s, s.turns.number}
	s.mu.Unlock()
	if connecting {
		s.doneInTime(turn)
	}
}
