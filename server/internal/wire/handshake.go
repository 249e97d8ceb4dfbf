package wire

import (
	"crypto/sha1" // the handshake of RFC 6455 is defined with it; it protects nothing
	"encoding/base64"
	"net/http"
	"strings"
)

const (
	// ProtocolVersion is the supported WebSocket version, the value of Sec-WebSocket-Version.
	ProtocolVersion = "13"

	acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	keyLen     = 16
)

// AcceptKey is the value of Sec-WebSocket-Accept that answers the given Sec-WebSocket-Key.
func AcceptKey(key string) string {
	sum := sha1.Sum([]byte(key + acceptGUID))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// HandshakeError refuses a request to open a WebSocket. Status is 400, or 426 when the client has to ask differently; an
// answer with 426 carries "Upgrade: websocket" and "Sec-WebSocket-Version: 13".
type HandshakeError struct {
	Status int
	Reason string
}

// Error implements error.
func (e *HandshakeError) Error() string { return "websocket handshake: " + e.Reason }

var (
	errMethod     = &HandshakeError{http.StatusBadRequest, "method is not GET"}
	errHTTP       = &HandshakeError{http.StatusBadRequest, "not HTTP/1"}
	errHost       = &HandshakeError{http.StatusBadRequest, "no host"}
	errUpgrade    = &HandshakeError{http.StatusUpgradeRequired, "no upgrade to websocket"}
	errConnection = &HandshakeError{http.StatusBadRequest, "no connection upgrade"}
	errVersion    = &HandshakeError{http.StatusUpgradeRequired, "unsupported version"}
	errKey        = &HandshakeError{http.StatusBadRequest, "bad key"}
	errProtocols  = &HandshakeError{http.StatusBadRequest, "bad list of subprotocols"}
)

// CheckUpgrade checks the opening handshake (RFC 6455, section 4.2.1) and returns nil or a [*HandshakeError]. Origin,
// path and query are the caller's to judge. Extensions are ignored, which refuses them; for subprotocols see
// [Subprotocol].
func CheckUpgrade(r *http.Request) error {
	switch h := r.Header; {
	case r.Method != http.MethodGet:
		return errMethod
	case r.ProtoMajor != 1: // HTTP/2 has no connection to hijack; HTTP/1.0 is what some proxies say that do forward WebSockets
		return errHTTP
	case r.Host == "":
		return errHost
	case !hasToken(h["Upgrade"], "websocket"):
		return errUpgrade
	case !hasToken(h["Connection"], "upgrade"):
		return errConnection
	case !isOnly(h["Sec-Websocket-Version"], ProtocolVersion):
		return errVersion
	case !isKey(h["Sec-Websocket-Key"]):
		return errKey
	}
	if _, ok := Subprotocol(r.Header); !ok {
		return errProtocols
	}
	return nil
}

// Subprotocol chooses from the subprotocols that a client offers: the first, as the reference server does; empty if it
// offers none. ok is false if the list is malformed: an entry is no token, or a duplicate.
func Subprotocol(h http.Header) (first string, ok bool) {
	lines, there := h["Sec-Websocket-Protocol"]
	if !there {
		return "", true
	}
	seen := map[string]bool{}
	for name := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		name = strings.Trim(name, " \t")
		if !isToken(name) || seen[name] {
			return "", false
		}
		if first == "" {
			first = name
		}
		seen[name] = true
	}
	return first, true
}

// isToken reports whether s is a token of RFC 9110, section 5.6.2.
func isToken(s string) bool {
	return s != "" && strings.IndexFunc(s, func(c rune) bool {
		letter, digit := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z', '0' <= c && c <= '9'
		return !letter && !digit && !strings.ContainsRune("!#$%&'*+-.^_`|~", c)
	}) < 0
}

// hasToken looks for a token in a list-valued header, without regard to case.
func hasToken(lines []string, token string) bool {
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.Trim(part, " \t"), token) {
				return true
			}
		}
	}
	return false
}

func isOnly(lines []string, value string) bool {
	return len(lines) == 1 && strings.Trim(lines[0], " \t") == value
}

// isKey wants exactly one key: 16 bytes in base64.
func isKey(lines []string) bool {
	if len(lines) != 1 || len(lines[0]) != base64.StdEncoding.EncodedLen(keyLen) {
		return false
	}
	key, err := base64.StdEncoding.DecodeString(lines[0])
	return err == nil && len(key) == keyLen
}
