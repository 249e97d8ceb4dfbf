package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

func TestClientKinds(t *testing.T) {
	one, two := []string{"127.0.0.1:1"}, []string{"127.0.0.1:1", "127.0.0.1:2"}
	for _, c := range []struct {
		options         ClientOptions
		cluster, refuse bool
	}{
		{options: ClientOptions{Addrs: one, DB: 3}},
		{options: ClientOptions{Addrs: two}, cluster: true},
		{options: ClientOptions{Addrs: one, SentinelMaster: "chat"}},
		{options: ClientOptions{Addrs: two, SentinelMaster: "chat", DB: 3}},
		{options: ClientOptions{}, refuse: true},
		{options: ClientOptions{Addrs: two, DB: 3}, refuse: true},
	} {
		client, err := NewClient(c.options)
		if (err != nil) != c.refuse {
			t.Errorf("%+v: error %v", c.options, err)
		}
		if err != nil {
			continue
		}
		if _, ok := client.(*redis.ClusterClient); ok != c.cluster {
			t.Errorf("%+v: client is a %T", c.options, client)
		}
		_ = client.Close()
	}
}

func TestTLSWithOwnCAAndPassword(t *testing.T) {
	server, caFile := redistest.StartTLS(t)
	server.CLI("ACL", "SETUSER", "chat", "on", ">geheim/@", "~*", "&*", "+@all")
	pem, err := os.ReadFile(caFile)
	assert.NoError(t, err)
	trusted := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	trusted.RootCAs.AppendCertsFromPEM(pem)

	options := ClientOptions{Addrs: []string{server.Addr}, Username: "chat", Password: "geheim/@", TLSConfig: trusted}
	s := openAt(t, options, Options{})
	put(t, s, "key", "over TLS")
	if entries := everything(t, s); len(entries) != 2 {
		t.Errorf("entries %v", entries)
	}

	for what, change := range map[string]func(*ClientOptions){
		"the system's CAs": func(o *ClientOptions) { o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12} },
		"a wrong password": func(o *ClientOptions) { o.Password = "falsch" },
		"no TLS":           func(o *ClientOptions) { o.TLSConfig = nil },
	} {
		other := options
		change(&other)
		client, err := NewClient(other)
		assert.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if err := client.Ping(ctx).Err(); err == nil {
			t.Errorf("connected with %s", what)
		}
		cancel()
		_ = client.Close()
	}
}

// TestHungRedisIsNoticed: a server that accepts connections and never answers fails every command in seconds.
func TestHungRedisIsNoticed(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.Addr, Options{})
	put(t, s, "", "x")
	server.Stop()
	defer server.Cont()
	started := time.Now()
	if err := s.opts.Client.Ping(t.Context()).Err(); err == nil {
		t.Error("a hung server answered")
	}
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("it took %v to notice", took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	started = time.Now()
	if _, err := s.Last(ctx, stream.Offset{}, 1); err == nil || time.Since(started) > time.Second {
		t.Errorf("Last: %v after %v, want the end of ctx", err, time.Since(started))
	}
}
