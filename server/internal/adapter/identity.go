package adapter

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/pace"
)

// The private id of a socket is a secret that its client shows to recover. The id that everybody sees is a hash of it: a
// client that comes back keeps its id on any node, although nothing is stored, and nobody takes an id without the secret.
//
// The library makes up both ids unless CONNECT names a private id and an offset; only then does it ask RestoreSession. So
// what it sees of every CONNECT of a namespace that recovers names both.

// unnamed stands for a private id, or an offset, that the client did not name.
const unnamed = "-"

// connectKey is where a [connect] is kept in the payload until the socket is admitted. No client can forge it: JSON makes
// no value of that type.
const connectKey = "connect"

// connect is what is known of a CONNECT before the library sees it.
type connect struct {
	sent     any // the payload
	identity auth.Identity
	refusal  *auth.Refusal
}

// identifying is a parser whose decoders complete CONNECT.
type identifying struct {
	parser.Parser
	hub *Hub
}

// NewDecoder makes a decoder whose packets pass [Hub.identify] before the library gets them.
func (p identifying) NewDecoder() parser.Decoder {
	d := p.Parser.NewDecoder()
	_ = d.On("decoded", p.hub.identify)
	return d
}

// identify finds out whom a CONNECT speaks for, and lets it name a private id and an offset.
func (h *Hub) identify(args ...any) {
	p, ok := args[0].(*parser.Packet)
	if !ok || p.Type != parser.CONNECT {
		return
	}
	if n := h.namespaceOf(p.Nsp); n != nil && (n.follows() || n.binding.Authenticator != nil) {
		p.Data = n.identify(p.Data)
	}
}

// identify returns the payload that the library gets in place of the one that the client sent. A client that is refused
// recovers nothing.
func (n *namespace) identify(sent any) map[string]any {
	c := n.authenticate(sent)
	payload := map[string]any{connectKey: c}
	if !n.follows() {
		return payload
	}
	payload["pid"], payload["offset"] = unnamed, unnamed
	if auth, ok := sent.(map[string]any); ok && c.refusal == nil {
		pid, _ := auth["pid"].(string)
		offset, _ := auth["offset"].(string)
		if pid != "" && offset != "" {
			payload["pid"], payload["offset"] = pid, offset
		}
	}
	return payload
}

// authenticate asks whom a payload speaks for.
func (n *namespace) authenticate(sent any) connect {
	c := connect{sent: sent}
	if n.binding.Authenticator == nil {
		return c
	}
	c.refusal = &auth.Refusal{Code: auth.Unauthorized, Message: "The credentials could not be checked."} // unless it answers
	n.hub.protect("authenticator", func() {
		c.identity, c.refusal = n.binding.Authenticator.Authenticate(auth.Connect{Namespace: n.nsp.Name(), Payload: sent})
	})
	return c
}

// connectOf returns what is known of a socket's CONNECT, and gives the handshake the payload that the client sent. The
// CONNECT that creates a namespace of a pattern did not pass [namespace.identify]: nobody was asked yet.
func (n *namespace) connectOf(s *socket.Socket) connect {
	if payload, ok := s.Handshake().Auth.(map[string]any); ok {
		if c, ok := payload[connectKey].(connect); ok {
			s.Handshake().Auth = c.sent
			return c
		}
	}
	return n.authenticate(s.Handshake().Auth)
}

// newPrivateID makes a private id that nobody guesses.
func newPrivateID() socket.PrivateSessionId { return socket.PrivateSessionId(rand.Text()) }

// publicID is the id that goes with a private one.
func publicID(pid socket.PrivateSessionId) socket.SocketId {
	sum := sha256.Sum256([]byte("socket id of " + pid))
	return socket.SocketId(base64.RawURLEncoding.EncodeToString(sum[:15]))
}

// restoration is what is known of a socket between RestoreSession and its admission.
type restoration struct {
	recovered bool
	at        fanout.Cursor // if it was
}

// claim takes an id for a socket that is about to be made. The library knows a socket by its id alone, so one that has it
// still, because the server does not know yet that its connection is dead, has to be gone first. It is false if somebody
// else claims the id, or the old socket does not go.
func (n *namespace) claim(id socket.SocketId) bool {
	if _, taken := n.restored.LoadOrStore(id, restoration{}); taken {
		return false
	}
	old := n.members.get(id)
	if old == nil {
		return true
	}
	old.conn.Close(true)
	for waited := time.Duration(0); waited < claimWait; waited += claimLook {
		if n.isGone(id, old) {
			return true
		}
		if pace.Sleep(n.hub.life, claimLook) != nil {
			break
		}
	}
	n.restored.Delete(id)
	return false
}

// isGone reports whether the library has nothing more to do with a socket. It forgets the socket's rooms first, then the
// socket, and says last that it is not connected.
func (n *namespace) isGone(id socket.SocketId, old *member) bool {
	_, known := n.nsp.Sockets().Load(id)
	return !known && n.members.get(id) == nil && !old.socket.Connected()
}

// Recovered reports whether a socket of this node goes on where an earlier connection of its client ended. The library's
// own Recovered is of no use: it takes every socket for one that does.
func (h *Hub) Recovered(s *socket.Socket) bool {
	n := h.namespaceOf(s.Nsp().Name())
	if n == nil {
		return false
	}
	m := n.members.get(s.Id())
	return m != nil && m.socket == s && m.recovered
}
