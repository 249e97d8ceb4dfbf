package engineio

import (
	"net/http"
	"strings"
)

// handshake is what is kept of the request that opened a session.
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
