// Package config owns the settings: where they come from, which values are valid, and the defaults, which exist only here.
//
// The sources of a setting are, in this order, the flags, the environment, a .env file, and the defaults. An
// empty value means the default. [Load] reads everything once, checks everything, and reports all problems in one error.
// The result is a value that nobody changes. This is the only package that knows viper.
//
// It has many files because each kind of value that people write in many ways has its own.
package config

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// Config is every setting, checked. The zero Config is not valid; [Load] makes one. Sizes are bytes.
type Config struct {
	Host string // address to listen on; empty: all
	Port int    // 0: any free port

	TLSCertFile, TLSKeyFile string // of the main listener; empty: it speaks plain HTTP
	ProxyProtocol           bool   // connections from TrustedProxies begin with a PROXY header

	Redis          Redis
	StreamKey      string        // names the room within Redis
	DataDir        string        // directory of the record of a node without Redis; empty: it is in memory, or in Redis
	RetentionAge   time.Duration // that messages in DataDir are kept; 0: any
	RetentionBytes int           // that the record in DataDir may take
	HistoryWindow  int           // messages kept, for recovery and history
	HistoryBytes   int           // bytes of messages that a node keeps in memory
	HistoryMax     int           // messages that a handshake may ask for
	DedupeMax      int           // ids that are remembered at least

	Rooms Rooms

	Auth Auth

	AllowedOrigins []string // patterns in which * stands for anything but a slash; "*" alone allows every origin
	TrustedProxies []netip.Prefix

	MaxMessageChars     int
	MessageRate         int // events per second and connection; 0: no limit
	MessageBurst        int
	AddressRate         int // events per second of all guests with one public address; 0: no limit
	MaxPayloadBytes     int // one packet
	MaxBodyBytes        int // one polling request
	MaxConnections      int
	MaxConnectionsPerIP int // 0: no limit

	ConnectTimeout time.Duration
	PingInterval   time.Duration
	PingTimeout    time.Duration
	UpgradeTimeout time.Duration
	KeepAlive      time.Duration // between two requests on one connection
	AppendTimeout  time.Duration
	DedupeTTL      time.Duration
	DrainDelay     time.Duration
	DrainTimeout   time.Duration

	APIKeys       []string // of the HTTP API on the public port; none: it is not served there
	OpsAddr       string   // host:port; empty: no private listener
	NodePort      int      // of the listener for other nodes; 0: see OwnNodePort
	NodeAddress   string   // host:port where other nodes reach this one; empty: found out
	ClusterSecret string   // empty: a token kept in Redis

	LogLevel  slog.Level
	LogFormat string // "text" or "json"

	// Warnings are settings that have no effect, each with the reason.
	Warnings []string

	shown []shown // every setting as it is in force, without secrets
}

// Redis says how to reach Redis. The zero Redis means none: the node keeps the record itself.
type Redis struct {
	Addrs    []string // host:port; several: a Redis Cluster, or the Sentinels if SentinelMaster is set
	Username string
	Password string
	DB       int
	Cluster  ClusterMode

	TLS  bool
	CA   []byte // PEM; nil: the authorities of the system
	Cert []byte // PEM, shown to Redis; nil: none
	Key  []byte // PEM, of Cert

	SentinelMaster   string
	SentinelUsername string // of the Sentinels themselves, which share nothing with the master
	SentinelPassword string
}

// ClusterMode says whether a Redis of one address is a node of a Redis Cluster.
type ClusterMode int

// The modes.
const (
	ClusterAuto ClusterMode = iota // Redis is asked
	ClusterYes
	ClusterNo
)

// Enabled reports whether there is a Redis at all.
func (r Redis) Enabled() bool { return len(r.Addrs) > 0 }

// TLSConfig returns a new TLS configuration, or nil if the connection is to be plain. It verifies the
// name that is dialled.
func (r Redis) TLSConfig() *tls.Config {
	if !r.TLS {
		return nil
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if r.CA != nil {
		conf.RootCAs = x509.NewCertPool()
		conf.RootCAs.AppendCertsFromPEM(r.CA) // was checked by Load
	}
	if r.Cert != nil {
		if pair, err := tls.X509KeyPair(r.Cert, r.Key); err == nil { // was checked by Load
			conf.Certificates = []tls.Certificate{pair}
		}
	}
	return conf
}

// ListenAddr is the address of the main listener, as net.Listen takes it.
func (c Config) ListenAddr() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

// TLS reports whether the main listener speaks TLS.
func (c Config) TLS() bool { return c.TLSCertFile != "" }

// OwnNodePort reports whether other nodes reach this one on a port of its own instead of the main one, because NODE_PORT says so,
// or because the main one does not speak plain HTTP.
func (c Config) OwnNodePort() bool {
	return c.Redis.Enabled() && (c.NodePort != 0 && c.NodePort != c.Port || c.NodePort == 0 && (c.TLS() || c.ProxyProtocol))
}

// NodeListenAddr is the address of that listener, as net.Listen takes it.
func (c Config) NodeListenAddr() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.NodePort)) }

// LogValue lists every setting in force by its key. Secrets and the passwords in addresses are left out.
func (c Config) LogValue() slog.Value { return c.list(func(shown) bool { return true }) }

// Format implements [fmt.Formatter]: every verb prints the settings of [Config.LogValue], so none prints a secret.
func (c Config) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, c.LogValue().String()) }

// Format implements [fmt.Formatter]: every verb prints the addresses only.
func (r Redis) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, r.Addrs) }

// Changed lists, like [Config.LogValue], only the settings that differ from their defaults.
func (c Config) Changed() slog.Value { return c.list(func(s shown) bool { return s.changed }) }

// Defaults lists, like [Config.LogValue], only the settings that Changed leaves out.
func (c Config) Defaults() slog.Value { return c.list(func(s shown) bool { return !s.changed }) }

// shown is one setting as the log shows it.
type shown struct {
	slog.Attr
	changed bool
}

func (c Config) list(wanted func(shown) bool) slog.Value {
	var attrs []slog.Attr
	for _, s := range c.shown {
		if wanted(s) {
			attrs = append(attrs, s.Attr)
		}
	}
	return slog.GroupValue(attrs...)
}
