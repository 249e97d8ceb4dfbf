package engineio

import (
	"hash/maphash"
	"net/http"
)

// Clients mark each request of a session that polls with another t in its query. One that comes twice was sent again by a
// browser, a proxy or an HTTP library, because its connection broke before the answer; the first one may arrive before or
// after it, however late, if it was stuck in a node that forwards. Either may have been answered to nobody. So a GET that
// comes twice ends the session: what the lost answer carried was taken off the session, the client would skip it and
// never know, but if it recovers it gets what it missed. A POST that comes twice was taken the first time.

// keptMarks is how many requests are remembered. While one is stuck, a client gets past it only with polls that do not get
// stuck in the same place: few, if requests are spread over the nodes.
const keptMarks = 64

// marks are the newest requests of one session.
type marks struct {
	seen [keptMarks]uint32
	next uint8
}

var markSeed = maphash.MakeSeed()

// repeatedLocked notes a request and reports whether it has been seen before. One without a mark is always new.
func (s *Session) repeatedLocked(r *http.Request) bool {
	t := r.URL.Query().Get("t")
	if t == "" {
		return false
	}
	if s.marks == nil {
		s.marks = &marks{}
	}
	return s.marks.repeats(uint32(maphash.String(markSeed, r.Method+t)) | 1) // never 0, which is an empty place
}

func (m *marks) repeats(mark uint32) bool {
	for _, seen := range m.seen {
		if seen == mark {
			return true
		}
	}
	m.seen[m.next] = mark
	m.next = (m.next + 1) % keptMarks
	return false
}
