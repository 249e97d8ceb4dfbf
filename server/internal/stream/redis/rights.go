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

// Uses says what a server does in Redis beside following its stream.
type Uses struct {
	// Channels are those of the bus, and Notice is a message that can be published there without harm.
	Channels []string
	Notice   []byte
	// Rooms says that there are rooms, and Sharded that their news goes by channels of a slot.
	Rooms, Sharded bool
}

// MissingRights checks whether our user may run every command of a server, and returns the rules that its ACL lacks, in
// order: "+xadd", "~{room}:*", "&{room}:*". It returns none if nothing is missing. The check changes nothing: each command
// does nothing, or Redis refuses its arguments, and Redis checks the rights first. An error means that Redis gave no answer.
func (s *Stream) MissingRights(ctx context.Context, u Uses) ([]string, error) {
	r := &rights{missing: map[string]bool{}}
	_, err := redisx.Within(ctx, commandLimit, func(ctx context.Context) (struct{}, error) {
		key, client := s.opts.Key, s.opts.Client
		channels := rules{channels: "&{" + key + "}:*"}
		err := errors.Join(r.commands(ctx, s, harmless(key), func(args []any) rules { return onKey(args, key) }),
			r.publish(ctx, client, channels, u.Channels, u.Notice), r.subscribe(ctx, client, channels, u.Channels))
		if u.Rooms {
			err = errors.Join(err, r.rooms(ctx, s, u.Sharded))
		}
		return struct{}{}, err
	})
	if err != nil {
		return nil, err
	}
	return r.rules(), nil
}

// rooms tries the keys and channels of rooms, with a room that nobody can name.
func (r *rights) rooms(ctx context.Context, s *Stream, sharded bool) error {
	room := "{" + s.opts.Key + ":}:room"
	needs := rules{keys: "~{" + s.opts.Key + ":*}:room*", channels: "&{" + s.opts.Key + ":*}:room:*"}
	channel, notice := room+":news", "notice"
	commands := [][]any{{"get", room}, {"set", room, "v", "none"}}
	if sharded {
		commands = append(commands, []any{"spublish", channel, notice})
	}
	err := r.commands(ctx, s, commands, func([]any) rules { return needs })
	if sharded {
		return errors.Join(err, r.subscribeShard(ctx, s, needs, channel))
	}
	return errors.Join(err, r.publish(ctx, s.opts.Client, needs, []string{channel}, []byte(notice)),
		r.subscribe(ctx, s.opts.Client, needs, []string{channel}))
}

// harmless returns the commands that a server sends, including the script, on the stream and on its other keys.
func harmless(key string) [][]any {
	other := "{" + key + "}:rights" // never written
	return [][]any{
		{"xadd", key, "none", "f", "v"},
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

// rules are those for the key and for the channel of a command.
type rules struct{ keys, channels string }

// rights collects the missing rules. It is safe for concurrent use.
type rights struct {
	mu      sync.Mutex
	missing map[string]bool
}

// commands tries commands on the server that holds the stream. needs returns the rules for one of them.
func (r *rights) commands(ctx context.Context, s *Stream, all [][]any, needs func(args []any) rules) error {
	server, err := s.server(ctx)
	if err != nil {
		return r.note(needs(all[0]), err)
	}
	pipe := server.Pipeline()
	for _, args := range all {
		pipe.Do(ctx, args...)
	}
	done, err := pipe.Exec(ctx)
	if err != nil && !slices.ContainsFunc(done, func(c redis.Cmder) bool { return c.Err() != nil }) {
		return r.note(rules{}, err) // an error of the connection, such as a wrong password
	}
	for i, cmd := range done {
		if err := r.note(needs(all[i]), cmd.Err()); err != nil {
			return err
		}
	}
	return nil
}

// onKey returns the rule for the key of a command.
func onKey(args []any, key string) rules {
	if slices.Contains(args, any(key)) {
		return rules{keys: "~" + key}
	}
	return rules{keys: "~{" + key + "}:*"}
}

// publish tries every server: in a Cluster a message may be published at any node.
func (r *rights) publish(
	ctx context.Context, client redis.UniversalClient, needs rules, channels []string, notice []byte,
) error {
	try := func(ctx context.Context, server redis.Cmdable) error {
		for _, channel := range channels {
			if err := r.note(needs, server.Publish(ctx, channel, notice).Err()); err != nil {
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
	return r.note(rules{}, err)
}

func (r *rights) subscribe(ctx context.Context, client redis.UniversalClient, needs rules, channels []string) error {
	for _, channel := range channels {
		sub := client.Subscribe(ctx, channel)
		_, err := sub.ReceiveTimeout(ctx, commandLimit)
		_ = sub.Close()
		if err := r.note(needs, err); err != nil {
			return err
		}
	}
	return nil
}

// subscribeShard tries a channel of a slot. Redis checks the rights before it looks whether it has the slot.
func (r *rights) subscribeShard(ctx context.Context, s *Stream, needs rules, channel string) error {
	server, err := s.server(ctx)
	if err != nil {
		return r.note(needs, err)
	}
	client, ok := server.(*redis.Client)
	if !ok {
		return nil // not a Cluster
	}
	sub := client.SSubscribe(ctx, channel)
	defer sub.Close()
	_, err = sub.ReceiveTimeout(ctx, commandLimit)
	return r.note(needs, err)
}

var refusedCommand = regexp.MustCompile(`run the '([^']+)'`)

// note records the answer to one command, which needs these rules. It returns errors that say nothing about rights.
func (r *rights) note(needs rules, err error) error {
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
	r.missing[needs.missing(refusal.Error())] = true
	return nil
}

// missing returns the rule that a refusal names; Redis 6.2, 7, 8 and Valkey word refusals differently.
func (needs rules) missing(refusal string) string {
	command := refusedCommand.FindStringSubmatch(refusal)
	switch {
	case command != nil:
		return "+" + command[1]
	case strings.Contains(refusal, "channel"):
		return needs.channels
	default:
		return needs.keys
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
