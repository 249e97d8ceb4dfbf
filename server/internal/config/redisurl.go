package config

import (
	"errors"
	"net/url"
	"strings"
)

// readURL reads <scheme>://[user[:password]@]host[:port][,host[:port]…][/db]. Credentials that are not in the address
// may come from the other settings. No error repeats the address: it may hold a password.
func (r *Redis) readURL(s string) error {
	scheme, rest, found := strings.Cut(s, "://")
	if !found {
		scheme = ""
	}
	if err := r.readScheme(scheme); err != nil {
		return err
	}
	at := strings.LastIndexByte(rest, '@')
	if err := r.readCredentials(rest[:max(at, 0)]); err != nil {
		return err
	}
	// A list is also written with the scheme before each address.
	hosts, db, _ := strings.Cut(strings.ReplaceAll(rest[at+1:], ","+scheme+"://", ","), "/")
	if err := number(&r.DB, 0, 1<<20)(db); db != "" && err != nil {
		return errors.New("the database after the slash must be a number, and nothing may follow it")
	}
	for host := range strings.SplitSeq(hosts, ",") {
		addr, err := serverAddress(strings.TrimSpace(host))
		if err != nil {
			return err
		}
		r.Addrs = append(r.Addrs, addr)
	}
	return nil
}

// readScheme notes whether the scheme asks for TLS.
func (r *Redis) readScheme(scheme string) error {
	switch strings.ToLower(scheme) {
	case "rediss", "valkeys":
		r.TLS = true
	case "redis", "valkey", "tcp": // as container links and Kubernetes write it
	default:
		return errors.New("must begin with redis:// or rediss://, as in redis://:password@host:6379")
	}
	return nil
}

func (r *Redis) readCredentials(s string) error {
	if strings.Contains(s, "://") {
		return errors.New("give user and password once, before the first host; in a password :// must be percent-encoded")
	}
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
