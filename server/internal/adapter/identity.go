package adapter

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

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

// payloadKey is where the payload that the client sent is kept until the socket is admitted.
const payloadKey = "payload"

type payload struct{ sent any }

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

// identify lets CONNECT name a private id and an offset, and keeps what the client sent beside them.
func (h *Hub) identify(args ...any) {
	p, ok := args[0].(*parser.Packet)
	if !ok || p.Type != parser.CONNECT || !h.recovers(p.Nsp) {
		return
	}
	named := map[string]any{payloadKey: payload{p.Data}, "pid": unnamed, "offset": unnamed}
	if auth, ok := p.Data.(map[string]any); ok {
		pid, _ := auth["pid"].(string)
		offset, _ := auth["offset"].(string)
		if pid != "" && offset != "" {
			named["pid"], named["offset"] = pid, offset
		}
	}
	p.Data = named
}

// recovers reports whether clients of that namespace can recover.
func (h *Hub) recovers(name string) bool {
	found, ok := h.namespaces.Load(name)
	return ok && found.(*namespace).follows()
}

// unwrap gives the handshake of a socket the payload that the client sent.
func unwrap(s *socket.Socket) {
	if named, ok := s.Handshake().Auth.(map[string]any); ok {
		if p, ok := named[payloadKey].(payload); ok {
			s.Handshake().Auth = p.sent
		}
	}
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
	found, ok := h.namespaces.Load(s.Nsp().Name())
	if !ok {
		return false
	}
	m := found.(*namespace).members.get(s.Id())
	return m != nil && m.socket == s && m.recovered
}
