package redis

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/redisx"
)

// MissingRights checks whether our user may run every command of a server, and returns the rules that its ACL lacks, in
// order: "+xadd", "~{room}:*", "&{room}:*". It returns none if nothing is missing. channels are those of the bus, and notice
// is a message that can be published there without harm. The check changes nothing: each command does nothing, or Redis
// refuses its arguments, and Redis checks the rights first. An error means that Redis gave no answer.
func (s *Stream) MissingRights(ctx context.Context, channels []string, notice []byte) ([]string, error) {
	r := &rights{key: s.opts.Key, missing: map[string]bool{}}
	_, err := redisx.Within(ctx, commandLimit, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, errors.Join(r.commands(ctx, s), r.publish(ctx, s.opts.Client, channels, notice),
			r.subscribe(ctx, s.opts.Client, channels))
	})
	if err != nil {
		return nil, err
	}
	return r.rules(), nil
}

// harmless returns the commands that a server sends, including the script, on the stream and on its other keys.
func harmless(key string) [][]any {
	other := "{" + key + "}:rights" // never written
	return [][]any{
		{"xadd", key, "none", "f", "v"},
		{"xtrim", key, "maxlen", "none"},
		{"xread", "streams", key, "none"},
		{"xrange", key, "none", "none"},
		{"xrevrange", key, "none", "none"},
		{"eval", "return 0", 1, other},
		{"evalsha", "none", 1, other},
		{"time"},
		{"ping"},
		{"get", other},
		{"set", other, "v", "none"},
		{"unlink", other},
		{"pexpire", other, "none"},
		{"hset", other, "f", "v", "none"},
		{"hdel", other, "f"},
		{"hlen", other},
		{"hmget", other, "f"},
		{"hgetall", other},
	}
}

// rights collects the missing rules. It is safe for concurrent use.
type rights struct {
	key string

	mu      sync.Mutex
	missing map[string]bool
}

// commands tries all commands on the server that holds the stream.
func (r *rights) commands(ctx context.Context, s *Stream) error {
	server, err := s.server(ctx)
	if err != nil {
		return r.note(s.opts.Key, err)
	}
	pipe := server.Pipeline()
	all := harmless(r.key)
	for _, args := range all {
		pipe.Do(ctx, args...)
	}
	done, err := pipe.Exec(ctx)
	if err != nil && !slices.ContainsFunc(done, func(c redis.Cmder) bool { return c.Err() != nil }) {
		return r.note("", err) // an error of the connection, such as a wrong password
	}
	for i, cmd := range done {
		if err := r.note(onKey(all[i], r.key), cmd.Err()); err != nil {
			return err
		}
	}
	return nil
}

// onKey returns the rule for the key of a command.
func onKey(args []any, key string) string {
	if slices.Contains(args, any(key)) {
		return "~" + key
	}
	return "~{" + key + "}:*"
}

// publish tries every server: in a Cluster a message may be published at any node.
func (r *rights) publish(ctx context.Context, client redis.UniversalClient, channels []string, notice []byte) error {
	try := func(ctx context.Context, server redis.Cmdable) error {
		for _, channel := range channels {
			if err := r.note("", server.Publish(ctx, channel, notice).Err()); err != nil {
				return err
			}
		}
		return nil
	}
	cluster, ok := client.(interface {
		ForEachMaster(ctx context.Context, fn func(context.Context, *redis.Client) error) error
	})
	if !ok {
		return try(ctx, client)
	}
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, server *redis.Client) error { return try(ctx, server) })
	return r.note("", err)
}

func (r *rights) subscribe(ctx context.Context, client redis.UniversalClient, channels []string) error {
	for _, channel := range channels {
		sub := client.Subscribe(ctx, channel)
		_, err := sub.ReceiveTimeout(ctx, commandLimit)
		_ = sub.Close()
		if err := r.note("", err); err != nil {
			return err
		}
	}
	return nil
}

var refusedCommand = regexp.MustCompile(`run the '([^']+)'`)

// note records the answer to one command. keyRule is the missing rule if Redis refuses the key. note returns errors that
// say nothing about rights.
func (r *rights) note(keyRule string, err error) error {
	var refusal redis.Error
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &refusal) || redis.HasErrorPrefix(err, "NOAUTH") || redis.HasErrorPrefix(err, "WRONGPASS"):
		return err
	case !redis.HasErrorPrefix(err, "NOPERM"):
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.missing[r.rule(keyRule, refusal.Error())] = true
	return nil
}

// rule returns the rule that a refusal names; Redis 6.2, 7, 8 and Valkey word refusals differently.
func (r *rights) rule(keyRule, refusal string) string {
	command := refusedCommand.FindStringSubmatch(refusal)
	switch {
	case command != nil:
		return "+" + command[1]
	case strings.Contains(refusal, "channel"):
		return "&{" + r.key + "}:*"
	default:
		return keyRule
	}
}

// rules returns the missing rules: commands, keys, channels.
func (r *rights) rules() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for rule := range r.missing {
		all = append(all, rule)
	}
	rank := func(rule string) int { return strings.IndexByte("+~&", rule[0]) }
	slices.SortFunc(all, func(a, b string) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return all
}
