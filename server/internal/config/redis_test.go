package config

import "testing"

// testAuthority is a self-signed certificate made for this test; nobody holds its key any more.
const testAuthority = `-----BEGIN CERTIFICATE-----
MIIBiDCCAS+gAwIBAgIUBfULJbQhBMDJMCv0GH3yL4lT8aQwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOdGVzdCBhdXRob3JpdHkwIBcNMjYxMTI0MjE1NTAwWhgPMjEy
NjEwMzEyMTU1MDBaMBkxFzAVBgNVBAMMDnRlc3QgYXV0aG9yaXR5MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEcmE4cyR/id+7VCP0FNGYIwNlHbm599s9S1dvri8w
7wD82zG/HpjJIOm8y5HMY0qqahX56NrcsMAH0UNt37PYL6NTMFEwHQYDVR0OBBYE
FHJ6V19Gu4D5DAWk4MRDQgnCDAGTMB8GA1UdIwQYMBaAFHJ6V19Gu4D5DAWk4MRD
QgnCDAGTMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgCCKlpBqM
gTuVClaNDvrZaT3tGiywDjSwsDD7y71CqssCIGClWA2qJhkrWfNyRrjfIA05XVOL
BB3b6jUAe/G55Qij
-----END CERTIFICATE-----`

func TestRedisAddresses(t *testing.T) {
	for args, want := range map[string]Redis{
		"":                         {},
		"redis://h":                {Addrs: []string{"h:6379"}},
		"redis://h:1/":             {Addrs: []string{"h:1"}},
		"redis://h:1/5":            {Addrs: []string{"h:1"}, DB: 5},
		"rediss://[::1]:6390":      {Addrs: []string{"[::1]:6390"}, TLS: true},
		"redis://:p@h":             {Addrs: []string{"h:6379"}, Username: "default", Password: "p"},
		"redis://u:a%2Fb%40c@h":    {Addrs: []string{"h:6379"}, Username: "u", Password: "a/b@c"},
		"redis://u:a@b@h":          {Addrs: []string{"h:6379"}, Username: "u", Password: "a@b"},
		"redis://u:p@a:1,b:2,c":    {Addrs: []string{"a:1", "b:2", "c:6379"}, Username: "u", Password: "p"},
		"rediss://default:p@x.y:1": {Addrs: []string{"x.y:1"}, Username: "default", Password: "p", TLS: true},
	} {
		t.Run(args, func(t *testing.T) {
			clean(t)
			equal(t, "redis", mustLoad(t, "--redis-url="+args).Redis, want)
		})
	}
}

func TestRedisFromTheOriginalsVariables(t *testing.T) {
	clean(t)
	t.Setenv("REDIS_HOST", "redis.example")
	t.Setenv("REDIS_PORT", "12345")
	t.Setenv("REDIS_PASSWD", "a$b@c")
	t.Setenv("REDIS_TLS", "true")
	want := Redis{Addrs: []string{"redis.example:12345"}, Username: "default", Password: "a$b@c", TLS: true}
	c := mustLoad(t)
	equal(t, "redis", c.Redis, want)
	equal(t, "TLS", c.Redis.TLSConfig() != nil, true)
}

func TestRedisCredentialsBesideTheAddress(t *testing.T) {
	clean(t)
	c := mustLoad(t, "--redis-url=redis://u@h", "--redis-passwd=p")
	equal(t, "redis", c.Redis, Redis{Addrs: []string{"h:6379"}, Username: "u", Password: "p"})
	equal(t, "TLS", c.Redis.TLSConfig() == nil, true)
}
