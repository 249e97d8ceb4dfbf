package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
)

// clean gives a test an empty working directory at the root of a repository and an environment without settings.
func clean(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	t.Chdir(dir)
	if err := os.Mkdir(".git", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, s := range settings(&Config{}, &redisParts{}) {
		t.Setenv(s.key, "")
		t.Setenv(Prefix+s.key, "")
	}
	write(t, "ca.pem", testAuthority)
	write(t, "cert.pem", testCert)
	write(t, "key.pem", testKey)
	return dir
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func mustLoad(t *testing.T, args ...string) Config {
	t.Helper()
	c, err := Load(args)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// problems loads what must be refused and returns the lines of the message.
func problems(t *testing.T, args ...string) []string {
	t.Helper()
	_, err := Load(args)
	var p Problems
	if !errors.As(err, &p) {
		t.Fatalf("got %v instead of problems", err)
	}
	return p
}

// sample is a value for each key that differs from the default, and the other settings that it needs.
type sample struct {
	value string
	with  string // flags
}

var samples = map[string]sample{
	"PORT":                     {value: "9000"},
	"HOST":                     {value: "127.0.0.1"},
	"TLS_CERT_FILE":            {value: "cert.pem", with: "--tls-key-file=key.pem"},
	"TLS_KEY_FILE":             {value: "key.pem", with: "--tls-cert-file=cert.pem"},
	"PROXY_PROTOCOL":           {value: "true", with: "--trusted-proxies=10.0.0.0/8"},
	"NODE_PORT":                {value: "8001", with: "--redis-url=redis://h"},
	"REDIS_URL":                {value: "rediss://user:p%40ss@redis.example:6390/2"},
	"REDIS_HOST":               {value: "redis.example"},
	"REDIS_PORT":               {value: "6380", with: "--redis-host=h"},
	"REDIS_USERNAME":           {value: "someone", with: "--redis-url=redis://:p@h"},
	"REDIS_PASSWD":             {value: "p@ss,wörd", with: "--redis-host=h"},
	"REDIS_TLS":                {value: "true", with: "--redis-host=h"},
	"REDIS_CA_FILE":            {value: "ca.pem", with: "--redis-url=rediss://h"},
	"REDIS_CA":                 {value: strings.ReplaceAll(testAuthority, "\n", `\n`), with: "--redis-url=rediss://h"},
	"REDIS_CERT_FILE":          {value: "cert.pem", with: "--redis-url=rediss://h --redis-key-file=key.pem"},
	"REDIS_CERT":               {value: strings.ReplaceAll(testCert, "\n", `\n`), with: "--redis-url=rediss://h --redis-key-file=key.pem"},
	"REDIS_KEY_FILE":           {value: "key.pem", with: "--redis-url=rediss://h --redis-cert-file=cert.pem"},
	"REDIS_KEY":                {value: strings.ReplaceAll(testKey, "\n", `\n`), with: "--redis-url=rediss://h --redis-cert-file=cert.pem"},
	"REDIS_CLUSTER":            {value: "true", with: "--redis-url=redis://h"},
	"REDIS_SENTINEL_MASTER":    {value: "mymaster", with: "--redis-url=redis://a:1,b:2"},
	"REDIS_SENTINEL_USERNAME":  {value: "watcher", with: "--redis-url=redis://a:1,b:2 --redis-sentinel-master=m --redis-sentinel-passwd=p"},
	"REDIS_SENTINEL_PASSWD":    {value: "p@ss", with: "--redis-url=redis://a:1,b:2 --redis-sentinel-master=m"},
	"STREAM_KEY":               {value: "other"},
	"HISTORY_WINDOW":           {value: "500"},
	"HISTORY_BYTES":            {value: "2000000"},
	"DATA_DIR":                 {value: "/var/lib/chat"},
	"RETENTION_AGE":            {value: "365 days"},
	"RETENTION_BYTES":          {value: "1GiB"},
	"HISTORY_MAX":              {value: "7"},
	"DEDUPE_MAX":               {value: "5000"},
	"ROOMS":                    {value: "team-*, general, random"},
	"ROOMS_LISTED":             {value: "lobby, random"},
	"MAX_ROOMS":                {value: "100"},
	"MAX_ROOMS_PER_CONNECTION": {value: "3"},
	"ROOM_WINDOW":              {value: "200"},
	"ROOMS_BYTES":              {value: "16MiB"},
	"ROOM_TTL":                 {value: "2 days"},
	"AUTH":                     {value: "guest, jwt", with: "--auth-jwt-secret=0123456789abcdef0123456789abcdef"},
	"GUESTS":                   {value: "read"},
	"AUTH_SECRET":              {value: "0123456789abcdef0123456789abcdef, fedcba9876543210fedcba9876543210"},
	"AUTH_JWT_SECRET":          {value: "0123456789abcdef0123456789abcdef", with: "--auth=jwt"},
	"AUTH_JWKS_URL":            {value: "https://issuer.example/keys", with: "--auth=jwt"},
	"AUTH_JWKS_FILE":           {value: "keys.json", with: "--auth=jwt"},
	"AUTH_JWT_ISSUER":          {value: "https://issuer.example/", with: "--auth=jwt --auth-jwks-file=keys.json"},
	"AUTH_JWT_AUDIENCE":        {value: "chat", with: "--auth=jwt --auth-jwks-file=keys.json"},
	"AUTH_JWT_ID":              {value: "user_id", with: "--auth=jwt --auth-jwks-file=keys.json"},
	"ALLOWED_ORIGINS":          {value: "https://chat-*-team.vercel.app, http://localhost:3000"},
	"TRUSTED_PROXIES":          {value: "10.1.2.3/8, 192.168.1.1, fd00::/8"},
	"MAX_MESSAGE_CHARS":        {value: "100"},
	"MESSAGE_RATE":             {value: "0"},
	"MESSAGE_BURST":            {value: "3"},
	"ADDRESS_RATE":             {value: "20"},
	"MAX_PAYLOAD_BYTES":        {value: "100000"},
	"MAX_BODY_BYTES":           {value: "2000000"},
	"MAX_CONNECTIONS":          {value: "10"},
	"MAX_CONNECTIONS_PER_IP":   {value: "5"},
	"CONNECT_TIMEOUT":          {value: "1s"},
	"PING_INTERVAL":            {value: "300ms"},
	"PING_TIMEOUT":             {value: "200ms"},
	"UPGRADE_TIMEOUT":          {value: "1m"},
	"KEEP_ALIVE_TIMEOUT":       {value: "620s"},
	"APPEND_TIMEOUT":           {value: "2s"},
	"DEDUPE_TTL":               {value: "1h"},
	"DRAIN_DELAY":              {value: "0s"},
	"DRAIN_TIMEOUT":            {value: "1s"},
	"API_KEYS":                 {value: "0123456789abcdef0123456789abcdef, fedcba9876543210fedcba9876543210"},
	"OPS_ADDR":                 {value: "127.0.0.1:9100"},
	"NODE_ADDRESS":             {value: "10.0.0.1:8000"},
	"CLUSTER_SECRET":           {value: "0123456789abcdef"},
	"LOG_LEVEL":                {value: "debug"},
	"LOG_FORMAT":               {value: "json"},
}

// TestEveryKeyFromEverySource checks that no source forgets a key: each source alone has the same effect, and
// the stronger one wins.
func TestEveryKeyFromEverySource(t *testing.T) {
	for _, s := range settings(&Config{}, &redisParts{}) {
		t.Run(s.key, func(t *testing.T) {
			sample, ok := samples[s.key]
			if !ok {
				t.Fatal("no sample value")
			}
			clean(t)
			args := strings.Fields(sample.with)
			plain, _ := Load(args)
			flag := "--" + flagName(s.key) + "="
			want := mustLoad(t, append(args, flag+sample.value)...)
			if reflect.DeepEqual(without(plain), without(want)) {
				t.Fatal("the flag changes nothing but the log")
			}
			write(t, ".env", s.key+"='"+sample.value+"'\n")
			assert.Equal(t, "file", mustLoad(t, args...), want)

			write(t, ".env", s.key+"=file\n")
			t.Setenv(s.key, sample.value)
			assert.Equal(t, "environment", mustLoad(t, args...), want)

			t.Setenv(s.key, "variable")
			t.Setenv(Prefix+s.key, sample.value)
			assert.Equal(t, "environment with prefix", mustLoad(t, args...), want)

			t.Setenv(Prefix+s.key, "prefixed variable")
			assert.Equal(t, "flag", mustLoad(t, append(args, flag+sample.value)...), want)
		})
	}
}

// without is c as the program sees it.
func without(c Config) Config {
	c.shown = nil
	return c
}

func TestNoSamplesWithoutSetting(t *testing.T) {
	assert.Equal(t, "samples", len(samples), len(settings(&Config{}, &redisParts{})))
}

func TestExampleListsEveryKeyWithItsDefault(t *testing.T) {
	example, err := filepath.Abs("../../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	clean(t)
	defaults := mustLoad(t)
	assert.Equal(t, "loaded", mustLoad(t, "--config", example), defaults)
	var want, got []string
	for _, s := range settings(&Config{}, &redisParts{}) {
		want = append(want, s.key+"="+s.def)
	}
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			got = append(got, line)
		}
	}
	assert.Equal(t, "lines", strings.Join(got, "\n"), strings.Join(want, "\n"))
	if n := len(regexp.MustCompile(`(?m)^# .+\n[A-Z_]+=`).FindAllString(string(content), -1)); n != len(want) {
		t.Errorf("%d of %d settings are explained", n, len(want))
	}
}

func TestAllProblemsInOneMessage(t *testing.T) {
	clean(t)
	write(t, ".env", "PROT=1\nPING_TIMEOUT=20\nNEXT_PUBLIC_SERVER_URL=https://x.example\nHOME=/\n")
	t.Setenv("MESSAGE_RATE", "fast")
	t.Setenv(Prefix+"PORTS", "1")
	got := strings.Join(problems(t, "--log-level=loud", "--max-payload-bytes=2048", "--redis-passwd=s3cret"), "\n")
	for _, want := range []string{
		".env: PROT is not a setting", ".env: HOME is not a setting", "environment: CHATD_PORTS is not a setting",
		"PING_TIMEOUT: must be a duration with its unit", `(it is "20")`, "MESSAGE_RATE: must be a whole number",
		"LOG_LEVEL: must be debug", "MAX_PAYLOAD_BYTES: 2048 is too small", "REDIS_PASSWD: is set, but neither",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("not mentioned: %s", want)
		}
	}
	if n := strings.Count(got, "\n") + 1; n != 8 {
		t.Errorf("%d problems instead of 8", n)
	}
	if strings.Contains(got, "s3cret") {
		t.Error("a password is in the log")
	}
	t.Log(got)
}

// The web app reads the same file: it repeats a message by itself for that long, whatever the server's setting.
func TestLIM8_DedupeTTLIsAtLeastWhatClientsRelyOn(t *testing.T) {
	text, err := os.ReadFile("../../../protocol/fixtures/limits.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct{ MinDedupeMs int64 }
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	clean(t)
	least := time.Duration(golden.MinDedupeMs) * time.Millisecond
	assert.Equal(t, "the least", mustLoad(t, "--dedupe-ttl="+least.String()).DedupeTTL, least)
	for _, short := range []time.Duration{time.Minute, least - time.Millisecond} {
		got := problems(t, "--dedupe-ttl="+short.String())
		if len(got) != 1 || !strings.Contains(got[0], "DEDUPE_TTL") || !strings.Contains(got[0], "less than 10m0s") {
			t.Errorf("%v: %q", short, got)
		}
	}
}

func TestBadValues(t *testing.T) {
	for _, args := range []string{
		"--port=-1", "--port=65536", "--port=http", "--port=8000.5", "--ping-interval=25", "--ping-interval=0s", "--dedupe-ttl=-1s",
		"--redis-url=http://h", "--redis-url=h:6379", "--redis-url=redis://", "--redis-url=redis://h:port", "--redis-url=redis://h/x",
		"--redis-url=redis://a,,b", "--redis-url=redis://u:%zz@h", "--redis-url=redis://h/0?x=1", "--redis-url=redis://a:1,b:2/3",
		"--redis-url=redis://h --redis-host=h", "--redis-tls=maybe", "--redis-url=redis://u@h", "--redis-tls",
		"--redis-url=rediss://h --redis-ca=nonsense", "--redis-url=rediss://h --redis-ca-file=/nowhere",
		"--redis-url=rediss://h --redis-ca-file=ca.pem --redis-ca=x", "--redis-host=h --redis-ca-file=ca.pem",
		"--stream-key={x}", "--history-window=49", "--ping-timeout=99ms", "--history-max=20000", "--history-window=100", "--history-bytes=100000",
		"--allowed-origins=https://x.example/", "--allowed-origins=x.example", "--allowed-origins=,", "--trusted-proxies=10.0.0.0/33", "--trusted-proxies=proxy",
		"--max-message-chars=20000", "--max-body-bytes=10000", "--max-connections=1 --max-connections-per-ip=2", "--dedupe-ttl=15s", "--append-timeout=61s",
		"--ops-addr=9100", "--ops-addr=:8000", "--ops-addr=127.0.0.1:8000", "--node-address=10.0.0.1", "--node-address=:8000", "--node-address=host:0", "--max-message-chars=100001",
		"--cluster-secret=short", "--rooms=a/b", "--rooms=,", "--rooms=..", "--rooms=team-* --rooms-listed=general", "--rooms-listed=a*", "--max-rooms=0",
		"--max-rooms-per-connection=1001", "--room-window=49", "--rooms-bytes=100000", "--room-ttl=30", "--room-ttl=5m", "--room-ttl=4000d",
		"--log-level=trace", "--log-format=xml", "--no-such-flag", "argument", "--config=/nowhere/.env", "--config",
	} {
		t.Run(args, func(t *testing.T) {
			clean(t)
			if n := len(problems(t, strings.Fields(args)...)); n != 1 {
				t.Errorf("%d problems", n)
			}
		})
	}
}

func TestFileIsFoundUpwardsInsideTheRepository(t *testing.T) {
	dir := clean(t)
	write(t, filepath.Join(dir, ".env"), "PORT=1\n")
	write(t, filepath.Join(dir, "a/b/c"), "")
	t.Chdir(filepath.Join(dir, "a/b"))
	assert.Equal(t, "two above", mustLoad(t).Port, 1)
	write(t, filepath.Join(dir, "a/.env"), "PORT=2\n")
	assert.Equal(t, "the nearest", mustLoad(t).Port, 2)
	write(t, filepath.Join(dir, "a/b/.git"), "gitdir: elsewhere\n")
	assert.Equal(t, "not beyond the repository", mustLoad(t).Port, 8000)
	assert.Equal(t, "the one that is named", mustLoad(t, "--config", "../.env").Port, 2)
}

func TestBadFileLineIsNumberedNotQuoted(t *testing.T) {
	clean(t)
	write(t, ".env", "PORT=1\n\nREDIS_PASSWD s3cret\n")
	got := problems(t)
	if len(got) != 1 || !strings.Contains(got[0], "line 3") || strings.Contains(got[0], "s3cret") {
		t.Errorf("%q", got)
	}
}

func TestHelpAndVersionAreNoErrors(t *testing.T) {
	clean(t)
	t.Setenv("PORT", "bad")
	for flag, want := range map[string]error{"--help": ErrHelp, "-h": ErrHelp, "--version": ErrVersion} {
		_, err := Load([]string{flag})
		assert.Equal(t, flag, err, want)
	}
	usage := Usage()
	for _, s := range settings(&Config{}, &redisParts{}) {
		if !strings.Contains(usage, "--"+flagName(s.key)) || s.help == "" {
			t.Errorf("%s is not explained", s.key)
		}
	}
}

func TestLogTellsSettingsWithoutSecrets(t *testing.T) {
	clean(t)
	c := mustLoad(t, "--redis-url=rediss://user:s3cret@redis.example:6390", "--cluster-secret=s3cret0123456789", "--redis-ca="+testAuthority, "--port=9000")
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("configured", "settings", c)
	line := out.String()
	for _, want := range []string{"settings.PORT=9000", "redis.example:6390", "settings.PING_INTERVAL=25s", `settings.CLUSTER_SECRET=***`} {
		if !strings.Contains(line, want) {
			t.Errorf("%q is not logged", want)
		}
	}
	if strings.Contains(line, "s3cret") || strings.Contains(line, "BEGIN") {
		t.Errorf("a secret is logged: %s", line)
	}
	out.Reset()
	c = mustLoad(t, "--redis-host=h", "--redis-passwd=s3cret")
	slog.New(slog.NewJSONHandler(&out, nil)).Info("configured", "settings", c)
	if strings.Contains(out.String(), "s3cret") {
		t.Errorf("a secret is logged: %s", out.String())
	}
}

func TestLogSeparatesSettingsThatDifferFromTheDefaults(t *testing.T) {
	clean(t)
	c := mustLoad(t, "--port=9000", "--ping-timeout=20s", "--redis-host=h", "--redis-passwd=s3cret")
	print := func(v slog.Value) string {
		var out bytes.Buffer
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "config", v)
		_, attrs, _ := strings.Cut(strings.TrimSpace(out.String()), "msg=x")
		return strings.TrimSpace(attrs)
	}
	assert.Equal(t, "changed", print(c.Changed()), "config.PORT=9000 config.REDIS_HOST=h config.REDIS_PASSWD=***")
	rest := print(c.Defaults())
	for _, unwanted := range []string{"config.PORT=", "config.REDIS_HOST=", "s3cret"} {
		if strings.Contains(rest, unwanted) {
			t.Errorf("the defaults have %s", unwanted)
		}
	}
	assert.Equal(t, "number of settings", len(c.Changed().Group())+len(c.Defaults().Group()), len(c.LogValue().Group()))
	assert.Equal(t, "nothing is changed", print(mustLoad(t).Changed()), "")
}

func TestTheKeyOfAdminIsNoSetting(t *testing.T) {
	clean(t)
	t.Setenv(AdminKey, "s3cret")
	warnings := mustLoad(t).Warnings
	if len(warnings) != 1 || !strings.Contains(warnings[0], "API_KEYS") || strings.Contains(warnings[0], "s3cret") {
		t.Errorf("%q", warnings)
	}
	if got := problems(t, "--api-keys=s3cret"); len(got) != 1 || strings.Contains(got[0], "s3cret") {
		t.Errorf("%q", got)
	}
}

func TestEmptyMeansDefault(t *testing.T) {
	clean(t)
	write(t, ".env", "PORT=\nREDIS_URL=redis://h\n")
	assert.Equal(t, "file", mustLoad(t).Port, 8000)
	assert.Equal(t, "flag", mustLoad(t, "--redis-url=").Redis.Enabled(), false)
}
