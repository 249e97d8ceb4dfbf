package config

import "time"

// setting is one key. Adding one here is all it takes: file, environment, flag, help and log follow.
type setting struct {
	key    string // as in the .env file and the environment
	def    string // the default, in the form a person would write
	help   string
	set    func(string) error  // reads a value that is not empty
	show   func(string) string // how the log shows a value; nil: as it is
	toggle bool                // --flag alone means true
	secret bool                // taken as it is, quotes too, and never shown
}

// The settings that other code names, too.
const (
	redisPort        = "REDIS_PORT"
	defaultRedisPort = 6379
)

// settings lists every setting in the order in which people read about them; reading one fills c or r.
func settings(c *Config, r *redisParts) []setting {
	return []setting{
		{key: "PORT", def: "8000", help: "port of Socket.IO, /livez and /readyz", set: port(&c.Port, 0)},
		{key: "HOST", help: "address to listen on; empty: all", set: listenHost(&c.Host)},
		{key: "TLS_CERT_FILE", help: "PEM file of the certificate with which PORT speaks TLS, read again when it changes; empty: PORT speaks plain HTTP", set: text(&c.TLSCertFile), show: fileName},
		{key: "TLS_KEY_FILE", help: "PEM file of the key of that certificate, without passphrase", set: text(&c.TLSKeyFile), show: fileName},
		{key: "PROXY_PROTOCOL", def: "false", help: "whether connections from TRUSTED_PROXIES to PORT begin with the PROXY protocol, version 1 or 2", set: boolean(&c.ProxyProtocol), toggle: true},

		{key: "REDIS_URL", help: "redis://, or rediss:// for TLS; user:password@, several host:port joined by commas, /db; without any Redis one node keeps the record in DATA_DIR", set: text(&r.url), show: withoutPassword},
		{key: "REDIS_HOST", help: "instead of REDIS_URL: the host", set: text(&r.host), show: withoutPassword},
		{key: redisPort, def: "6379", help: "the port that goes with REDIS_HOST", set: servicePort(&r.port)},
		{key: "REDIS_USERNAME", help: "user; empty: default, if there is a password", set: text(&r.username)},
		{key: "REDIS_PASSWD", help: "password", set: text(&r.password), secret: true},
		{key: "REDIS_TLS", def: "false", help: "speak TLS", set: boolean(&r.tls), toggle: true},
		{key: "REDIS_CA_FILE", help: "PEM file of the authority that signed the certificate of Redis; empty: those of the system", set: text(&r.caFile), show: fileName},
		{key: "REDIS_CA", help: "the same as PEM text, for platforms without files", set: text(&r.ca), show: present},
		{key: "REDIS_CERT_FILE", help: "PEM file of the certificate that this node shows to Redis (mutual TLS)", set: text(&r.certFile), show: fileName},
		{key: "REDIS_CERT", help: "the same as PEM text", set: text(&r.cert), show: present},
		{key: "REDIS_KEY_FILE", help: "PEM file of the key of that certificate, without passphrase", set: text(&r.keyFile), show: fileName},
		{key: "REDIS_KEY", help: "the same as PEM text", set: text(&r.key), show: present},
		{key: "REDIS_CLUSTER", def: "auto", help: "whether a single address is a node of a Redis Cluster: true, false, or auto (Redis is asked)", set: clusterMode(&r.cluster)},
		{key: "REDIS_SENTINEL_MASTER", help: "name of the master, if the addresses are those of Sentinels", set: text(&r.sentinelMaster)},
		{key: "REDIS_SENTINEL_USERNAME", help: "user of the Sentinels themselves; empty: default, if they have a password", set: text(&r.sentinelUsername)},
		{key: "REDIS_SENTINEL_PASSWD", help: "password of the Sentinels themselves", set: text(&r.sentinelPassword), secret: true},

		{key: "DATA_DIR", def: "data", help: "directory of the record of a node without Redis, relative to the working directory; off: the record is in memory and ends with the process", set: directory(&c.DataDir)},
		{key: "RETENTION_AGE", def: "0", help: "how long messages in DATA_DIR are kept; 0: for ever", set: duration(&c.RetentionAge, 0, maxRetention)},
		{key: "RETENTION_BYTES", def: "10737418240", help: "bytes that the record in DATA_DIR may take; beyond them the oldest messages of all rooms are deleted", set: size(&c.RetentionBytes, 16<<20, 1<<50)},
		{key: "STREAM_KEY", def: "chat", help: "names the room within Redis; nodes with the same key are one room", set: matching(&c.StreamKey, streamKey, "letters, digits and . _ : - only, at most 100")},
		{key: "HISTORY_WINDOW", def: "10000", help: "messages kept for recovery and history; names and texts stay in Redis that long", set: number(&c.HistoryWindow, minWindow, 10_000_000)},
		{key: "HISTORY_BYTES", def: "16777216", help: "bytes of messages that a node keeps in memory", set: size(&c.HistoryBytes, 1, 1<<40)},
		{key: "HISTORY_MAX", def: "200", help: "past messages that a client may ask for when it connects", set: number(&c.HistoryMax, 0, 10_000)},
		{key: "DEDUPE_MAX", def: "500000", help: "ids of the newest messages that are remembered, so that one sent again is not doubled; Redis keeps up to twice as many, 100 bytes each", set: number(&c.DedupeMax, 1000, 100_000_000)},

		{key: "ROOMS", def: "*", help: "comma-separated names of rooms that clients may open beside the global one; * stands for any text; off: none", set: roomPatterns(&c.Rooms.Patterns)},
		{key: "ROOMS_LISTED", def: "general,random", help: "comma-separated rooms whose names everybody is told, and how many are in them; off: none", set: roomNames(&c.Rooms.Listed)},
		{key: "MAX_ROOMS", def: "50000", help: "rooms that are open on one node", set: number(&c.Rooms.Max, 1, 10_000_000)},
		{key: "MAX_ROOMS_PER_CONNECTION", def: "50", help: "rooms that one connection is in", set: number(&c.Rooms.MaxPerConnection, 1, 1000)},
		{key: "ROOM_WINDOW", def: "1000", help: "messages kept of each room, for recovery and history", set: number(&c.Rooms.Window, minWindow, 1_000_000)},
		{key: "ROOMS_BYTES", def: "268435456", help: "bytes of messages of all rooms that a node keeps in memory", set: size(&c.Rooms.Bytes, 1, 1<<40)},
		{key: "ROOM_TTL", def: "30d", help: "how long a room that is empty and silent is kept", set: duration(&c.Rooms.TTL, time.Minute, maxRoomTTL)},

		{key: "AUTH", def: "guest", help: "who may connect: guest (anybody), jwt (who has a token), or jwt,guest", set: modes(&c.Auth)},
		{key: "GUESTS", def: "write", help: "what guests may do: write, read, or off", set: oneOf(&c.Auth.GuestsMay, "write", "read", off)},
		{key: "AUTH_SECRET", help: "comma-separated secrets that sign the ids of guests, 32 characters or more each; the first one signs, all verify; empty: one is made, and kept in Redis or DATA_DIR", set: secrets(&c.Auth.Secrets), secret: true},
		{key: "AUTH_JWT_SECRET", help: "verifies tokens (HS256), 32 characters or more", set: atLeast(&c.Auth.JWTSecret, minSecret), secret: true},
		{key: "AUTH_JWKS_URL", help: "where the public keys of the issuer are fetched (RS256, ES256, EdDSA)", set: keysAddress(&c.Auth.JWKSURL), show: withoutQuery},
		{key: "AUTH_JWKS_FILE", help: "the same as a file", set: text(&c.Auth.JWKSFile), show: fileName},
		{key: "AUTH_JWT_ISSUER", help: "iss of every token; empty: any", set: text(&c.Auth.Issuer)},
		{key: "AUTH_JWT_AUDIENCE", help: "aud of every token; empty: any", set: text(&c.Auth.Audience)},
		{key: "AUTH_JWT_ID", def: "sub", help: "the claim that is the public id of a user", set: text(&c.Auth.IDClaim)},
		{key: "ALLOWED_ORIGINS", def: "*", help: "comma-separated origins of web pages that may connect; * stands for any text", set: origins(&c.AllowedOrigins)},
		{key: "TRUSTED_PROXIES", help: "comma-separated networks (CIDR) whose X-Forwarded-For, -Host and -Proto are believed", set: networks(&c.TrustedProxies)},

		{key: "MAX_MESSAGE_CHARS", def: "4000", help: "characters of a message", set: number(&c.MaxMessageChars, 1, 100_000)},
		{key: "MESSAGE_RATE", def: "50", help: "events per second of one connection before it is slowed down; 0: no limit", set: number(&c.MessageRate, 0, 1_000_000)},
		{key: "MESSAGE_BURST", def: "200", help: "events that one connection may send at once", set: number(&c.MessageBurst, 1, 1_000_000)},
		{key: "ADDRESS_RATE", def: "500", help: "events per second of all guests with one public address; 0: no limit", set: number(&c.AddressRate, 0, 1_000_000)},
		{key: "MAX_PAYLOAD_BYTES", def: "65536", help: "bytes of one packet", set: size(&c.MaxPayloadBytes, 1024, 100_000_000)},
		{key: "MAX_BODY_BYTES", def: "1000000", help: "bytes of one polling request", set: size(&c.MaxBodyBytes, 1024, 100_000_000)},
		{key: "MAX_CONNECTIONS", def: "100000", help: "connections of one node", set: number(&c.MaxConnections, 1, 100_000_000)},
		{key: "MAX_CONNECTIONS_PER_IP", def: "0", help: "connections of one client address; 0: no limit; behind a proxy only with TRUSTED_PROXIES", set: number(&c.MaxConnectionsPerIP, 0, 100_000_000)},

		{key: "CONNECT_TIMEOUT", def: "45s", help: "time a session has for its CONNECT packet", set: duration(&c.ConnectTimeout, minTimeout, maxTimeout)},
		{key: "PING_INTERVAL", def: "25s", help: "time between two heartbeats", set: duration(&c.PingInterval, minTimeout, maxTimeout)},
		{key: "PING_TIMEOUT", def: "20s", help: "time a client has to answer a heartbeat", set: duration(&c.PingTimeout, minPing, maxTimeout)},
		{key: "UPGRADE_TIMEOUT", def: "10s", help: "time for the change from polling to WebSocket", set: duration(&c.UpgradeTimeout, minTimeout, maxTimeout)},
		{key: "KEEP_ALIVE_TIMEOUT", def: "75s", help: "how long a connection is kept between two HTTP requests; longer than the balancer in front keeps it", set: duration(&c.KeepAlive, minKeepAlive, maxTimeout)},
		{key: "APPEND_TIMEOUT", def: "10s", help: "how long a message waits for Redis before its sender is told", set: duration(&c.AppendTimeout, minTimeout, maxAppend)},
		{key: "DEDUPE_TTL", def: "10m", help: "how long the same message sent again is recognised", set: duration(&c.DedupeTTL, minTimeout, maxDedupe)},
		{key: "DRAIN_DELAY", def: "5s", help: "time between not ready and the end of new connections; 0 in development", set: duration(&c.DrainDelay, 0, maxTimeout)},
		{key: "DRAIN_TIMEOUT", def: "20s", help: "time to send the clients elsewhere when stopping", set: duration(&c.DrainTimeout, 0, maxTimeout)},

		{key: "API_KEYS", help: "comma-separated keys, 32 characters or more each, with which your back end may use the HTTP API on the public port; empty: it is on the private port only", set: secrets(&c.APIKeys), secret: true},
		{key: "OPS_ADDR", help: "host:port of the HTTP API without a key, metrics, profiles and health, not for the public; empty: off", set: address(&c.OpsAddr, false)},
		{key: "NODE_PORT", def: "0", help: "port on which the other nodes reach this one, in plain HTTP; 0: PORT or, with TLS or PROXY_PROTOCOL there, any free port", set: port(&c.NodePort, 0)},
		{key: "NODE_ADDRESS", help: "host:port where the other nodes reach this one; empty: found out", set: address(&c.NodeAddress, true)},
		{key: "CLUSTER_SECRET", help: "what nodes show each other, 16 characters or more; empty: a token kept in Redis", set: atLeast(&c.ClusterSecret, 16), secret: true},

		{key: "LOG_LEVEL", def: "info", help: "debug, info, warn or error", set: level(&c.LogLevel)},
		{key: "LOG_FORMAT", def: "text", help: "text or json", set: oneOf(&c.LogFormat, "text", "json")},
	}
}
