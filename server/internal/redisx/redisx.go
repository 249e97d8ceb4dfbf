// Package redisx holds the few rules about Redis that several packages share.
//
// It owns the form of the cluster's keys and channels, the time that one exchange with Redis may take and the wait before the
// next one, and the reading of failures: what a pipeline that was never sent looks like, and how a failure is worded for the
// log and for a health report.
package redisx

import (
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// ExchangeTimeout bounds one heartbeat or one batch of messages, if the client honours deadlines
// ([redis.Options].ContextTimeoutEnabled).
const ExchangeTimeout = 2 * time.Second

// Key names a key or channel of the cluster with that STREAM_KEY. All of them share a hash tag, so that they live in one
// slot of a Redis Cluster.
func Key(streamKey, name string) string { return "{" + streamKey + "}:" + name }

// NotSent returns the error that kept a pipeline from being sent, such as a wrong password: then no command bears an
// error. It returns nil if the pipeline was sent; then each command tells its own result.
func NotSent(commands []redis.Cmder, err error) error {
	for _, c := range commands {
		if c.Err() != nil {
			return nil
		}
	}
	return err
}

// Degraded returns what is wrong, in words for a health report, followed by the code of Redis's refusal if err is one, as
// in "nothing is heard: Redis refuses (OOM)". Addresses and credentials are left out.
func Degraded(what string, err error) string {
	var refusal redis.Error
	if !errors.As(err, &refusal) {
		return what
	}
	code, _, _ := strings.Cut(refusal.Error(), " ")
	return what + ": Redis refuses (" + code + ")"
}
