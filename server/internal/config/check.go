package config

import (
	"fmt"
	"net"
	"strconv"
	"time"
)

// maxEscape is the largest number of bytes that JSON needs for one character: \u0000.
const maxEscape = 6

// minDedupe is the time that clients rely on without being told (LIM-8): that long, they retry a message automatically.
const minDedupe = 10 * time.Minute

// contradictions returns a problem for each pair of values that are valid alone but not together. Values that were refused
// are not compared.
func (c *Config) contradictions(refused map[string]bool) []string {
	var problems []string
	check := func(key, other string, ok bool, format string, args ...any) {
		if !ok && !refused[key] && !refused[other] {
			problems = append(problems, key+": "+fmt.Sprintf(format, args...))
		}
	}
	// Event name, field names, username and id at their longest take less than 2 KiB.
	largest := c.MaxMessageChars*maxEscape + 2048
	check("MAX_PAYLOAD_BYTES", "MAX_MESSAGE_CHARS", c.MaxPayloadBytes >= largest,
		"%d is too small for a message of MAX_MESSAGE_CHARS=%d, which can take %d", c.MaxPayloadBytes, c.MaxMessageChars, largest)
	check("MAX_BODY_BYTES", "MAX_PAYLOAD_BYTES", c.MaxBodyBytes >= c.MaxPayloadBytes,
		"%d is smaller than MAX_PAYLOAD_BYTES=%d", c.MaxBodyBytes, c.MaxPayloadBytes)
	// A slow reader may fall back by half a window; that should be many messages, even of the largest size.
	check("HISTORY_BYTES", "MAX_PAYLOAD_BYTES", c.HistoryBytes >= 16*c.MaxPayloadBytes,
		"%d is less than 16 packets of MAX_PAYLOAD_BYTES=%d", c.HistoryBytes, c.MaxPayloadBytes)
	check("HISTORY_MAX", "HISTORY_WINDOW", c.HistoryMax <= c.HistoryWindow,
		"%d is more than HISTORY_WINDOW=%d", c.HistoryMax, c.HistoryWindow)
	check("DEDUPE_TTL", "DEDUPE_TTL", c.DedupeTTL >= minDedupe,
		"%v is less than %v, for which clients send a message again by themselves, so it may be said twice", c.DedupeTTL, minDedupe)
	// A room of this size holds as many packets as the global one must.
	check("ROOMS_BYTES", "MAX_PAYLOAD_BYTES", c.Rooms.Bytes >= 16*c.MaxPayloadBytes,
		"%d is less than 16 packets of MAX_PAYLOAD_BYTES=%d", c.Rooms.Bytes, c.MaxPayloadBytes)
	check("ROOM_TTL", "DEDUPE_TTL", c.Rooms.TTL >= c.DedupeTTL,
		"%v is less than DEDUPE_TTL=%v, so a message sent again could be said twice", c.Rooms.TTL, c.DedupeTTL)
	check("RETENTION_AGE", "DEDUPE_TTL", c.RetentionAge == 0 || c.RetentionAge >= c.DedupeTTL,
		"%v is less than DEDUPE_TTL=%v, so a message sent again could be said twice", c.RetentionAge, c.DedupeTTL)
	check("MAX_CONNECTIONS_PER_IP", "MAX_CONNECTIONS", c.MaxConnectionsPerIP <= c.MaxConnections,
		"%d is more than MAX_CONNECTIONS=%d", c.MaxConnectionsPerIP, c.MaxConnections)
	check("OPS_ADDR", "PORT", !c.opsIsPublic(), "%s is the public port", c.OpsAddr)
	check("NODE_ADDRESS", "NODE_PORT", c.NodeAddress == "" || c.NodePort != 0 || !c.OwnNodePort(),
		"PORT does not speak plain HTTP, so other nodes need NODE_PORT")
	check("NODE_PORT", "PORT", c.NodePort == 0 || c.NodePort != c.Port || !c.TLS() && !c.ProxyProtocol,
		"%d is the public port, where other nodes would have to speak TLS or PROXY", c.NodePort)
	return problems
}

// idle returns a warning for each setting that was given but has no effect beside the others.
func (c *Config) idle(given map[string]bool, r redisParts) []string {
	var warnings []string
	check := func(key string, used bool, why string) {
		if given[key] && !used {
			warnings = append(warnings, key+": has no effect "+why)
		}
	}
	with := c.Redis.Enabled()
	const needsRedis = "without Redis; set REDIS_URL or REDIS_HOST to share the room with other nodes"
	check(redisPort, r.host != "" || r.url != "", needsRedis)
	check(redisPort, r.url == "", "beside REDIS_URL, which holds the port")
	check("REDIS_SENTINEL_USERNAME", !with || c.Redis.SentinelMaster != "", "without REDIS_SENTINEL_MASTER")
	check("REDIS_SENTINEL_PASSWD", !with || c.Redis.SentinelMaster != "", "without REDIS_SENTINEL_MASTER")
	for _, key := range []string{"STREAM_KEY", "APPEND_TIMEOUT", "NODE_PORT", "NODE_ADDRESS", "CLUSTER_SECRET"} {
		check(key, with, needsRedis)
	}
	c.idleRecord(check)
	for _, key := range []string{"ROOMS_LISTED", "MAX_ROOMS", "MAX_ROOMS_PER_CONNECTION", "ROOM_WINDOW", "ROOMS_BYTES", "ROOM_TTL"} {
		check(key, c.Rooms.Enabled(), "with ROOMS=off")
	}
	for _, key := range []string{"AUTH_JWT_SECRET", "AUTH_JWKS_URL", "AUTH_JWKS_FILE", "AUTH_JWT_ISSUER", "AUTH_JWT_AUDIENCE", "AUTH_JWT_ID"} {
		check(key, c.Auth.Tokens, "without AUTH=jwt")
	}
	check("GUESTS", c.Auth.Guests || c.Auth.GuestsMay == off, "without guest in AUTH")
	check("ADDRESS_RATE", c.Auth.Guests, "without guests")
	check("PROXY_PROTOCOL", !c.ProxyProtocol || len(c.TrustedProxies) > 0, "without TRUSTED_PROXIES, which says whose header is believed")
	check("MESSAGE_BURST", c.MessageRate > 0, "with MESSAGE_RATE=0")
	return warnings
}

// idleRecord checks the settings of the record in DATA_DIR.
func (c *Config) idleRecord(check func(key string, used bool, why string)) {
	const beside = "beside Redis, which keeps the record"
	with, kept := c.Redis.Enabled(), c.DataDir != ""
	check("DATA_DIR", !with || !kept, beside)
	check("ROOM_TTL", with || !kept, "with DATA_DIR, where RETENTION_AGE and RETENTION_BYTES count")
	for _, key := range []string{"RETENTION_AGE", "RETENTION_BYTES"} {
		check(key, !with, beside)
		check(key, with || kept, "with DATA_DIR=off")
	}
}

// opsIsPublic reports whether both listeners were given the same fixed port on addresses that overlap.
func (c *Config) opsIsPublic() bool {
	host, port, err := net.SplitHostPort(c.OpsAddr)
	if err != nil || c.Port == 0 || port != strconv.Itoa(c.Port) {
		return false
	}
	return host == c.Host || host == "" || c.Host == ""
}
