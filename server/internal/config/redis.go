package config

import (
	"errors"
	"net"
	"strconv"
	"strings"
)

// redisParts are the settings that together make a [Redis].
type redisParts struct {
	url              string
	host             string
	port             int
	username         string
	password         string
	tls              bool
	caFile, ca       string
	certFile, cert   string
	keyFile, key     string
	sentinelMaster   string
	sentinelUsername string
	sentinelPassword string
	cluster          ClusterMode
}

// assemble makes a Redis of the parts and returns everything that is wrong with them.
func (p redisParts) assemble() (Redis, []string) {
	r := Redis{
		Username: p.username, Password: p.password, TLS: p.tls, Cluster: p.cluster,
		SentinelMaster: p.sentinelMaster, SentinelUsername: p.sentinelUsername, SentinelPassword: p.sentinelPassword,
	}
	var problems []string
	note := func(key string, err error) {
		if err != nil {
			problems = append(problems, key+": "+err.Error())
		}
	}
	switch {
	case p.url != "" && p.host != "":
		problems = append(problems, "REDIS_HOST: give either REDIS_URL or REDIS_HOST, not both")
	case p.url != "":
		note("REDIS_URL", r.readURL(p.url))
	case p.host != "":
		note("REDIS_HOST", r.readHost(p.host, p.port))
	default:
		return Redis{}, p.orphans()
	}
	problems = append(problems, r.credentials()...)
	problems = append(problems, r.kind()...)
	return r, append(problems, p.certificates(&r)...)
}

// credentials completes the users' names and returns what is missing.
func (r *Redis) credentials() (problems []string) {
	if r.Username == "" && r.Password != "" {
		r.Username = "default"
	}
	if r.Username != "" && r.Password == "" {
		problems = append(problems, "REDIS_PASSWD: is missing, but there is a username")
	}
	if r.SentinelMaster == "" {
		r.SentinelUsername, r.SentinelPassword = "", "" // there is a warning
	}
	if r.SentinelUsername != "" && r.SentinelPassword == "" {
		problems = append(problems, "REDIS_SENTINEL_PASSWD: is missing, but there is a REDIS_SENTINEL_USERNAME")
	}
	return problems
}

// kind returns the settings that this kind of Redis cannot have.
func (r *Redis) kind() (problems []string) {
	cluster := r.SentinelMaster == "" && len(r.Addrs) > 1 || r.Cluster == ClusterYes
	if r.Cluster == ClusterYes && r.SentinelMaster != "" {
		problems = append(problems, "REDIS_CLUSTER: a Redis Cluster has no Sentinels; leave out REDIS_SENTINEL_MASTER or this")
	}
	if r.Cluster == ClusterNo && r.SentinelMaster == "" && len(r.Addrs) > 1 {
		problems = append(problems, "REDIS_CLUSTER: is false, but several addresses are either a Redis Cluster or Sentinels (REDIS_SENTINEL_MASTER)")
	}
	if cluster && r.DB != 0 {
		problems = append(problems, "REDIS_URL: a Redis Cluster (several addresses, or REDIS_CLUSTER) has no database but 0")
	}
	return problems
}

// certificates reads the authorities that Redis is checked against, and what this node shows to it.
func (p redisParts) certificates(r *Redis) (problems []string) {
	read := func(s pemSetting) (content []byte, key string) {
		content, key, err := s.read()
		if err != nil {
			problems = append(problems, key+": "+err.Error())
			return nil, ""
		}
		if content != nil && !r.TLS {
			problems = append(problems, key+": needs TLS (REDIS_TLS=true or rediss://)")
			return nil, ""
		}
		return content, key
	}
	var caKey, keyKey string
	r.CA, caKey = read(pemSetting{"REDIS_CA_FILE", "REDIS_CA", p.caFile, p.ca})
	if r.CA != nil {
		if err := checkAuthorities(r.CA); err != nil {
			problems = append(problems, caKey+": "+err.Error())
		}
	}
	before := len(problems)
	r.Cert, _ = read(pemSetting{"REDIS_CERT_FILE", "REDIS_CERT", p.certFile, p.cert})
	r.Key, keyKey = read(pemSetting{"REDIS_KEY_FILE", "REDIS_KEY", p.keyFile, p.key})
	switch {
	case len(problems) > before:
	case r.Cert == nil && r.Key != nil:
		problems = append(problems, keyKey+": is set, but its certificate is not (REDIS_CERT_FILE or REDIS_CERT)")
	case r.Cert != nil && r.Key == nil:
		problems = append(problems, "REDIS_KEY_FILE: is missing, but there is a certificate (or REDIS_KEY, as text)")
	case r.Cert != nil:
		if err := checkPair(r.Cert, r.Key); err != nil {
			problems = append(problems, keyKey+": "+err.Error())
		}
	}
	return problems
}

// orphans returns a problem for each setting that implies a Redis while the address is missing. Ignoring them would start
// a node with a room of its own that was meant to join a shared one.
func (p redisParts) orphans() []string {
	var problems []string
	for _, o := range []struct {
		key string
		set bool
	}{
		{"REDIS_USERNAME", p.username != ""},
		{"REDIS_PASSWD", p.password != ""},
		{"REDIS_TLS", p.tls},
		{"REDIS_CA_FILE", p.caFile != ""},
		{"REDIS_CA", p.ca != ""},
		{"REDIS_CERT_FILE", p.certFile != ""},
		{"REDIS_CERT", p.cert != ""},
		{"REDIS_KEY_FILE", p.keyFile != ""},
		{"REDIS_KEY", p.key != ""},
		{"REDIS_CLUSTER", p.cluster == ClusterYes},
		{"REDIS_SENTINEL_MASTER", p.sentinelMaster != ""},
		{"REDIS_SENTINEL_USERNAME", p.sentinelUsername != ""},
		{"REDIS_SENTINEL_PASSWD", p.sentinelPassword != ""},
	} {
		if o.set {
			problems = append(problems, o.key+": is set, but neither REDIS_URL nor REDIS_HOST is")
		}
	}
	return problems
}

// readHost reads a host, with an optional scheme and port.
func (r *Redis) readHost(s string, port int) error {
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		if err := r.readScheme(scheme); err != nil {
			return err
		}
		s = strings.TrimSuffix(rest, "/")
	}
	if strings.ContainsAny(s, "@/,") {
		return errors.New("must be one host name or IP address; whole addresses and lists of them go into REDIS_URL")
	}
	host := bare(s)
	if h, own, err := net.SplitHostPort(s); err == nil {
		n, err := strconv.Atoi(own)
		if err != nil || port != defaultRedisPort && port != n {
			return errors.New("holds a port that differs from REDIS_PORT or is not a number")
		}
		host, port = h, n
	}
	if !validHost(host) || port < 1 || port > 65535 {
		return errors.New("must be a host name or an IP address, such as redis.example.org, 10.0.0.5 or ::1")
	}
	r.Addrs = []string{net.JoinHostPort(host, strconv.Itoa(port))}
	return nil
}
