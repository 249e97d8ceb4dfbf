package adapter

import (
	"context"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/test/assert"
)

// keyring admits clients that know one of its keys, and names them.
type keyring map[string]string

func (k keyring) Authenticate(_ context.Context, c auth.Connect) (auth.Identity, error) {
	payload, _ := c.Payload.(map[string]any)
	key, _ := payload["key"].(string)
	switch name := k[key]; {
	case key == "panic":
		panic(key)
	case name == "":
		return auth.Identity{}, &auth.Refusal{Code: "no_key", Message: "Not on " + c.Namespace}
	default:
		return auth.Identity{Name: name}, nil
	}
}

// withKeys answers each event with the name of its socket's identity.
func withKeys(b *Binding) {
	b.Authenticator = keyring{"k1": "Ada", "k2": "Bob"}
	b.Client = func(_ *socket.Socket, who auth.Identity) Client {
		return handler(func(_ context.Context, _ string, _ []any, ack func(...any)) bool {
			ack(who.Name)
			return true
		})
	}
}

func TestP11_TheIdentityOfEachConnectGoesToItsClient(t *testing.T) {
	n := newNode(t, nil, func(o *setup) { withKeys(&o.Binding) })
	for key, name := range map[string]string{"k1": "Ada", "k2": "Bob"} {
		f, g := n.join(`{"key":"` + key + `"}`)
		f.send(`21["who",1]`)
		f.want(t, `31["`+name+`"]`)
		again, back := n.join(`{"key":"` + key + `","pid":"` + g.Pid + `","offset":"` + g.Offset + `"}`)
		assert.Equal(t, "sid after a recovery", back.Sid, g.Sid)
		again.send(`21["who",1]`)
		again.want(t, `31["`+name+`"]`)
	}
}

func TestP11_ARefusedConnectHasACodeAndRecoversNothing(t *testing.T) {
	var recoveries atomic.Int64
	n := newNode(t, nil, func(o *setup) {
		withKeys(&o.Binding)
		o.Hooks.Recovered = func(bool) { recoveries.Add(1) }
	})
	f, g := n.join(`{"key":"k1"}`)
	for _, payload := range []string{`{}`, `{"key":"k3"}`, back(g.Pid, g.Offset), `{"connect":{"identity":"k1"}}`} {
		stranger := n.open()
		stranger.send("0" + payload)
		stranger.want(t, `4{"data":{"code":"no_key"},"message":"Not on /"}`)
		stranger.send("0" + `{"key":"k2"}`) // it may try again on the same connection
		stranger.next(t)
	}
	stranger := n.open()
	stranger.send(`0{"key":"panic"}`)
	if p := stranger.next(t); !strings.HasPrefix(p, `4{"data":{"code":"unauthorized"}`) {
		t.Errorf("an authenticator that panics: %s", p)
	}
	assert.Equal(t, "panics", n.hub.Stats().Panics, 1)
	assert.Equal(t, "recoveries", recoveries.Load(), 0)
	assert.Equal(t, "the connection whose id was claimed", f.ReadyState(), "open")
	assert.Equal(t, "ids that are claimed", n.restored(), 0)
}

func TestP11_ARefusalHoldsInNamespacesOfAPattern(t *testing.T) {
	n := newNode(t, nil, func(o *setup) { withKeys(&o.others) })
	n.io.Of(regexp.MustCompile("^/rooms/"), nil)
	for range 2 { // the first one makes the namespace
		f := n.open()
		f.send(`0/rooms/a,{"key":"k1"}`)
		f.next(t)
		f.send(`2/rooms/a,1["who",1]`)
		f.want(t, `3/rooms/a,1["Ada"]`)
		stranger := n.open()
		stranger.send(`0/rooms/a,{}`)
		assert.Eventually(t, "the stranger is turned away", func() bool { return stranger.ReadyState() == "closed" })
	}
	stranger := n.open()
	stranger.send(`0/rooms/b,{}`)
	assert.Eventually(t, "the stranger is turned away", func() bool { return stranger.ReadyState() == "closed" })
}
