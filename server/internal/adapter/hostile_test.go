package adapter

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/bus"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

func TestP6_ClusterRequestsAreBounded(t *testing.T) {
	f, nodes := newPeers(t, 2)
	f.losing(kindFetch)
	errs := make(chan error, maxRequests+1)
	for range maxRequests + 1 {
		nodes[0].io.FetchSockets()(func(_ []*socket.RemoteSocket, err error) { errs <- err })
	}
	if err := await(t, "refusal", errs); !errors.Is(err, ErrTooManyRequests) {
		t.Errorf("one too many: %v", err)
	}
	// The requests of other nodes are bounded, too.
	release, busy := make(chan struct{}), make(chan struct{})
	b := nodes[1].dial("/", "")
	assert.NoError(t, b.socket().On("disconnect", func(...any) {
		close(busy)
		<-release
	}))

	nodes[0].io.In(b.room).DisconnectSockets(false)
	await(t, "busy", busy)
	for range inboxCalls + 10 {
		assert.NoError(t, nodes[0].io.To("r").Emit("x"))
	}
	assert.Eventually(t, "dropped", func() bool { return nodes[1].hub.Stats().BusUnheard == 10 })
	close(release)
	nodes[0].hub.requests.mu.Lock()
	assert.Equal(t, "pending", len(nodes[0].hub.requests.open), maxRequests)
	nodes[0].hub.requests.mu.Unlock()
}

func TestP6_HostileBusMessagesDoNoHarm(t *testing.T) {
	f, nodes := newPeers(t, 2)
	assert.NoError(t, nodes[0].io.On("connection", func(args ...any) { _ = args[0].(*socket.Socket) }))
	a := nodes[0].dial("/", "")
	// A pending request, whose id anyone could guess.
	f.losing(kindFetch)
	nodes[0].io.FetchSockets()(func([]*socket.RemoteSocket, error) {})
	for _, payload := range hostile {
		nodes[0].hub.receive("stranger", []byte(payload))
	}
	nodes[0].hub.receive("stranger", []byte(`{"k":"emit","n":"/","a":["`+strings.Repeat("x", bus.MaxPayload)+`"]}`))
	nodes[0].hub.receive("stranger", []byte(`{"k":"emit","n":"/","a":["still alive"]}`))
	for a.receive() != `42["still alive",null]` {
	}
	assert.Eventually(t, "counted", func() bool { return nodes[0].hub.Stats().BusMalformed > 15 })
	assert.Equal(t, "panics", nodes[0].hub.Stats().Panics, 0)
}

var hostile = []string{
	``, `null`, `[]`, `{}`, `{"k":"emit"}`, `{"k":"emit","a":null}`, `{"k":"emit","a":{}}`, `{"k":"emit","a":[]}`,
	`{"k":"emit","a":[1]}`, `{"k":"emit","a":["x"`, `{"k":"emit","n":"/","a":["x"],"b":[null,"","AA=="]}`,
	`{"k":"emit","n":"/","a":["x"],"b":["?"]}`, `{"k":"emit","n":"/nowhere","a":["x"]}`, `{"k":"emit","n":"/","r":[""],"a":["x"]}`,
	`{"k":"ask","n":"/","a":["x"]}`, `{"k":"ask","n":"/","i":1,"w":-5,"a":["x"]}`,
	`{"k":"ask","n":"/","i":1,"w":9223372036854775807,"a":["x"]}`, `{"k":"ask","n":"/nowhere","i":1,"a":["x"]}`,
	`{"k":"join","n":"/","c":["",null]}`, `{"k":"leave","n":"/","c":[]}`, `{"k":"disconnect","n":"/","r":["nobody"]}`,
	`{"k":"fetch","n":"/"}`, `{"k":"fetch","n":"/nowhere","i":1}`, `{"k":"fetch","n":"/","i":18446744073709551615}`,
	`{"k":"query","n":"/"}`, `{"k":"query","n":"/nowhere","i":1}`, `{"k":"query","n":"/","i":18446744073709551615,"a":{}}`,
	`{"k":"server","n":"/"}`, `{"k":"server","n":"/","a":["connection",{}]}`, `{"k":"server","n":"/","a":["new_namespace"]}`,
	`{"k":"server","n":"/","i":1,"a":["x"]}`, `{"k":"server","n":"/nowhere","i":1,"a":["x"]}`,
	`{"k":"asked","i":1,"m":-1}`, `{"k":"asked","i":1,"m":9223372036854775807}`, `{"k":"asked","i":1}`, `{"k":"asked","i":9}`,
	`{"k":"ack","i":1,"a":[]}`, `{"k":"ack","i":1,"a":{}}`, `{"k":"ack","a":[]}`, `{"k":"reply","i":1,"a":[1],"l":true}`,
	`{"k":"sockets","i":1,"s":[null]}`, `{"k":"sockets","i":1,"p":-1}`, `{"k":"sockets","i":1,"p":9223372036854775807,"l":true}`,
	`{"k":"sockets","i":1,"s":[{"i":1}]}`, `{"k":"sockets","i":1,"s":[{"i":"a","h":{"headers":5}}]}`, `{"k":"x"}`,
	`{"k":"together"}`, `{"k":"together","n":"/","t":[]}`, `{"k":"together","n":"/","t":[null]}`, `{"k":"together","n":"/nowhere","t":[{"k":"emit","a":["x"]}]}`,
	`{"k":"together","n":"/","t":[{"k":"emit","a":["x"]},{"k":"emit"}]}`, `{"k":"together","n":"/","t":[{"k":"disconnect"}]}`,
	`{"k":"together","n":"/","t":[{"k":"together","t":[{"k":"emit","a":["x"]}]}]}`, `{"k":"together","n":"/","t":[{"k":"emit","r":["",null],"a":["x"]}]}`,
	`{"k":"emit","n":"/","a":` + strings.Repeat("[", 20_000) + `}`,
}

func FuzzBusMessages(f *testing.F) {
	for _, seed := range hostile {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		m, err := decodeMessage(payload)
		if err != nil {
			return
		}
		if m.window() < 0 || m.window() > maxWindow {
			t.Errorf("window %v", m.window())
		}
		if m.Kind == kindEmit || m.Kind == kindAsk {
			id := uint64(7)
			e := m.event("/x", &id)
			if len(e.packet.Data.([]any)) == 0 || !wire.IsEventArgs(e.args) || !json.Valid(e.args) {
				t.Errorf("%q became %q", payload, e.text)
			}
		}
		m.appendDetails(nil)
		m.values()
	})
}
