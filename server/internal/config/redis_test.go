package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
)

// testAuthority is a self-signed certificate made for this test; nobody holds its key.
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
		"REDIS://h":                {Addrs: []string{"h:6379"}},
		"valkey://h:1":             {Addrs: []string{"h:1"}},
		"valkeys://h:1":            {Addrs: []string{"h:1"}, TLS: true},
		"tcp://10.96.0.7:6379":     {Addrs: []string{"10.96.0.7:6379"}},
		`"redis://h:1"`:            {Addrs: []string{"h:1"}},
		"redis://a:1, b:2 ,c:3":    {Addrs: []string{"a:1", "b:2", "c:3"}},
		"redis://:p@a:1,redis://b": {Addrs: []string{"a:1", "b:6379"}, Username: "default", Password: "p"},
		"rediss://default:p@x.y:1": {Addrs: []string{"x.y:1"}, Username: "default", Password: "p", TLS: true},
	} {
		t.Run(args, func(t *testing.T) {
			clean(t)
			assert.Equal(t, "redis", mustLoad(t, "--redis-url="+args).Redis, want)
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
	assert.Equal(t, "redis", c.Redis, want)
	assert.Equal(t, "TLS", c.Redis.TLSConfig() != nil, true)
}

// TestRedisHostAsPeopleWriteIt: people also copy the host from an address.
func TestRedisHostAsPeopleWriteIt(t *testing.T) {
	for host, want := range map[string]Redis{
		"redis.example.org":      {Addrs: []string{"redis.example.org:6379"}},
		"redis_1":                {Addrs: []string{"redis_1:6379"}},
		" 10.0.0.5 ":             {Addrs: []string{"10.0.0.5:6379"}},
		"::1":                    {Addrs: []string{"[::1]:6379"}},
		"[::1]":                  {Addrs: []string{"[::1]:6379"}},
		"[::1]:6380":             {Addrs: []string{"[::1]:6380"}},
		"h:6380":                 {Addrs: []string{"h:6380"}},
		"redis://h":              {Addrs: []string{"h:6379"}},
		"rediss://h:6380/":       {Addrs: []string{"h:6380"}, TLS: true},
		"tcp://10.96.0.7:6379":   {Addrs: []string{"10.96.0.7:6379"}},
		`'redis.example.org'`:    {Addrs: []string{"redis.example.org:6379"}},
		"fd12:3456:789a::1":      {Addrs: []string{"[fd12:3456:789a::1]:6379"}},
		"redis://[fd00::1]:7000": {Addrs: []string{"[fd00::1]:7000"}},
	} {
		t.Run(host, func(t *testing.T) {
			clean(t)
			assert.Equal(t, "redis", mustLoad(t, "--redis-host="+host).Redis, want)
		})
	}
}

func TestRedisCredentialsBesideTheAddress(t *testing.T) {
	clean(t)
	c := mustLoad(t, "--redis-url=redis://u@h", "--redis-passwd=p")
	assert.Equal(t, "redis", c.Redis, Redis{Addrs: []string{"h:6379"}, Username: "u", Password: "p"})
	assert.Equal(t, "TLS", c.Redis.TLSConfig() == nil, true)
}

// testCert and testKey go together.
var testCert, testKey = newPair()

func newPair() (cert, key string) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	certDER, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		panic(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		panic(err)
	}
	encode := func(kind string, der []byte) string {
		return strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
	}
	return encode("CERTIFICATE", certDER), encode("PRIVATE KEY", keyDER)
}

// TestPEMAsPeoplePasteIt: platforms with single-line input fields mangle PEM in these ways.
func TestPEMAsPeoplePasteIt(t *testing.T) {
	for name, change := range map[string]func(string) string{
		"as it is":         func(s string) string { return s },
		"with \\n":         func(s string) string { return strings.ReplaceAll(s, "\n", `\n`) },
		"with \\r\\n":      func(s string) string { return strings.ReplaceAll(s, "\n", `\r\n`) },
		"on one line":      func(s string) string { return strings.ReplaceAll(s, "\n", " ") },
		"with CRLF":        func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"in base64":        func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"in double quotes": func(s string) string { return `"` + strings.ReplaceAll(s, "\n", `\n`) + `"` },
	} {
		t.Run(name, func(t *testing.T) {
			clean(t)
			r := mustLoad(t, "--redis-url=rediss://h", "--redis-ca="+change(testAuthority), "--redis-cert="+change(testCert), "--redis-key="+change(testKey)).Redis
			conf := r.TLSConfig()
			assert.Equal(t, "authorities", conf.RootCAs != nil, true)
			assert.Equal(t, "certificates", len(conf.Certificates), 1)
		})
	}
}

// TestNoRefusalRepeatsASecret: a secret may be in any setting by mistake.
func TestNoRefusalRepeatsASecret(t *testing.T) {
	for _, args := range [][]string{
		{"--redis-url=rediss://h", "--redis-cert-file=cert.pem", "--redis-key-file=" + testKey},
		{"--redis-url=rediss://h", "--redis-ca-file=" + testKey},
		{"--redis-url=rediss://h", "--redis-cert=" + testCert, "--redis-key=" + testKey + "s3cret", "--redis-key-file=key.pem"},
		{"--redis-host=redis://user:s3cret@h"},
		{"--redis-url=http://user:s3cret@h"},
		{"--redis-port=s3cret@1", "--redis-host=user:s3cret@h", "--cluster-secret=s3cret"},
	} {
		clean(t)
		_, err := Load(args)
		if err == nil {
			t.Fatalf("%.60q is taken", args)
		}
		said := strings.ReplaceAll(err.Error(), `"s3cret@1"`, "") // a port is no place for a secret
		if strings.Contains(said, "s3cret") || strings.Contains(said, "BEGIN") {
			t.Errorf("the error contains a secret: %v", err)
		}
	}
}

func TestClientCertificateFromFiles(t *testing.T) {
	clean(t)
	r := mustLoad(t, "--redis-url=rediss://h", "--redis-cert-file=cert.pem", "--redis-key-file=key.pem").Redis
	assert.Equal(t, "certificates", len(r.TLSConfig().Certificates), 1)
	assert.Equal(t, "authorities", r.TLSConfig().RootCAs == nil, true)
}

func TestSentinelsHaveCredentialsOfTheirOwn(t *testing.T) {
	clean(t)
	r := mustLoad(t, "--redis-url=redis://u:p@a:1,b:2", "--redis-sentinel-master=m", "--redis-sentinel-username=w", "--redis-sentinel-passwd=s").Redis
	assert.Equal(t, "redis", r, Redis{
		Addrs: []string{"a:1", "b:2"}, Username: "u", Password: "p",
		SentinelMaster: "m", SentinelUsername: "w", SentinelPassword: "s",
	})
}
