package adapter

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/stream/memory"
	"scalable-chat/server/internal/test/assert"
)

// keyring knows users by their keys, and makes private ids that name them.
type keyring map[string]string

// identify is an [engineio.Options.Identify].
func (k keyring) identify(_ context.Context, s *engineio.Session, c engineio.Connect) error {
	var payload struct{ Key string }
	_ = json.Unmarshal(c.Payload, &payload)
	id := k[payload.Key]
	if id == "" {
		return &engineio.Refusal{Code: "no_key", Message: "Not on " + c.Namespace}
	}
	s.SetPass(c.Namespace, auth.Fixed(auth.Identity{ID: id}))
	return nil
}

func (keyring) PrivateID(who auth.Identity) string      { return who.ID + "." + rand.Text() }
func (keyring) Owns(who auth.Identity, pid string) bool { return strings.HasPrefix(pid, who.ID+".") }

// withKeys makes a node answer each event with the id of its socket's user.
func withKeys(s *setup, edge *engineio.Options) {
	keys := keyring{"k1": "Ada", "k2": "Bob"}
	edge.Identify = keys.identify
	binding := Binding{PrivateIDs: keys, Client: func(_ *socket.Socket, by *auth.Speaker) Client {
		return handler(func(_ context.Context, _ string, _ []any, ack func(...any)) bool {
			ack(by.Identity().ID)
			return true
		})
	}}
	s.Binding, s.others = binding, binding
}

func newKeyed(t *testing.T) *peer {
	return newPeer(t, memory.New(memory.Options{}), nil, nil, withKeys)
}

// keyed is the payload of a CONNECT with a key.
func keyed(key, pid, offset string) string {
	text, _ := json.Marshal(map[string]string{"key": key, "pid": pid, "offset": offset})
	return string(text)
}

func TestP11_TheSpeakerOfEachConnectGoesToItsClient(t *testing.T) {
	p := newKeyed(t)
	for key, id := range map[string]string{"k1": "Ada", "k2": "Bob"} {
		c := p.dial("/", keyed(key, "", ""))
		c.send(`421["who",1]`)
		c.want(`431["` + id + `"]`)
		again := p.dial("/", keyed(key, c.pid, c.offset))
		assert.Equal(t, "sid after a recovery", again.sid, c.sid)
		again.send(`421["who",1]`)
		again.want(`431["` + id + `"]`)
	}
}

func TestP11_NobodyRecoversWithThePrivateIDOfAnother(t *testing.T) {
	p := newKeyed(t)
	ada := p.dial("/", keyed("k1", "", ""))
	bob := p.dial("/", keyed("k2", ada.pid, ada.offset))
	assert.Equal(t, "the id of another", bob.sid == ada.sid || bob.pid == ada.pid, false)
	assert.Equal(t, "recovered", p.hub.Recovered(bob.socket()), false)
	ada.send(`421["who",1]`) // it was not closed
	ada.want(`431["Ada"]`)
	forged := p.dial("/", keyed("k1", "a secret", ada.offset))
	assert.Equal(t, "a private id that is none", forged.sid == ada.sid, false)
}

func TestP11_ARefusedConnectHasACodeAndRecoversNothing(t *testing.T) {
	p := newKeyed(t)
	c := p.dial("/", keyed("k1", "", ""))
	stranger := p.dial("/", keyed("k2", "", ""))
	for _, payload := range []string{``, `{}`, keyed("k3", "", ""), keyed("", c.pid, c.offset), `{"connect":{"sent":"k1"}}`} {
		stranger.send("40/rooms/x," + payload)
		stranger.want(`44/rooms/x,{"data":{"code":"no_key"},"message":"Not on /rooms/x"}`)
	}
	c.send(`421["who",1]`)
	c.want(`431["Ada"]`)
	assert.Equal(t, "ids that are claimed", p.restored(), 0)
}

func TestP11_APassHoldsInNamespacesOfAPattern(t *testing.T) {
	p := newKeyed(t)
	p.io.Of(regexp.MustCompile("^/rooms/"), nil)
	for range 2 { // the first one makes the namespace
		c := p.dial("/", keyed("k2", "", ""))
		c.send("40/rooms/a," + keyed("k1", "", ""))
		assert.Equal(t, "answer", strings.HasPrefix(c.receive(), "40/rooms/a,"), true)
		c.send(`42/rooms/a,1["who",1]`)
		c.want(`43/rooms/a,1["Ada"]`)
		c.send(`421["who",1]`)
		c.want(`431["Bob"]`)
	}
}
