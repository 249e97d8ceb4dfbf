//go:build unix

package admission

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/issuer"
)

// processor is the time that this process has had of all processors.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	assert.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure runs what one connect costs. The metric cpu-ns/op does not depend on what else the machine does.
func measure(b *testing.B, name string, connect func()) {
	b.Run(name, func(b *testing.B) {
		i, before := 0, processor(b)
		for ; b.Loop(); i++ {
			connect()
		}
		b.ReportMetric(float64(processor(b)-before)/float64(i), "cpu-ns/op")
	})
}

// BenchmarkIdentity is what it costs to know who connects: from the payload of the first CONNECT of a connection to its private id.
func BenchmarkIdentity(b *testing.B) {
	i := issuer.New(b, "a")
	file := filepath.Join(b.TempDir(), "keys.json")
	assert.NoError(b, os.WriteFile(file, i.JWKS(b), 0o600))
	keys, err := auth.NewKeyFile(file)
	assert.NoError(b, err)
	tokens, err := auth.NewTokens(auth.TokenOptions{Keys: keys})
	assert.NoError(b, err)
	guests, err := auth.NewGuests(strings.Repeat("secret of guests", 2))
	assert.NoError(b, err)
	policy := &auth.Policy{Guests: guests, GuestRight: auth.Write, Tokens: tokens}
	door := New(Options{Authenticator: policy})
	connect := func(payload []byte) {
		s := &visit{}
		assert.NoError(b, door.identify(b.Context(), s, engineio.Connect{Namespace: "/", Payload: payload}))
		policy.PrivateID(s.passes["/"].(*auth.Speaker).Identity())
	}
	measure(b, "guest", func() { connect([]byte("{}")) })
	again := fmt.Appendf(nil, `{"pid":%q,"offset":"1-1"}`, guests.Credential("~AAAAAAAAAAAAAAAA"))
	measure(b, "guest who returns", func() { connect(again) })

	unseen := make([][]byte, 12_000) // more than are remembered
	for n := range unseen {
		unseen[n] = fmt.Appendf(nil, `{"token":%q}`, i.Token(b, "a", fmt.Sprintf(`{"sub":"user%d","exp":%d}`, n, time.Now().Add(time.Hour).Unix())))
	}
	next := 0
	measure(b, "ES256", func() { connect(unseen[next%len(unseen)]); next++ })
	measure(b, "ES256 remembered", func() { connect(unseen[0]) })
	key := i.Keys["a"].(*ecdsa.PrivateKey)
	digest := sha256.Sum256(unseen[0])
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	assert.NoError(b, err)
	measure(b, "ES256 raw verification", func() { ecdsa.VerifyASN1(&key.PublicKey, digest[:], signature) })
}
