package config

import (
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
)

// spellings are flags and the values that they mean; nil: no setting changes.
var spellings = map[string]any{
	"--port=:9000":       9000,
	`--port="9000"`:      9000,
	"--port= 9000 ":      9000,
	"--port=0":           0,
	"--message-rate=1_0": 10,

	"--host=*":                "",
	"--host=0.0.0.0":          "0.0.0.0",
	"--host=[::1]":            "::1",
	"--host=::":               "::",
	"--host=http://localhost": "localhost",

	"--history-bytes=16MiB":       16 << 20,
	"--history-bytes=16 mib":      16 << 20,
	"--max-body-bytes=2MB":        2_000_000,
	"--max-payload-bytes=128KiB":  128 << 10,
	"--max-payload-bytes=100_000": 100_000,

	"--dedupe-ttl=1.5h":             90 * time.Minute,
	"--dedupe-ttl=1h30m":            90 * time.Minute,
	"--dedupe-ttl=1 hour 30 min":    90 * time.Minute,
	"--dedupe-ttl=2d":               48 * time.Hour,
	"--dedupe-ttl=7 days":           7 * 24 * time.Hour,
	"--ping-interval=20 seconds":    20 * time.Second,
	"--ping-interval=20S":           20 * time.Second,
	"--ping-interval=30sec":         30 * time.Second,
	"--ping-interval=500 millis":    500 * time.Millisecond,
	"--drain-delay=0":               time.Duration(0),
	`--drain-timeout="1 minute"`:    time.Minute,
	"--connect-timeout='10 mins'  ": 10 * time.Minute,

	"--log-level=WARN":     slog.LevelWarn,
	"--log-level=Warning":  slog.LevelWarn,
	"--log-level=ERR":      slog.LevelError,
	"--log-format=JSON":    "json",
	"--LOG_FORMAT=json":    "json",
	"--redis-cluster=TRUE": nil,

	"--ops-addr=http://127.0.0.1:9100/": "127.0.0.1:9100",
	"--ops-addr=*:9100":                 ":9100",
	"--ops-addr=[::1]:9100":             "[::1]:9100",
	"--ops-addr=localhost:0":            "localhost:0",
	"--node-address=http://10.0.0.1:80": "10.0.0.1:80",
	"--node-address=node-1.internal:80": "node-1.internal:80",
	"--node-address=[10.0.0.1]:8000":    "10.0.0.1:8000", // as deploy/kubernetes writes it, for either family
	"--node-address=[fd00::5]:8000":     "[fd00::5]:8000",

	"--trusted-proxies=[::1] 10.0.0.0/8": []netip.Prefix{netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("10.0.0.0/8")},
	"--trusted-proxies=::ffff:10.0.0.1":  []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")},
	"--trusted-proxies=::ffff:a00:0/104": []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
}

// TestSpellings: spellings that people really write have their obvious meaning.
func TestSpellings(t *testing.T) {
	for flag, want := range spellings {
		t.Run(flag, func(t *testing.T) {
			clean(t)
			args := []string{flag}
			if want == nil {
				args = append(args, "--redis-url=redis://h")
			}
			got := mustLoad(t, args...)
			if want != nil && !holds(got, want) {
				t.Errorf("%v is nowhere in %+v", want, got)
			}
		})
	}
}

// holds reports whether a field of c is want.
func holds(c Config, want any) bool {
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		if f := v.Field(i); f.CanInterface() && reflect.DeepEqual(f.Interface(), want) {
			return true
		}
	}
	return false
}

func TestBooleans(t *testing.T) {
	for _, yes := range []string{"true", "TRUE", "1", "yes", "On", "y", "t", "enabled", `"true"`, ""} {
		clean(t)
		flag := "--redis-tls=" + yes
		if yes == "" {
			flag = "--redis-tls" // alone
		}
		assert.Equal(t, flag, mustLoad(t, "--redis-host=h", flag).Redis.TLS, true)
	}
	for _, no := range []string{"false", "FALSE", "0", "no", "OFF", "n", "f", "disabled"} {
		clean(t)
		assert.Equal(t, no, mustLoad(t, "--redis-host=h", "--redis-tls="+no).Redis.TLS, false)
	}
}

func TestOrigins(t *testing.T) {
	for written, want := range map[string]string{
		"file://":                                  "file://", // Electron
		"file:///":                                 "file://",
		"null":                                     "null",
		"HTTPS://Chat.Example.org":                 "https://chat.example.org",
		"https://chat.example.org:443":             "https://chat.example.org",
		"http://localhost:80":                      "http://localhost",
		"https://chat.example.org:8443":            "https://chat.example.org:8443",
		"http://[::1]:3000":                        "http://[::1]:3000",
		"http://localhost:*":                       "http://localhost:*",
		"https://*.example.org":                    "https://*.example.org",
		"app://.":                                  "app://.",
		"capacitor://localhost":                    "capacitor://localhost",
		"chrome-extension://abcdefghij":            "chrome-extension://abcdefghij",
		`"https://a.example", "https://b.example"`: "https://a.example https://b.example",
		"https://a.example\nhttps://b.example":     "https://a.example https://b.example",
		" https://a.example , ":                    "https://a.example",
	} {
		t.Run(written, func(t *testing.T) {
			clean(t)
			assert.Equal(t, "origins", strings.Join(mustLoad(t, "--allowed-origins="+written).AllowedOrigins, " "), want)
		})
	}
}

// refusedSpellings are flags that are refused, with the text of the refusal.
var refusedSpellings = map[string]string{
	"--allowed-origins=https://x.example/":      "write https://x.example, without a path",
	"--allowed-origins=https://x.example/chat":  "write https://x.example, without a path",
	"--allowed-origins=x.example":               "write https://x.example, or http://",
	"--allowed-origins=localhost:3000":          "write https://localhost:3000, or http://",
	"--allowed-origins=*.x.example":             "write https://*.x.example",
	"--allowed-origins=https://bücher.example":  "Punycode",
	"--allowed-origins=https://x.example:99999": "not an origin such as",
	"--allowed-origins=https://u@x.example":     "not an origin such as",
	"--allowed-origins=https://":                "not an origin such as",
	"--allowed-origins=http://[::1":             "not an origin such as",
	"--ping-interval=25":                        "write 25s or 25ms",
	"--ping-interval=1,5h":                      "such as 500ms",
	"--dedupe-ttl=9999999999999999999d":         "from 10ms to",
	"--dedupe-ttl=200000d":                      "from 10ms to",
	"--max-body-bytes=1 apple":                  "such as 65536, 64KiB or 1MB",
	"--max-body-bytes=99999999999999GB":         "such as 65536",
	"--max-body-bytes=-1":                       "such as 65536",
	"--host=127.0.0.1:8000":                     "write HOST=127.0.0.1 and PORT=8000",
	"--host=a b":                                "a host name or an IP address",
	"--host=https://x/y":                        "a host name or an IP address",
	"--ops-addr=9100":                           "write 127.0.0.1:9100",
	"--ops-addr=::1:9100":                       "host:port",
	"--ops-addr=localhost:http":                 "a number from 0 to 65535",
	"--node-address=10.0.0.1":                   "write 10.0.0.1:8000",
	"--node-address=fd00::5":                    "write [fd00::5]:8000",
	"--node-address=0.0.0.0:8000":               "other nodes connect to it",
	"--node-address=$(POD_IP):8000":             "a host name or an IP address",
	"--node-address=https://10.0.0.1:8000":      "without a scheme",
	"--trusted-proxies=10.0.0.1:80":             "nor an address such as 10.0.0.1",
	"--trusted-proxies=loopback":                "neither a network such as",
	"--redis-url=redis://h:0":                   "a port from 1 to 65535",
	"--redis-url=redis://h:70000":               "a port from 1 to 65535",
	"--redis-url=redis://::1:6379":              "IPv6 in brackets",
	"--redis-url=redis://:p@a,redis://:p@b":     "once, before the first host",
	"--redis-url=unix:///run/redis.sock":        "must begin with redis://",
	"--redis-host=u:p@h":                        "go into REDIS_URL",
	"--redis-host=a,b":                          "go into REDIS_URL",
	"--redis-host=h:6380 --redis-port=6381":     "a port that differs from REDIS_PORT",
	"--redis-host=ftp://h":                      "must begin with redis://",
	"--redis-host=h --redis-port=0":             "from 1 to 65535",
	"--redis-host=h --redis-port=http":          "from 1 to 65535",
	"--redis-host=-h":                           "a host name or an IP address",
	"--log-level=verbose":                       "debug, info, warn or error",
	"--port=eighty":                             "a whole number from 0 to 65535",
	"-port=80":                                  "two dashes",

	"--redis-url=redis://h --redis-cluster=maybe":                                               "auto, true or false",
	"--redis-url=redis://h/3 --redis-cluster=true":                                              "no database but 0",
	"--redis-url=redis://a,b --redis-cluster=false":                                             "REDIS_SENTINEL_MASTER",
	"--redis-url=redis://a --redis-cluster=yes --redis-sentinel-master=m":                       "no Sentinels",
	"--redis-url=redis://a --redis-sentinel-master=m --redis-sentinel-username=u":               "REDIS_SENTINEL_PASSWD: is missing",
	"--redis-sentinel-passwd=p":                                                                 "neither REDIS_URL nor REDIS_HOST",
	"--redis-cert-file=cert.pem":                                                                "neither REDIS_URL nor REDIS_HOST",
	"--redis-url=rediss://h --redis-cert-file=cert.pem":                                         "REDIS_KEY_FILE: is missing",
	"--redis-url=rediss://h --redis-key-file=key.pem":                                           "its certificate is not",
	"--redis-url=redis://h --redis-cert-file=cert.pem --redis-key-file=key.pem --redis-tls=no":  "needs TLS",
	"--redis-url=rediss://h --redis-cert-file=ca.pem --redis-key-file=key.pem":                  "does not match the certificate",
	"--redis-url=rediss://h --redis-cert-file=cert.pem --redis-key-file=cert.pem":               "does not match the certificate",
	"--redis-url=rediss://h --redis-cert=cert.pem --redis-key-file=key.pem":                     "a path belongs in REDIS_CERT_FILE",
	"--redis-url=rediss://h --redis-ca=ca.pem":                                                  "a path belongs in REDIS_CA_FILE",
	"--redis-url=rediss://h --redis-cert-file=cert.pem --redis-key-file=key.pem --redis-cert=x": "not both",
	"--redis-url=rediss://h --redis-cert-file=/nowhere --redis-key-file=key.pem":                "cannot be read",
}

// TestRefusalsSayWhatToWrite: unclear values are refused, in one line that says what to write.
func TestRefusalsSayWhatToWrite(t *testing.T) {
	for args, want := range refusedSpellings {
		t.Run(args, func(t *testing.T) {
			clean(t)
			list := strings.Fields(args)
			if !strings.Contains(args, " --") {
				list = []string{args}
			}
			got := problems(t, list...)
			if !strings.Contains(got[0], want) {
				t.Errorf("it does not say %q: %s", want, got[0])
			}
		})
	}
}

// TestKubernetesServiceLinks: the variables that Kubernetes sets for Services named redis and chatd never stop the start.
func TestKubernetesServiceLinks(t *testing.T) {
	clean(t)
	for name, value := range map[string]string{
		"REDIS_PORT":                          "tcp://10.96.0.7:6380",
		"REDIS_SERVICE_HOST":                  "10.96.0.7",
		"CHATD_PORT":                          "tcp://10.96.0.8:80",
		"CHATD_SERVICE_HOST":                  "10.96.0.8",
		"CHATD_SERVICE_PORT":                  "80",
		"CHATD_SERVICE_PORT_HTTP":             "80",
		"CHATD_PORT_80_TCP":                   "tcp://10.96.0.8:80",
		"CHATD_PORT_80_TCP_PROTO":             "tcp",
		"CHATD_PORT_80_TCP_PORT":              "80",
		"CHATD_PORT_80_TCP_ADDR":              "10.96.0.8",
		"CHATD_REDIS_MASTER_PORT":             "tcp://10.96.0.7:6379",
		"CHATD_REDIS_MASTER_SERVICE_PORT_TCP": "6379",
	} {
		t.Setenv(name, value)
	}
	c := mustLoad(t)
	assert.Equal(t, "port", c.Port, 8000)
	assert.Equal(t, "redis", c.Redis.Enabled(), false)
	warned(t, c, "REDIS_PORT: has no effect", "CHATD_PORT, CHATD_PORT_80_TCP, ")

	c = mustLoad(t, "--redis-url=redis://h:1")
	assert.Equal(t, "redis by its address", c.Redis.Addrs, []string{"h:1"})
	warned(t, c, "REDIS_PORT: has no effect beside REDIS_URL", "enableServiceLinks")

	assert.Equal(t, "the port of the Service", mustLoad(t, "--redis-host=h").Redis.Addrs, []string{"h:6380"})
	write(t, ".env", "REDIS_PORT=7000\n")
	assert.Equal(t, "the port that somebody wrote", mustLoad(t, "--redis-host=h").Redis.Addrs, []string{"h:7000"})
	t.Setenv("PORT", "9000")
	assert.Equal(t, "the port beside a link", mustLoad(t).Port, 9000)
	t.Setenv("CHATD_REDIS_PORT", "tcp://10.96.0.9:6390")
	assert.Equal(t, "redis beside two links", mustLoad(t, "--redis-host=h", "--redis-port=1").Redis.Addrs, []string{"h:1"})
}

// TestIdleSettingsAreIgnoredWithAWarning: a setting that has no meaning beside the others does not stop the start.
func TestIdleSettingsAreIgnoredWithAWarning(t *testing.T) {
	for args, want := range map[string]string{
		"--redis-url=redis://h --redis-port=6380":           "REDIS_PORT: has no effect beside REDIS_URL",
		"--redis-port=6380":                                 "REDIS_PORT: has no effect without Redis",
		"--stream-key=other":                                "STREAM_KEY: has no effect without Redis",
		"--node-address=10.0.0.1:8000":                      "NODE_ADDRESS: has no effect without Redis",
		"--cluster-secret=0123456789abcdef":                 "CLUSTER_SECRET: has no effect without Redis",
		"--append-timeout=5s":                               "APPEND_TIMEOUT: has no effect without Redis",
		"--redis-url=redis://h --data-dir=record":           "DATA_DIR: has no effect beside Redis",
		"--redis-url=redis://h --retention-age=1d":          "RETENTION_AGE: has no effect beside Redis",
		"--data-dir=off --retention-bytes=1GB":              "RETENTION_BYTES: has no effect with DATA_DIR=off",
		"--room-ttl=1d":                                     "ROOM_TTL: has no effect with DATA_DIR",
		"--message-rate=0 --message-burst=5":                "MESSAGE_BURST: has no effect with MESSAGE_RATE=0",
		"--redis-url=redis://h --redis-sentinel-passwd=p":   "REDIS_SENTINEL_PASSWD: has no effect without REDIS_SENTINEL_MASTER",
		"--redis-url=redis://h --redis-sentinel-username=p": "REDIS_SENTINEL_USERNAME: has no effect without REDIS_SENTINEL_MASTER",
		`--redis-url=redis://h --redis-passwd="secret"`:     "REDIS_PASSWD: begins and ends with a quote",
	} {
		t.Run(args, func(t *testing.T) {
			clean(t)
			c := mustLoad(t, strings.Fields(args)...)
			assert.Equal(t, "warnings", len(c.Warnings), 1)
			warned(t, c, want)
		})
	}
	clean(t)
	assert.Equal(t, "without any", len(mustLoad(t).Warnings), 0)
}

func warned(t *testing.T, c Config, want ...string) {
	t.Helper()
	all := strings.Join(c.Warnings, "\n")
	for _, w := range want {
		if !strings.Contains(all, w) {
			t.Errorf("no warning says %q:\n%s", w, all)
		}
	}
}
