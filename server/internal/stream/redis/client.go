package redis

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// ClientOptions say where Redis is. One of Addrs, URL and Host is set; what the URL leaves out is taken from the other
// fields.
type ClientOptions struct {
	// Addrs are host:port each: one server, or several as in URL. DB is the database that goes with them.
	Addrs []string
	DB    int
	// URL is redis://user:password@host:port/db, or rediss:// for TLS (valkey:// and valkeys:// are the same). Several
	// addresses, separated by commas, are the nodes of a Cluster, or with SentinelMaster the Sentinels.
	URL string
	// Host and Port, 6379 by default, are one server.
	Host, Port         string
	Username, Password string
	// TLS encrypts connections to Host; for a URL the scheme says it.
	TLS bool
	// CAFile holds the PEM certificates that are trusted instead of those of the system.
	CAFile string
	// TLSConfig, if it is set, is how connections are encrypted, whatever the fields above say.
	TLSConfig *tls.Config
	// SentinelMaster is the name of the master that the Sentinels watch. SentinelPassword is their own password.
	SentinelMaster, SentinelPassword string
	// Cluster says that a single address, too, is the entrance to a Cluster.
	Cluster bool
}

// NewClient gives a client of a master: of a single server, by Sentinel, or of a Cluster. It does not connect yet. Every
// command fails within seconds when Redis hangs, and is not sent twice to the same server by the client: what may be
// repeated is the caller's to know. The caller closes it. Its errors name no credentials.
func NewClient(o ClientOptions) (redis.UniversalClient, error) {
	u, err := o.universal()
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	if u.MasterName == "" && (u.IsClusterMode || len(u.Addrs) > 1) {
		cluster := u.Cluster()
		// A dead master does not tell who took over, and the client does not ask: it has to look often.
		cluster.ClusterStateReloadInterval = 2 * time.Second
		return redis.NewClusterClient(cluster), nil
	}
	return redis.NewUniversalClient(u), nil
}

// universal translates the options.
func (o ClientOptions) universal() (*redis.UniversalOptions, error) {
	u := &redis.UniversalOptions{
		MasterName: o.SentinelMaster, SentinelPassword: o.SentinelPassword, IsClusterMode: o.Cluster,
		Username: o.Username, Password: o.Password,

		DialTimeout: 2 * time.Second, DialerRetries: 1,
		ReadTimeout: 3 * time.Second, WriteTimeout: 3 * time.Second, ContextTimeoutEnabled: true,
		MaxRetries: -1,

		Protocol: 2, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	encrypted := o.TLS
	switch {
	case len(o.Addrs) > 0 && (o.URL != "" || o.Host != ""):
		return nil, errors.New("addresses are set beside a URL or a host")
	case len(o.Addrs) > 0:
		u.Addrs, u.DB = o.Addrs, o.DB
	case o.URL != "" && o.Host != "":
		return nil, errors.New("both a URL and a host are set")
	case o.URL != "":
		var err error
		if encrypted, err = parseURL(o.URL, u); err != nil {
			return nil, err
		}
	case o.Host != "":
		u.Addrs = []string{withPort(o.Host, o.Port)}
	default:
		return nil, errors.New("neither a URL nor a host is set")
	}
	if o.Cluster && o.SentinelMaster != "" {
		return nil, errors.New("a Cluster has no Sentinels")
	}
	if u.DB != 0 && o.SentinelMaster == "" && (o.Cluster || len(u.Addrs) > 1) {
		return nil, errors.New("a Cluster has only database 0")
	}
	if o.TLSConfig != nil {
		u.TLSConfig = o.TLSConfig
		return u, nil
	}
	if !encrypted {
		if o.CAFile != "" {
			return nil, errors.New("a CA file is set, but the connection is not encrypted; use rediss:// or TLS")
		}
		return u, nil
	}
	var err error
	u.TLSConfig, err = tlsConfig(o.CAFile)
	return u, err
}

// parseURL fills in what the URL says and reports whether the connection is encrypted.
func parseURL(text string, u *redis.UniversalOptions) (encrypted bool, err error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return false, errors.New("the URL has no scheme, such as redis://")
	}
	// Several addresses are no URL, so only the first one is left in what is parsed as one.
	authority, path := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	at := strings.LastIndexByte(authority, '@') + 1
	addrs := strings.Split(authority[at:], ",")
	parsed, err := url.Parse("redis://" + authority[:at] + addrs[0] + path)
	if err != nil {
		return false, errors.New("the URL cannot be parsed; special characters in the password have to be percent-encoded")
	}
	for _, addr := range addrs {
		host, port, err := splitAddr(addr)
		if err != nil {
			return false, err
		}
		u.Addrs = append(u.Addrs, withPort(host, port))
	}
	if parsed.User != nil {
		if name := parsed.User.Username(); name != "" {
			u.Username = name
		}
		if password, ok := parsed.User.Password(); ok {
			u.Password = password
		}
	}
	if parsed.RawQuery != "" || parsed.Fragment != "" {
		return false, errors.New("the URL has parameters; none is supported")
	}
	if db := strings.Trim(parsed.Path, "/"); db != "" {
		if u.DB, err = strconv.Atoi(db); err != nil || u.DB < 0 {
			return false, fmt.Errorf("database %q in the URL is not a number", db)
		}
	}
	switch scheme {
	case "redis", "valkey":
		return false, nil
	case "rediss", "valkeys":
		return true, nil
	default:
		return false, fmt.Errorf("scheme %q of the URL is not redis or rediss", scheme)
	}
}

// splitAddr takes host, host:port, [v6] and [v6]:port apart.
func splitAddr(addr string) (host, port string, err error) {
	u, err := url.Parse("redis://" + addr)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return "", "", fmt.Errorf("address %q in the URL is not host:port", addr)
	}
	return u.Hostname(), u.Port(), nil
}

func withPort(host, port string) string {
	if port == "" {
		port = "6379"
	}
	return net.JoinHostPort(host, port)
}

func tlsConfig(caFile string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile == "" {
		return config, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("CA file: %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("CA file %s holds no certificate", caFile)
	}
	return config, nil
}
