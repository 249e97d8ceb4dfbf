package engineio

import (
	"hash/maphash"
	"net/http"

	"scalable-chat/server/internal/wire"
)

// Stock clients mark each request of a session that polls with another t in its query. A browser, a proxy or an HTTP library
// sends a request again, as it was, when its connection broke before the answer. The first one may arrive before or after the
// second, however late, if it was stuck in a node that forwards; either may have been answered to nobody.
//
// The mark alone proves nothing: other clients send the second, a short hash, or always the same. So a request is a repeat
// only if all of it was there before, its body too, and if the marks of the session tell its requests apart: from the first
// mark that stands for two different requests, all requests of the session are new. A POST that is not the newest has to have
// a body of its own, too: what a client says under several marks is no proof.
//
// A POST that is a repeat was taken the first time. A GET that is one ends the session: what the lost answer carried was
// taken off the session, the client would skip it and never know, but if it recovers it gets what it missed. A GET that
// may be late is answered with a noop: that takes nothing away, and a client that meant it polls again.

// keptMarks is how many requests are remembered. While one is stuck, a client gets past it only with requests that do not get
// stuck in the same place: few, if requests are spread over the nodes.
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

// repeats reports whether a POST, which was read whole, was taken before. A pong is taken as often as it comes: that does
// no harm, and many clients have nothing else to say for hours.
func (s *Session) repeats(r *http.Request, body []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recursLocked(r, body) != fresh && string(body) != pongBody
}

// recursLocked notes a request and tells how it relates to those before it. One without a mark is always fresh.
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

// judge notes a request of a kind, unless it was there before. It is false if marks do not tell requests apart.
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
