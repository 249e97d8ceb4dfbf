package config

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// redisParts are the settings that together make a [Redis].
type redisParts struct {
	url            string
	host           string
	port           int
	username       string
	password       string
	tls            bool
	caFile, ca     string
	sentinelMaster string
}

// assemble makes a Redis of the parts and returns everything that is wrong with them.
func (p redisParts) assemble() (Redis, []string) {
	r := Redis{Username: p.username, Password: p.password, TLS: p.tls, SentinelMaster: p.sentinelMaster}
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
		r.Addrs = []string{net.JoinHostPort(strings.Trim(p.host, "[]"), strconv.Itoa(p.port))}
	default:
		return Redis{}, p.orphans()
	}
	if r.Username == "" && r.Password != "" {
		r.Username = "default"
	}
	if r.Username != "" && r.Password == "" {
		problems = append(problems, "REDIS_PASSWD: is missing, but there is a username")
	}
	if len(r.Addrs) > 1 && r.SentinelMaster == "" && r.DB != 0 {
		problems = append(problems, "REDIS_URL: a Redis Cluster (several addresses) has no database but 0")
	}
	var key string
	var err error
	r.CA, key, err = p.authorities()
	note(key, err)
	if r.CA != nil && !r.TLS {
		problems = append(problems, key+": needs TLS (REDIS_TLS=true or rediss://)")
	}
	return r, problems
}

// orphans are settings that mean nothing without an address. Ignoring them would start a node that is a room of its own
// when it was meant to join one.
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
		{"REDIS_SENTINEL_MASTER", p.sentinelMaster != ""},
	} {
		if o.set {
			problems = append(problems, o.key+": is set, but neither REDIS_URL nor REDIS_HOST is")
		}
	}
	return problems
}

// readURL reads <scheme>://[user[:password]@]host[:port][,host[:port]…][/db]. Credentials that are not in the address
// may come from the other settings. No error repeats the address: it may hold a password.
func (r *Redis) readURL(s string) error {
	scheme, rest, _ := strings.Cut(s, "://")
	switch scheme {
	case "rediss":
		r.TLS = true
	case "redis":
	default:
		return errors.New("must begin with redis:// or rediss://")
	}
	at := strings.LastIndexByte(rest, '@')
	if err := r.readCredentials(rest[:max(at, 0)]); err != nil {
		return err
	}
	hosts, db, _ := strings.Cut(rest[at+1:], "/")
	if err := number(&r.DB, 0, 1<<20)(db); db != "" && err != nil {
		return errors.New("the database after the slash must be a number, and nothing may follow it")
	}
	for host := range strings.SplitSeq(hosts, ",") {
		u, err := url.Parse("//" + host)
		if err != nil || u.Hostname() == "" || u.Host != host {
			return errors.New("needs host or host:port, several joined by commas; special characters of a password must be percent-encoded")
		}
		port := u.Port()
		if port == "" {
			port = "6379"
		}
		r.Addrs = append(r.Addrs, net.JoinHostPort(u.Hostname(), port))
	}
	return nil
}

func (r *Redis) readCredentials(s string) error {
	username, password, _ := strings.Cut(s, ":")
	for _, part := range []struct {
		escaped string
		to      *string
	}{{password, &r.Password}, {username, &r.Username}} {
		if part.escaped == "" {
			continue
		}
		plain, err := url.PathUnescape(part.escaped)
		if err != nil {
			return errors.New("special characters of user and password must be percent-encoded")
		}
		*part.to = plain
	}
	return nil
}

// authorities reads the certificates that Redis is checked against, and tells which setting they come from.
func (p redisParts) authorities() (pem []byte, key string, err error) {
	switch {
	case p.caFile != "" && p.ca != "":
		return nil, "REDIS_CA", errors.New("give either REDIS_CA_FILE or REDIS_CA, not both")
	case p.caFile != "":
		key = "REDIS_CA_FILE"
		if pem, err = os.ReadFile(p.caFile); err != nil {
			return nil, key, fmt.Errorf("cannot be read: %w", err)
		}
	case p.ca != "":
		key = "REDIS_CA"
		pem = []byte(strings.ReplaceAll(p.ca, `\n`, "\n")) // how one-line input fields write it
	default:
		return nil, "", nil
	}
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		return nil, key, errors.New("holds no certificate in PEM form")
	}
	return pem, key, nil
}
