package main

import (
	"context"
	"fmt"
	"time"
)

// typingInterval is the time between two typing notices of one client, slightly longer than the second between relayed ones.
const typingInterval = 1010 * time.Millisecond

// announce makes the last clients send typing notices repeatedly, spread evenly over time.
func (l *load) announce(ctx context.Context, start time.Time, d time.Duration) {
	typists := l.clients[max(len(l.clients)-l.options.typists, 0):]
	if len(typists) == 0 {
		return
	}
	gap := typingInterval / time.Duration(len(typists))
	for i := 0; ; i++ {
		due := start.Add(time.Duration(i) * gap)
		if !due.Before(start.Add(d)) || pause(ctx, time.Until(due)) != nil {
			return
		}
		c := typists[i%len(typists)]
		packet := fmt.Appendf(nil, `42["typing",{"username":"typist %d","typing":true}]`, c.id)
		if err := c.write(opText, packet); err != nil {
			l.blame(fmt.Sprintf("typist %d", c.id), err)
			return
		}
	}
}
