package redis

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// latency is told how long each exchange with a server of Redis took, whether it failed or not. Reads that wait for a message do
// not count.
type latency func(time.Duration)

var _ redis.Hook = latency(nil)

// watch adds the hook to a client of one server, if there is one.
func (l latency) watch(c *redis.Client) *redis.Client {
	if l != nil {
		c.AddHook(l)
	}
	return c
}

// DialHook changes nothing.
func (l latency) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook measures a command.
func (l latency) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "xread" {
			return next(ctx, cmd)
		}
		began := time.Now()
		err := next(ctx, cmd)
		l(time.Since(began))
		return err
	}
}

// ProcessPipelineHook measures a pipeline as one exchange.
func (l latency) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		began := time.Now()
		err := next(ctx, cmds)
		l(time.Since(began))
		return err
	}
}
