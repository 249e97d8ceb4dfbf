//go:build linux

package drill

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gobwas/ws"
)

// part is one frame of a WebSocket as a client sends it, maybe not the last of its message.
func part(op ws.OpCode, last bool, payload string) string {
	return string(ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(op, last, []byte(payload)))))
}

// pour writes the same text until the node closes the connection or the attack is over, and reads what comes.
func (a *attack) pour(nc net.Conn, text string) {
	defer context.AfterFunc(a.ctx, func() { _ = nc.Close() })()
	var reading sync.WaitGroup
	reading.Go(func() { _, _ = io.Copy(io.Discard, nc) })
	for !a.over() {
		n, err := io.WriteString(nc, text)
		a.counted.Add(int64(n))
		if err != nil {
			break
		}
		time.Sleep(50 * time.Millisecond) // so that a few of them, in tests, leave something of the machine
	}
	_ = nc.Close()
	reading.Wait()
}

// framesWithoutEnd are frames that cost work and say nothing: fragments with nothing in them or with one byte, and control frames.
func framesWithoutEnd(a *attack) {
	floods := []string{
		part(ws.OpText, false, "42[") + strings.Repeat(part(ws.OpContinuation, false, ""), 10_000),
		part(ws.OpText, false, `42["x","`) + strings.Repeat(part(ws.OpContinuation, false, "x"), 60_000) + part(ws.OpContinuation, true, `"]`),
		strings.Repeat(part(ws.OpPing, true, strings.Repeat("p", ws.MaxControlFramePayloadSize)), 1000),
		strings.Repeat(part(ws.OpPong, true, ""), 10_000),
	}
	a.many(a.size(200), func(i int) {
		for n := i; !a.over(); n++ {
			if n%2 == 0 {
				a.duringUpgrade(floods[3])
			} else if s, err := a.join(""); err == nil {
				a.pour(s, floods[n/2%len(floods)])
			}
		}
	})
	a.say("%d MB of frames were taken", a.counted.Load()/1_000_000)
}

// duringUpgrade pours into a WebSocket that is tried by a session that polls.
func (a *attack) duringUpgrade(text string) {
	polls, err := a.dial()
	if err != nil {
		return
	}
	defer polls.Close()
	_, _ = io.WriteString(polls, "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: test\r\n\r\n")
	answer, err := http.ReadResponse(bufio.NewReader(polls), nil)
	if err != nil {
		return
	}
	open, _ := io.ReadAll(answer.Body)
	_, rest, _ := strings.Cut(string(open), `"sid":"`)
	sid, _, _ := strings.Cut(rest, `"`)
	if nc, err := a.dial(); err == nil {
		_, _ = io.WriteString(nc, strings.Replace(upgrade, "=websocket", "=websocket&sid="+sid, 1))
		a.pour(nc, text)
	}
}

// unfinishedMessages are almost as long as a message may be, in one frame or in several, and never complete.
func unfinishedMessages(a *attack) {
	const size = 65_000
	text := strings.Repeat("x", size)
	halves := []string{
		part(ws.OpText, true, text)[:size],
		part(ws.OpText, false, text[:size/2]) + part(ws.OpContinuation, false, text[size/2:]),
	}
	a.many(a.size(2000), func(i int) {
		s, err := a.join("")
		if err != nil {
			return
		}
		defer s.Close()
		if _, err := io.WriteString(s, halves[i%2]); err == nil {
			a.counted.Add(1)
		}
		<-a.ctx.Done()
	})
	a.say("%d messages of which the end is missing", a.counted.Load())
}

// requestsWithoutPause are requests that do not wait for answers, and bodies whose chunks are more work than content.
func requestsWithoutPause(a *attack) {
	const chunked = "POST /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
	floods := []string{
		strings.Repeat("GET /livez HTTP/1.1\r\nHost: test\r\n\r\n", 100),
		strings.Repeat("OPTIONS /socket.io/ HTTP/1.1\r\nHost: test\r\nOrigin: http://a.example\r\n\r\n", 100),
		chunked + strings.Repeat("1\r\n4\r\n", 5000),
		chunked + strings.Repeat(fmt.Sprintf("1;%s\r\n4\r\n", strings.Repeat("e", 4000)), 10),
		chunked + "0\r\n" + strings.Repeat("Trailer: x\r\n", 1000),
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + strings.Repeat("\x00\x00\x00\x04\x00\x00\x00\x00\x00", 1000),
		"GET /" + strings.Repeat("../", 5000) + "?" + strings.Repeat("%", 1000) + " HTTP/1.1\r\nHost: test\r\n\r\n",
	}
	a.many(a.size(200), func(i int) {
		for n := i; !a.over(); n++ {
			if nc, err := a.dial(); err == nil {
				a.pour(nc, floods[n%len(floods)])
			}
		}
	})
	a.say("%d MB of requests were taken", a.counted.Load()/1_000_000)
}
