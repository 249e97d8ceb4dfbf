package app

import (
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/issuer"
)

// TestP11_WhoIsMutedIsMutedEverywhere: on every connection, in every room, under every name, and whatever a client says of itself.
func TestP11_WhoIsMutedIsMutedEverywhere(t *testing.T) {
	i := issuer.New(t, "ec")
	a := start(t, strict(t, i)...)
	watch, _ := come(t, a, "/", "token", i.Token(t, "ec", claims("watcher", time.Hour, ours)))
	for _, name := range []string{"Ada", "watcher", "Somebody new"} {
		muted := i.Token(t, "ec", claims("ada", time.Hour, ours+`,"name":"`+name+`","rooms":{"*":"read","/":"read"}`))
		for _, namespace := range []string{"/", "/rooms/cats"} {
			r, m := come(t, a, namespace, "token", muted, "username", "Another", "rooms", map[string]string{"*": "write"})
			assert.Equal(t, name+" may read in "+namespace, m.Code, "")
			for _, event := range []string{`["event:message",{"message":"evaded","username":"Another"}]`, `["typing",{"username":"Another","typing":true}]`} {
				assert.NoError(t, r.write("42"+addressed(namespace)+"7"+event))
				r.until(t, "43"+addressed(namespace)+`7[{"status":"error","code":"forbidden"`)
			}
			r.close()
		}
	}
	assert.Equal(t, "the next message", watch.says(t, "/").From, "watcher")
	assert.Equal(t, "nothing is stored", strings.Contains(a.stored(t), "evaded"), false)
}
