//go:build linux

package drill

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"scalable-chat/server/internal/test/chaos"
)

// drills are all attacks, with the memory that each may cost the node.
var drills = []drill{
	{"nobody attacks", calm, nil, false, 32},
	{"TLS handshakes", handshakes, nil, true, 128},
	{"half-open sockets", halfOpen, nil, false, 96},
	{"connects from one address", connects, nil, false, 128},
	{"clients that never read", neverRead, nil, false, 192},
	{"value bombs", valueBombs, nil, false, 192},
	{"frames without end", framesWithoutEnd, nil, false, 128},
	{"unfinished messages", unfinishedMessages, nil, false, 256},
	{"requests without a pause", requestsWithoutPause, nil, false, 128},
	{"endless chunked bodies", chunkedBodies, nil, false, 128},
	{"events in one segment", oneSegment, nil, false, 128},
	{"typing storm", typingStorm, nil, false, 96},
	{"room storm", roomStorm, nil, false, 256},
	{"reconnect storm after kill -9", reconnectStorm, killAndRestart, false, 320},
}

// calm is the measure for the others.
func calm(a *attack) {
	<-a.ctx.Done()
	a.say("nothing")
}

// halfOpen keeps sockets that say nothing, or never end what they began, or say a byte from time to time.
func halfOpen(a *attack) {
	beginnings := []string{
		"", "GET /socket.io/?EIO=4&tr", "GET / HTTP/1.1\r\nHost: test\r\nX-A: ", upgrade,
		"POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: test\r\nContent-Length: 60000\r\n\r\n",
	}
	a.many(a.size(2000), func(i int) {
		nc, err := a.dial()
		if err != nil {
			return
		}
		defer nc.Close()
		_, err = io.WriteString(nc, beginnings[i%len(beginnings)])
		a.counted.Add(1)
		for err == nil && !a.over() {
			time.Sleep(time.Second) // the pace of a slow loris
			if i%2 == 0 {
				_, err = io.WriteString(nc, "x")
			}
		}
		<-a.ctx.Done()
	})
	a.say("%d sockets, half of them with a byte a second", a.counted.Load())
}

// connects opens and drops connections, every other one with a session.
func connects(a *attack) {
	began := time.Now()
	const workers = 50
	every := time.Second * workers / time.Duration(a.size(5000))
	a.many(workers, func(i int) {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for n := 0; !a.over(); n++ {
			nc, err := a.dial()
			if err == nil {
				a.counted.Add(1)
				if n%2 == 0 {
					_, _ = io.WriteString(nc, upgrade)
				}
				_ = nc.Close()
			}
			<-ticker.C
		}
	})
	a.say("%.0f a second", float64(a.counted.Load())/time.Since(began).Seconds())
}

// handshakes shakes hands over TLS as often as it can, and leaves half of them in the middle.
func handshakes(a *attack) {
	conf := &tls.Config{InsecureSkipVerify: true} // whoever attacks does not ask whom
	a.many(a.size(400), func(i int) {
		for !a.over() {
			nc, err := a.dial()
			if err != nil {
				continue
			}
			if i%2 == 0 {
				_, _ = nc.Write([]byte{22, 3, 1, 2, 0, 1, 0})
				<-a.ctx.Done()
			} else if tls.Client(nc, conf).Handshake() == nil {
				a.counted.Add(1)
			}
			_ = nc.Close()
		}
	})
	a.say("%d handshakes, beside %d that do not end", a.counted.Load(), a.size(400)/2)
}

// neverRead joins and reads nothing, while a few send as much as they may.
func neverRead(a *attack) {
	const senders = 5
	long := `42["event:message",{"message":"` + strings.Repeat("m", 4000) + `","username":"u"}]`
	a.many(senders+a.size(1000), func(i int) {
		s, err := a.join("")
		if err != nil {
			return
		}
		defer s.Close()
		a.counted.Add(1)
		for i < senders && !a.over() && s.send(long, 1) == nil {
			time.Sleep(20 * time.Millisecond) // the rate of one connection
		}
		<-a.ctx.Done()
	})
	a.say("%d clients", a.counted.Load())
}

// valueBombs are packets that take much more memory decoded than they have bytes, or that are deep, or that are no JSON.
func valueBombs(a *attack) {
	const size = 60_000
	bombs := []string{
		`42["event:message",` + strings.Repeat("[", size/2) + strings.Repeat("]", size/2) + "]",
		`42["event:message",[` + strings.Repeat("0,", size/2) + "0]]",
		`42["event:message",{` + strings.Repeat(`"":{},`, size/7) + `"a":1}]`,
		`42["event:message",[` + strings.Repeat("1e999,", size/6) + "0]]",
		`40{"a":[` + strings.Repeat("{},", size/3) + "0]}",
		`42["event:message","` + strings.Repeat(`\u0000`, size/6) + `"]`,
		`451000-["event:message"]`, `42["event:message"`, "4" + strings.Repeat("9", size), "\xff\xfe",
	}
	a.many(a.size(100), func(i int) {
		for n := i; !a.over(); n++ {
			s, err := a.join("")
			if err != nil {
				continue
			}
			if s.send(bombs[n%len(bombs)], 3) == nil {
				a.counted.Add(3)
			}
			_ = s.Close()
		}
	})
	a.say("%d bombs of 60 KB", a.counted.Load())
}

// chunkedBodies sends bodies without a length to every route.
func chunkedBodies(a *attack) {
	const limit = 100_000_000
	chunk := fmt.Sprintf("%x\r\n%s\r\n", 64<<10, strings.Repeat("4", 64<<10))
	routes := []string{"POST /socket.io/?EIO=4&transport=polling", "POST /", "GET /livez", "PUT /rooms", "POST /api/v1/messages"}
	a.many(a.size(50), func(i int) {
		for n := i; !a.over(); n++ {
			nc, err := a.dial()
			if err != nil {
				continue
			}
			_, err = io.WriteString(nc, routes[n%len(routes)]+" HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n")
			for sent := 0; sent < limit && err == nil && !a.over(); sent += len(chunk) {
				if _, err = io.WriteString(nc, chunk); err == nil {
					a.counted.Add(int64(len(chunk)))
				}
			}
			_ = nc.Close()
		}
	})
	a.say("%d MB taken before they were refused", a.counted.Load()/1_000_000)
}

// oneSegment sends ten thousand events at once, from several clients, and reads what comes back.
func oneSegment(a *attack) {
	a.many(a.size(20), func(int) {
		s, err := a.join("")
		if err != nil {
			return
		}
		defer s.Close()
		var reading sync.WaitGroup
		reading.Go(s.drain)
		if s.send(`421["event:message",{"message":"m","username":"u"}]`, 10_000) == nil {
			a.counted.Add(1)
		}
		<-a.ctx.Done()
		_ = s.Close()
		reading.Wait()
	})
	a.say("10,000 from each of %d clients", a.size(20))
}

// typingStorm announces typing as fast as the node reads.
func typingStorm(a *attack) {
	a.many(a.size(200), func(i int) {
		s, err := a.join("")
		if err != nil {
			return
		}
		defer s.Close()
		var reading sync.WaitGroup
		reading.Go(s.drain)
		for n := i; !a.over() && s.send(fmt.Sprintf(`42["typing",{"username":"u%d","typing":%t}]`, i, n%2 == 0), 10) == nil; n++ {
			a.counted.Add(10)
			time.Sleep(10 * time.Millisecond) // so that the test machine is not the limit
		}
		_ = s.Close()
		reading.Wait()
	})
	a.say("%d notices of %d clients", a.counted.Load(), a.size(200))
}

// roomStorm opens rooms and leaves them.
func roomStorm(a *attack) {
	a.many(a.size(50), func(i int) {
		for n := 0; !a.over(); n++ {
			s, err := a.join(fmt.Sprintf("/rooms/storm-%d-%d,", i, n))
			if err != nil {
				continue
			}
			for k := range 40 {
				if s.send(fmt.Sprintf("40/rooms/storm-%d-%d-%d,", i, n, k), 1) == nil {
					a.counted.Add(1)
				}
			}
			_ = s.await(fmt.Sprintf("40/rooms/storm-%d-%d-39,", i, n))
			_ = s.Close()
		}
	})
	a.say("%d rooms opened and left", a.counted.Load())
}

// reconnectStorm comes back with all its clients at once after the node was killed.
func reconnectStorm(a *attack) {
	ctx, end := context.WithTimeout(context.Background(), patience)
	defer end()
	a.ctx = ctx
	n := a.size(5000)
	all := make([]*stranger, n)
	herd := func() {
		const workers = 200
		a.many(workers, func(w int) {
			for i := w; i < n; i += workers {
				for all[i] = nil; all[i] == nil && !a.over(); {
					all[i], _ = a.join("")
				}
			}
		})
	}
	herd()
	a.say("%d clients are here", n)
	all[0].drain() // until the node is killed
	began := time.Now()
	herd()
	a.say("%d clients, all back after %.1f s", n, time.Since(began).Seconds())
	time.Sleep(time.Second) // the crowd is heard a little longer
}

// killAndRestart is kill -9, and a supervisor that starts the node again.
func killAndRestart(n *chaos.Node) {
	n.Kill()
	n.Start()
}
