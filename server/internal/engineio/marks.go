package engineio

import (
	"hash/maphash"
	"net/http"

	"scalable-chat/server/internal/wire"
)

// Stock clients put a different t into the query of each polling request. A browser, a proxy or an HTTP library repeats a request
// unchanged when its connection breaks before the answer. The original may arrive before or after the repeat, however late, if
// it was stuck in a node that forwards; the answer to either may be lost.
//
// The mark alone proves nothing: other clients send the current second, a short hash, or a constant. So a request is a repeat
// only if its mark and its body were seen before, and if marks identify the requests of its session: once one mark has stood for
// two different requests, all requests of the session count as new. A POST that is not the newest must also have a body that
// came under no other mark.
//
// A repeated POST is answered without being taken again. A repeated GET ends the session: the packets of the lost answer are
// gone from the session, and the client would miss them unnoticed; when it reconnects, recovery replays them. A GET that may be
// a late original is answered with a noop: that takes no packets, and a client that meant it polls again.

// keptMarks is how many requests are remembered. While one is stuck in a node, the client gets past it only with requests that
// take another way: few, if requests are spread over the nodes.
const keptMarks = 64

// mark is one request, as two hashes.
type mark struct {
	name uint64 // its t
	what uint64 // its method and its body
}

// marks are the newest requests of one session.
type marks struct {
	seen   [keptMarks]mark
	next   uint8
	newest [2]mark // the GET and the POST
}

// worthless are the marks of a session in which one stood for two different requests.
var worthless = &marks{}

// recurrence is how a request relates to those before it.
type recurrence uint8

const (
	fresh recurrence = iota
	again            // the newest of its kind, once more
	late             // one from before the newest of its kind
)

const pongBody = string(rune(wire.PacketPong))

var markSeed = maphash.MakeSeed()

func markOf(r *http.Request, body []byte) (m mark, ok bool) {
	t := r.URL.Query().Get("t")
	if t == "" {
		return mark{}, false
	}
	var what maphash.Hash
	what.SetSeed(markSeed)
	_, _ = what.WriteString(r.Method) // never fails
	_, _ = what.Write(body)
	return mark{maphash.String(markSeed, t), what.Sum64()}, true
}

// markHandshake notes the request that opened the session.
func (s *Session) markHandshake(r *http.Request) {
	if m, ok := markOf(r, []byte("handshake")); ok { // a GET has no body otherwise
		s.marks = &marks{next: 1}
		s.marks.seen[0] = m
	}
}

// repeats reports whether a POST was taken before. A pong never counts as a repeat: taking it twice does no harm, and many
// clients send nothing else for hours.
func (s *Session) repeats(r *http.Request, body []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recursLocked(r, body) != fresh && string(body) != pongBody
}

// recursLocked notes a request and returns how it relates to those before it. A request without a mark is always fresh.
func (s *Session) recursLocked(r *http.Request, body []byte) recurrence {
	m, ok := markOf(r, body)
	if !ok || !s.transport.polls() {
		return fresh
	}
	switch s.marks {
	case worthless:
		return fresh
	case nil:
		s.marks = &marks{}
	}
	kind := 0
	if r.Method == http.MethodPost {
		kind = 1
	}
	verdict, useful := s.marks.judge(m, kind)
	if !useful {
		s.marks = worthless
	}
	return verdict
}

// judge notes a request of a kind, unless it was seen before. useful is false if marks do not identify requests.
func (m *marks) judge(request mark, kind int) (verdict recurrence, useful bool) {
	var known, common bool
	for _, seen := range m.seen {
		switch {
		case seen == request:
			known = true
		case seen.name == request.name:
			return fresh, false
		case seen.what == request.what:
			common = true
		}
	}
	switch {
	case known && m.newest[kind] == request:
		return again, true
	case known && (kind == 0 || !common):
		return late, true
	case !known:
		m.seen[m.next] = request
		m.next = (m.next + 1) % keptMarks
	}
	m.newest[kind] = request
	return fresh, true
}
