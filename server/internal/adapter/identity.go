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

// The private id of a socket is a secret that its client presents to recover. The public id is a hash of it: a client that
// reconnects keeps its id on any node, although no node stores it, and nobody can take an id without the secret.
//
// The library calls RestoreSession only if CONNECT names a private id and an offset, and makes up both ids otherwise. So in
// a namespace that recovers, the adapter shows it every CONNECT with both.

// unnamed stands for an offset that the client did not name.
const unnamed = "-"

// connectKey is the key of a [connect] in the payload until the socket is admitted. No client can forge one: JSON decodes
// to no value of that type.
const connectKey = "connect"

// connect is what the adapter keeps of a CONNECT before the library sees it.
type connect struct {
	sent any // the payload
}

// identify makes a CONNECT name a private id and an offset. It sees every packet before the library does.
func (h *Hub) identify(p *parser.Packet, pass any) {
	if p.Type != parser.CONNECT {
		return
	}
	if n := h.namespaceOf(p.Nsp); n != nil && n.follows() {
		p.Data = n.identify(p.Data, speaking(pass).Identity())
	}
}

// speaking is the speaker that the edge has for a CONNECT. Without [engineio.Options.Identify] it is nobody.
func speaking(pass any) *auth.Speaker {
	if s, ok := pass.(*auth.Speaker); ok {
		return s
	}
	return nobody
}

var nobody = auth.Fixed(auth.Identity{})

// identify returns the payload that replaces the client's before the library sees it. The library passes the private id and the
// offset on to RestoreSession: the new private id is in front of the one that the client asks for, if it may.
func (n *namespace) identify(sent any, who auth.Identity) map[string]any {
	ids, at := n.newPrivateID(who), unnamed
	if payload, ok := sent.(map[string]any); ok {
		pid, _ := payload["pid"].(string)
		offset, _ := payload["offset"].(string)
		if pid != "" && offset != "" {
			at = offset
			if n.owns(who, pid) {
				ids += " " + pid
			}
		}
	}
	return map[string]any{connectKey: connect{sent}, "pid": ids, "offset": at}
}

// newPrivateID makes a private id that nobody can guess.
func (n *namespace) newPrivateID(who auth.Identity) string {
	if ids := n.binding.PrivateIDs; ids != nil {
		return ids.PrivateID(who)
	}
	return rand.Text()
}

// owns reports whether the user may recover with a private id.
func (n *namespace) owns(who auth.Identity, pid string) bool {
	if ids := n.binding.PrivateIDs; ids != nil {
		return ids.Owns(who, pid)
	}
	return len(pid) <= maxPrivateID
}

// restorePayload puts the client's payload back into the handshake.
func restorePayload(h *socket.Handshake) {
	if payload, ok := h.Auth.(map[string]any); ok {
		if c, ok := payload[connectKey].(connect); ok {
			h.Auth = c.sent
		}
	}
}

// publicID derives the public id from a private one. It differs in each namespace: the library forgets one of two sockets of
// a connection that have the same id.
func (n *namespace) publicID(pid socket.PrivateSessionId) socket.SocketId {
	secret := "socket id of " + string(pid)
	if name := n.nsp.Name(); name != "/" {
		secret = "socket id in " + name + "\x00" + string(pid)
	}
	sum := sha256.Sum256([]byte(secret))
	return socket.SocketId(base64.RawURLEncoding.EncodeToString(sum[:15]))
}

// restoration is what the adapter knows of a socket between RestoreSession and its admission.
type restoration struct {
	recovered bool
	at        fanout.Cursor // if it was
	failed    error         // the record could not be read
}

// claim reserves an id for a socket that is about to be made. The library knows a socket by its id alone. So claim waits, for
// a bounded time each, until no other CONNECT claims the id, and until an old socket with that id is gone: a client that was
// cut off twice in a row leaves them behind. It is false if they do not go in time.
func (n *namespace) claim(id socket.SocketId) bool {
	claimed := n.waitUntil(func() bool {
		_, taken := n.restored.LoadOrStore(id, restoration{})
		return !taken
	})
	if !claimed {
		return false
	}
	old := n.members.get(id)
	if old == nil {
		return true
	}
	old.conn.Close(true)
	if n.waitUntil(func() bool { return n.isGone(id, old) }) {
		return true
	}
	n.restored.Delete(id)
	return false
}

// waitUntil looks again and again whether a condition is met, less and less often: a client may come with one private id a
// thousand times at once. It gives up after [claimWait], and when the hub closes.
func (n *namespace) waitUntil(met func() bool) bool {
	waited := time.Duration(0)
	for look := claimLook; waited < claimWait; look = min(2*look, mostLook) {
		if met() {
			return true
		}
		if pace.Sleep(n.hub.life, look) != nil {
			break
		}
		waited += look
	}
	return false
}

// isGone reports whether the library is finished with a socket. The library forgets the socket's rooms first, then the
// socket, and last clears its connected flag.
func (n *namespace) isGone(id socket.SocketId, old *member) bool {
	_, known := n.nsp.Sockets().Load(id)
	return !known && n.members.get(id) == nil && !old.socket.Connected()
}

// Recovered reports whether a socket of this node continues where an earlier connection of its client ended. The library's
// own Recovered does not tell: it is true for every socket.
func (h *Hub) Recovered(s *socket.Socket) bool {
	n := h.namespaceOf(s.Nsp().Name())
	if n == nil {
		return false
	}
	m := n.members.get(s.Id())
	return m != nil && m.socket == s && !m.recovered.IsZero()
}
