package engineio

import (
	"net/http"
	"strings"

	"github.com/zishang520/engine.io/v2/types"
)

// handshake is the little that is kept of the request that opened a session.
type handshake struct {
	uri       string
	webSocket bool // the session was opened as WebSocket
}

// keptURI is the longest URI that is kept with its query, in bytes.
const keptURI = 1 << 10

func newHandshake(r *http.Request, webSocket bool) handshake {
	uri := r.RequestURI
	if len(uri) > keptURI {
		uri, _, _ = strings.Cut(uri, "?")
		uri = uri[:min(len(uri), keptURI)]
	}
	return handshake{uri: strings.Clone(uri), webSocket: webSocket}
}

// Request is the request of the handshake as far as it is kept: path, and the query unless it is long. The library reads
// it while it handles CONNECT; it is made for that and then dropped.
func (s *Session) Request() *types.HttpContext {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.context != nil {
		return s.context
	}
	r, err := http.NewRequest(http.MethodGet, s.request.uri, nil)
	if err != nil { // it was parsed before
		r = &http.Request{Method: http.MethodGet}
	}
	r.RequestURI, r.Header, r.RemoteAddr = s.request.uri, http.Header{}, s.address
	c := types.NewHttpContext(noResponse{}, r)
	c.Flush() // ends the goroutine that waits for the request's end
	if s.busy {
		s.context = c
	}
	return c
}

// noResponse is the answer to a request that was answered long ago.
type noResponse struct{}

func (noResponse) Header() http.Header         { return http.Header{} }
func (noResponse) Write(p []byte) (int, error) { return len(p), nil }
func (noResponse) WriteHeader(int)             {}
