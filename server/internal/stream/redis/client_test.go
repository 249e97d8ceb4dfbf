package redis

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/redistest"
	"scalable-chat/server/internal/stream"
)

func TestClientOptions(t *testing.T) {
	for _, c := range []struct {
		options ClientOptions
		addrs   string
		user    string
		pass    string
		db      int
		tls     bool
	}{
		{options: ClientOptions{URL: "redis://one"}, addrs: "one:6379"},
		{options: ClientOptions{URL: "redis://one:7000/3"}, addrs: "one:7000", db: 3},
		{options: ClientOptions{URL: "rediss://default:p%40ss%2F@one:7000"}, addrs: "one:7000", user: "default", pass: "p@ss/", tls: true},
		{options: ClientOptions{URL: "valkeys://:secret@one"}, addrs: "one:6379", pass: "secret", tls: true},
		{options: ClientOptions{URL: "redis://one:1", Username: "u", Password: "p"}, addrs: "one:1", user: "u", pass: "p"},
		{options: ClientOptions{URL: "redis://a:b@one:1,two,[::1]:3/0"}, addrs: "one:1 two:6379 [::1]:3", user: "a", pass: "b"},
		{options: ClientOptions{URL: "redis://[::1]"}, addrs: "[::1]:6379"},
		{options: ClientOptions{URL: "redis://one,two/2", SentinelMaster: "chat"}, addrs: "one:6379 two:6379", db: 2},
		{options: ClientOptions{Host: "one"}, addrs: "one:6379"},
		{options: ClientOptions{Host: "::1", Port: "7", Username: "u", Password: "p", TLS: true}, addrs: "[::1]:7", user: "u", pass: "p", tls: true},
	} {
		u, err := c.options.universal()
		if err != nil {
			t.Errorf("%+v: %v", c.options, err)
			continue
		}
		if strings.Join(u.Addrs, " ") != c.addrs || u.Username != c.user || u.Password != c.pass || u.DB != c.db || (u.TLSConfig != nil) != c.tls {
			t.Errorf("%+v: addresses %v, user %q, password %q, db %d, TLS %v", c.options, u.Addrs, u.Username, u.Password, u.DB, u.TLSConfig != nil)
		}
	}
}

func TestClientOptionsRefused(t *testing.T) {
	noCertificate := filepath.Join(t.TempDir(), "ca.pem")
	noError(t, os.WriteFile(noCertificate, []byte("secret"), 0o600))
	for what, o := range map[string]ClientOptions{
		"nothing":             {},
		"URL and host":        {URL: "redis://one", Host: "one"},
		"no scheme":           {URL: "one:6379"},
		"other scheme":        {URL: "http://secret@one"},
		"bad escape":          {URL: "redis://:sec%ret@one"},
		"bad port":            {URL: "redis://:secret@one:x"},
		"no host":             {URL: "redis://:secret@"},
		"empty address":       {URL: "redis://:secret@one,,two"},
		"database":            {URL: "redis://:secret@one/x"},
		"negative database":   {URL: "redis://:secret@one/-1"},
		"parameters":          {URL: "redis://:secret@one?read_timeout=5s"},
		"fragment":            {URL: "redis://:secret@one#x"},
		"database in cluster": {URL: "redis://:secret@one,two/1"},
		"cluster of Sentinel": {URL: "redis://one", Cluster: true, SentinelMaster: "chat"},
		"CA without TLS":      {URL: "redis://:secret@one", CAFile: noCertificate},
		"no CA file":          {URL: "rediss://:secret@one", CAFile: noCertificate + ".gone"},
		"empty CA file":       {URL: "rediss://:secret@one", CAFile: noCertificate},
	} {
		client, err := NewClient(o)
		if err == nil {
			t.Errorf("%s was accepted", what)
			_ = client.Close()
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error shows the password: %v", what, err)
		}
	}
}

func TestClientKinds(t *testing.T) {
	for _, c := range []struct {
		options ClientOptions
		cluster bool
	}{
		{ClientOptions{URL: "redis://127.0.0.1:1"}, false},
		{ClientOptions{URL: "redis://127.0.0.1:1,127.0.0.1:2"}, true},
		{ClientOptions{URL: "redis://127.0.0.1:1", Cluster: true}, true},
		{ClientOptions{URL: "redis://127.0.0.1:1,127.0.0.1:2", SentinelMaster: "chat"}, false},
	} {
		client, err := NewClient(c.options)
		noError(t, err)
		if _, ok := client.(*redis.ClusterClient); ok != c.cluster {
			t.Errorf("%+v: client is a %T", c.options, client)
		}
		_ = client.Close()
	}
}

func TestTLSWithOwnCAAndPassword(t *testing.T) {
	server, caFile := redistest.StartTLS(t)
	server.CLI("ACL", "SETUSER", "chat", "on", ">geheim/@", "~*", "+@all")
	url := strings.Replace(server.URL(), "://", "://chat:geheim%2F%40@", 1)
	client, err := NewClient(ClientOptions{URL: url, CAFile: caFile})
	noError(t, err)
	s := openWith(t, client, Options{})
	put(t, s, "key", "over TLS")
	if entries := everything(t, s); len(entries) != 2 {
		t.Errorf("entries %v", entries)
	}

	for what, o := range map[string]ClientOptions{
		"system's CAs":   {URL: url},
		"wrong password": {URL: strings.Replace(url, "geheim", "falsch", 1), CAFile: caFile},
		"no TLS":         {URL: strings.Replace(url, "rediss", "redis", 1)},
	} {
		client, err := NewClient(o)
		noError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if err := client.Ping(ctx).Err(); err == nil {
			t.Errorf("%s: connected", what)
		}
		cancel()
		_ = client.Close()
	}
}

// TestHungRedisIsNoticed: a server that accepts connections and never answers fails every command in seconds.
func TestHungRedisIsNoticed(t *testing.T) {
	server := redistest.Start(t)
	client, err := NewClient(ClientOptions{URL: server.URL()})
	noError(t, err)
	s := openWith(t, client, Options{})
	put(t, s, "", "x")
	server.Stop()
	defer server.Cont()
	started := time.Now()
	if err := client.Ping(t.Context()).Err(); err == nil {
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
