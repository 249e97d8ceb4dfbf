package engineio

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"scalable-chat/server/internal/wire"
)

const (
	// pollBatch bounds the frames that answer one poll, in bytes. A single larger frame is sent alone.
	pollBatch = 64 << 10
	// pollPackets bounds the packets that answer one poll: some clients accept no more (python-engineio: 16).
	pollPackets = 16
	// upgradeHold is how long a poll stays open while a WebSocket is probed: the client waits for the poll's end.
	upgradeHold = 100 * time.Millisecond
	// lastPollTimeout is how long a session that has ended waits for polls to fetch its last packets.
	lastPollTimeout = 2 * time.Second
	separator       = 0x1e
)

var okBody = []byte("ok")

// poll is an open GET.
type poll struct {
	wake     chan struct{} // one token: there is something to take, or the session ended, or an upgrade began
	answered bool          // the answer is on its way, so the client may poll again; guarded by Session.mu
	done     chan struct{} // closed when the request is over
}

func (p *poll) wakeUp() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// buffers are borrowed for one request or one read.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 8<<10); return &b }}

const keepBuffer = 128 << 10 // larger ones are not kept

func borrow() *[]byte { return buffers.Get().(*[]byte) }

func giveBack(b *[]byte) {
	if cap(*b) <= keepBuffer {
		*b = (*b)[:0]
		buffers.Put(b)
	}
}

// openPolling opens a session that polls.
func (s *Server) openPolling(w http.ResponseWriter, r *http.Request) {
	session := s.newSession(s.opts.Proxies.client(r), newHandshake(r, false))
	session.markHandshake(r)
	if refused := s.admit(session); refused != nil {
		s.refuse(w, *refused)
		return
	}
	open := s.openPacket(session)
	session.start()
	if s.plain(w, open) != nil {
		session.end(causeGone)
	}
}

// servePolling serves a GET or POST that names a session.
func (s *Server) servePolling(w http.ResponseWriter, r *http.Request, sid string) {
	session := s.session(sid)
	switch {
	case session == nil && r.Method == http.MethodGet && s.farewells.take(sid):
		_ = s.plain(w, noop)
	case session == nil:
		s.refuse(w, refuseSession)
	case r.Method == http.MethodGet:
		session.servePoll(w, r)
	case r.Method == http.MethodPost:
		session.servePost(w, r)
	default:
		s.refuse(w, refuseRequest)
	}
}

// servePoll answers a GET as soon as there are packets for it.
func (s *Session) servePoll(w http.ResponseWriter, r *http.Request) {
	p, instead := s.openPoll(r)
	if p == nil {
		s.answerAtOnce(w, instead)
		return
	}
	defer s.closePoll(p)
	if r.ContentLength == 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // a poll may wait for longer than other requests
	}
	body := s.awaitPackets(r, p)
	if body == nil {
		s.end(causeGone)
		return
	}
	s.mu.Lock()
	p.answered = true
	moved := !s.transport.polls()
	s.mu.Unlock()
	switch {
	case moved && &body[0] == &noop[0]: // the client would take it for the sign to poll on
		s.answerAtOnce(w, nil)
	case s.server.plain(w, body) != nil:
		s.end(causeError)
	}
}

// answerAtOnce answers a GET that is not the session's poll: with the payload, or with 400 if that is nil.
func (s *Session) answerAtOnce(w http.ResponseWriter, payload []byte) {
	if payload == nil {
		s.server.refuse(w, refuseRequest)
		return
	}
	_ = s.server.plain(w, payload) // a lost answer loses nothing
}

// openPoll makes a GET the session's poll. Otherwise p is nil, and instead is the answer to the GET, nil for a refusal. A poll
// beside an open one ends the session. A poll that comes while the one before it is being answered waits for that, so that a
// client that does not read costs one answer.
func (s *Session) openPoll(r *http.Request) (p *poll, instead []byte) {
	s.mu.Lock()
	before, recurs := s.poll, s.recursLocked(r, nil)
	over := s.life.ended() && !s.life.fetching()
	var fault *cause
	switch {
	case !s.transport.polls():
	case recurs == late:
		instead = noop
	case before != nil && !before.answered:
		fault = &causeOverlap
	case recurs == again:
		fault = &causeRepeated
	case over && s.server.farewells.take(s.id):
		instead = noop
	case over:
	default:
		p = &poll{wake: make(chan struct{}, 1), done: make(chan struct{})}
		s.poll = p
	}
	s.mu.Unlock()
	switch {
	case fault != nil:
		s.end(*fault)
	case p != nil && before != nil:
		select {
		case <-before.done:
		case <-r.Context().Done():
		}
	}
	return p, instead
}

func (s *Session) closePoll(p *poll) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(p.done)
	if s.poll == p {
		s.poll = nil
	}
}

// awaitPackets waits for the packets that answer a poll. It returns nil if the client went away. It holds no buffer while it
// waits.
func (s *Session) awaitPackets(r *http.Request, p *poll) []byte {
	var hold <-chan time.Time
	for {
		s.mu.Lock()
		ended, cause, moved, upgrading := s.life.ended(), s.life.cause(), !s.transport.polls(), s.transport.probing()
		s.mu.Unlock()
		if moved || ended && cause == causeClient {
			return noop
		}
		most := pollPackets
		if ended {
			most-- // the close packet needs a place
		}
		body := s.takeAtMost(most)
		switch {
		case ended && cause.parting() && len(body) > 0:
			// The next poll gets the rest, and then the close. They cannot share an answer: stock clients act on a close at
			// once and drop the packets that came with it.
			return body
		case ended && cause.parting() && s.conn.Behind():
			continue // it came just now
		case ended:
			s.partWith()
			return wire.AppendPacket(body, wire.Packet{Type: wire.PacketClose})
		case len(body) > 0:
			return body
		case upgrading && hold == nil:
			hold = time.After(upgradeHold)
		}
		select {
		case <-p.wake:
		case <-hold:
			return noop
		case <-r.Context().Done():
			return nil
		}
	}
}

// takePackets takes the pending packets for one answer.
func (s *Session) takePackets() []byte { return s.takeAtMost(pollPackets) }

// takeAtMost takes at most so many pending packets.
func (s *Session) takeAtMost(most int) []byte {
	frames := borrow()
	defer giveBack(frames)
	*frames = s.conn.TakeFrames((*frames)[:0], pollBatch, most)
	return appendPackets(nil, *frames)
}

// appendPackets turns whole WebSocket frames into the packets of a polling payload.
func appendPackets(dst, frames []byte) []byte {
	for len(frames) > 0 {
		op, payload, rest := wire.Cut(frames)
		if len(dst) > 0 {
			dst = append(dst, separator)
		}
		if op == wire.OpBinary {
			dst = append(dst, 'b')
			dst = base64.StdEncoding.AppendEncode(dst, payload)
		} else {
			dst = append(dst, payload...)
		}
		frames = rest
	}
	return dst
}

// servePost hands over the packets of a POST and answers afterwards, so that the packets of a client that upgrades stay in
// order.
func (s *Session) servePost(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if !s.transport.polls() || s.life.ended() || s.posting {
		overlap, parting := s.posting, s.life.fetching()
		s.mu.Unlock()
		s.refusePost(w, r, overlap, parting)
		return
	}
	s.posting = true
	s.limitProbeLocked()
	s.mu.Unlock()
	err := s.readPost(w, r)
	s.mu.Lock()
	s.posting = false
	s.limitProbeLocked()
	s.mu.Unlock()
	s.answerPost(w, err)
}

// refusePost answers a POST of which no packet is taken.
func (s *Session) refusePost(w http.ResponseWriter, r *http.Request, overlap, parting bool) {
	if overlap {
		s.end(causeOverlap)
	}
	switch {
	case s.server.oversized(r):
		s.server.refuse(w, refuseTooLarge)
	case parting && !overlap:
		s.refuseEnded(w)
	default:
		s.server.refuse(w, refuseRequest)
	}
}

// answerPost answers a POST according to its result.
func (s *Session) answerPost(w http.ResponseWriter, err error) {
	var malformed wire.PayloadError
	switch {
	case err == nil:
		_ = s.server.plain(w, okBody) // the poll notices a client that is gone
	case tooLarge(err):
		s.server.refuse(w, refuseTooLarge) // before the end of a poll gives a less exact reason
		s.end(causeTooLarge)
	case errors.Is(err, errEnded):
		s.refuseEnded(w)
	case errors.Is(err, errNoRoom): // nothing of it was handed over
		s.server.refuse(w, refuseBusy)
	case errors.As(err, &malformed):
		s.end(causePacket)
		s.server.refuse(w, refuseRequest)
	default: // the body never came
		s.end(causeError)
		s.server.refuse(w, refuseRequest)
	}
}

// oversized reports whether the body of a refused POST is over the limit, so that the client learns it.
func (s *Server) oversized(r *http.Request) bool {
	size, limit := r.ContentLength, int64(s.opts.MaxBody)
	if size < 0 {
		size, _ = io.Copy(io.Discard, io.LimitReader(r.Body, limit+1))
	}
	return size > limit
}

func (s *Session) readPost(w http.ResponseWriter, r *http.Request) (err error) {
	held := s.server.bodies.hold(func() {
		s.end(causeHeld)
		_ = http.NewResponseController(w).SetReadDeadline(time.Now()) // or it would keep the room until the rest comes
	})
	defer held.shrink(0)
	body := borrow()
	defer giveBack(body)
	if *body, err = s.readBody(w, r, held, *body); held.isTold() {
		return errEnded
	} else if err != nil {
		return err
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	if s.repeats(r, *body) {
		return nil
	}
	// The packets may wait long for their turns. A client that goes away meanwhile does not come back to this session.
	defer context.AfterFunc(r.Context(), func() { s.end(causeGone) })()
	err = errEnded // unless all of it is handed over
	s.guard(func() { err = s.handOverAll(held, body) })
	return err
}

// readBody appends a body to dst. The client has BodyTimeout to send it, and as long again if it waits for room.
func (s *Session) readBody(w http.ResponseWriter, r *http.Request, held *holding, dst []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(r.Context(), s.server.opts.BodyTimeout)
	defer cancel()
	body := &heldBody{Reader: r.Body, held: held, ctx: ctx, waited: func() { s.server.boundBody(w, r) }}
	return wire.ReadBody(dst, body, r.ContentLength, s.server.opts.MaxBody)
}

// handOverAll hands over the packets of a body, one after the other. It gives room back on the way: whenever half of the body
// is done, it copies the rest to a buffer of its size.
func (s *Session) handOverAll(held *holding, body *[]byte) error {
	if !utf8.Valid(*body) {
		return wire.ErrPayloadText
	}
	rest := *body
	for range wire.MaxPackets {
		p, next, more, err := wire.CutPacket(rest)
		if err != nil {
			return err
		}
		if err := s.receive(p); err != nil || !more {
			return err
		}
		rest = next
		if len(*body) > smallBody && len(rest) <= len(*body)/2 {
			rest = slices.Clone(rest)
			*body = rest
			held.shrink(costOf(len(rest)))
		}
	}
	return wire.ErrTooMany
}

// refuseEnded answers a POST whose session ended before all of it was handed over. A client that closed the session gets "ok".
// So does a client that does not know of the end yet: it learns it from its poll, after the last packets. A stock client whose
// POST fails would give up the poll, too.
func (s *Session) refuseEnded(w http.ResponseWriter) {
	s.mu.Lock()
	c := s.life.cause()
	s.mu.Unlock()
	switch {
	case c == causeClient, c.parting():
		_ = s.server.plain(w, okBody)
	case c == causeTooLarge:
		s.server.refuse(w, refuseTooLarge)
	case c == causeHeld:
		s.server.refuse(w, refuseBusy)
	default:
		s.server.refuse(w, refuseRequest)
	}
}
