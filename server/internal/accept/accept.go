// Package accept limits the TCP connections of a server: how many there may be at one time, in all and from one address. It
// also learns from trusted proxies for whom they connect.
//
// It owns the cost of connections that are not sessions, or never become one; package engineio limits sessions. A full listener
// goes on accepting: a new connection replaces the one that has waited longest for a request. If none waits, the new
// connection gets an HTTP error and is closed. Left in the kernel's queue, it would make health checks time out.
package accept

import (
	"container/list"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"scalable-chat/server/internal/proxyproto"
	"scalable-chat/server/internal/subscriber"
)

// Limits bound the connections of one [Listener].
type Limits struct {
	Total      int            // at one time; 0 is unlimited
	PerAddress int            // of them from one address, or one IPv6 /64 network; 0 is unlimited
	Exempt     []netip.Prefix // without PerAddress: proxies, which connect for many clients
	// Introduces above 0 means that each connection of Exempt begins with a PROXY header, which must arrive in this time. Then the
	// connection counts for the client that the header names.
	Introduces time.Duration
	SendBuffer int // bytes that the kernel buffers for a connection that does not read, on Unix; 0 is its default
}

// The reasons with which Hooks.Refused is called.
const (
	Full        = "Too many sockets"
	FullAddress = "Too many sockets from one address"
	Unnamed     = "No PROXY header"
)

// Reasons lists the reasons with which Hooks.Refused is called.
func Reasons() []string { return []string{Full, FullAddress, Unnamed} }

// Hooks observe the listener. They may be called from any goroutine and must return quickly. They may be nil.
type Hooks struct {
	Refused func(reason string) // a connection was turned away; one of Reasons
	Failed  func(err error)     // accepting failed; nil: it works again
}

// Listener is a TCP listener with limits. Its connections have all methods of a [net.TCPConn].
type Listener struct {
	*net.TCPListener
	limits Limits
	hooks  Hooks

	failing bool // owned by the goroutine that accepts

	mu      sync.Mutex
	total   int
	sources map[netip.Prefix]int
	waiting list.List // of *conn: those without a request, oldest first
}

// Limit puts limits on a listener.
func Limit(l *net.TCPListener, limits Limits, hooks Hooks) *Listener {
	if limits.SendBuffer > 0 {
		boundSendBuffer(l, limits.SendBuffer)
	}
	return &Listener{TCPListener: l, limits: limits, hooks: hooks, sources: map[netip.Prefix]int{}}
}

// Len is the number of open connections.
func (l *Listener) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

// Accept waits for the next connection that is within the limits.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		tcp, err := l.AcceptTCP()
		if err != nil {
			l.report(err)
			return nil, err
		}
		l.report(nil)
		c := &conn{TCPConn: tcp, listener: l, source: subscriber.Of(addressOf(tcp.RemoteAddr())), peer: tcp.RemoteAddr()}
		c.named = l.limits.Introduces <= 0 || !l.exempts(c.source)
		evicted, reason := l.enter(c)
		if evicted != nil {
			_ = evicted.Close() // its reader cleans up
		}
		if reason == "" {
			return c, nil
		}
		l.refused(reason)
		turnAway(tcp, reason)
	}
}

func (l *Listener) refused(reason string) {
	if l.hooks.Refused != nil {
		l.hooks.Refused(reason)
	}
}

// report tells the hook of each failure to accept, and once that accepting works again.
func (l *Listener) report(err error) {
	if errors.Is(err, net.ErrClosed) || err == nil && !l.failing {
		return
	}
	l.failing = err != nil
	if l.hooks.Failed != nil {
		l.hooks.Failed(err)
	}
}

// enter counts a connection, and evicts another one if it has to. reason is empty unless the connection is refused.
func (l *Listener) enter(c *conn) (evicted *conn, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limits.PerAddress > 0 && l.sources[c.source] >= l.limits.PerAddress && !l.exempts(c.source) {
		return nil, FullAddress
	}
	if l.limits.Total > 0 && l.total >= l.limits.Total {
		longest := l.waiting.Front()
		if longest == nil {
			return nil, Full
		}
		evicted = longest.Value.(*conn)
		l.leaveLocked(evicted)
	}
	l.total++
	l.countLocked(c.source, 1)
	c.entered = true
	c.place = l.waiting.PushBack(c)
	return evicted, ""
}

// rename counts a connection for the client that its header names. It returns false if that has too many.
func (l *Listener) rename(c *conn, source netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limits.PerAddress > 0 && l.sources[source] >= l.limits.PerAddress && !l.exempts(source) {
		return false
	}
	if c.entered {
		l.countLocked(c.source, -1)
		l.countLocked(source, 1)
	}
	c.source = source
	return true
}

func (l *Listener) countLocked(source netip.Prefix, by int) {
	if l.sources[source] += by; l.sources[source] == 0 {
		delete(l.sources, source)
	}
}

func (l *Listener) exempts(source netip.Prefix) bool {
	for _, p := range l.limits.Exempt {
		if p.Contains(source.Addr()) {
			return true
		}
	}
	return false
}

func (l *Listener) leaveLocked(c *conn) {
	if !c.entered {
		return
	}
	c.entered = false
	l.total--
	l.countLocked(c.source, -1)
	l.waitLocked(c, false)
}

// waitLocked notes whether a connection waits for a request.
func (l *Listener) waitLocked(c *conn, waits bool) {
	if c.place != nil {
		l.waiting.Remove(c.place)
		c.place = nil
	}
	if waits {
		c.place = l.waiting.PushBack(c)
	}
}

// State is the ConnState hook of the [http.Server] that serves the listener. It makes idle connections candidates for eviction.
// Connections may be wrapped, as those of TLS are: it finds its own beneath, by their method NetConn.
func (l *Listener) State(nc net.Conn, state http.ConnState) {
	for wrapped, ok := nc.(interface{ NetConn() net.Conn }); ok; wrapped, ok = nc.(interface{ NetConn() net.Conn }) {
		nc = wrapped.NetConn()
	}
	c, ok := nc.(*conn)
	if !ok || state == http.StateNew {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waitLocked(c, c.entered && state == http.StateIdle)
}

// conn is a connection that is counted until it is closed.
type conn struct {
	*net.TCPConn
	listener *Listener

	named      bool // there is no header to wait for
	introduced sync.Once
	peer       net.Addr // of the client, once introduced
	failed     error    // to introduce it

	// Guarded by the listener's mu.
	source  netip.Prefix // whom it counts for
	entered bool
	place   *list.Element
}

// RemoteAddr is the address of the client. The first call waits for the PROXY header if a proxy owes one.
func (c *conn) RemoteAddr() net.Addr {
	c.introduce()
	return c.peer
}

// Read reads what follows the PROXY header. Without a valid header it fails.
func (c *conn) Read(p []byte) (int, error) {
	if c.introduce(); c.failed != nil {
		return 0, c.failed
	}
	n, err := c.TCPConn.Read(p)
	if n == len(p) {
		// More has come than was asked for. A client that always has more would keep its core for 10 ms at a time, and with some
		// hundred of them all others would wait for seconds.
		runtime.Gosched()
	}
	return n, err
}

// introduce reads the PROXY header, once, if there has to be one.
func (c *conn) introduce() {
	if c.named {
		return
	}
	c.introduced.Do(func() {
		_ = c.SetReadDeadline(time.Now().Add(c.listener.limits.Introduces)) // an error means that it is closed
		client, err := proxyproto.Read(c.TCPConn)
		if err != nil {
			c.fail(Unnamed, err)
			return
		}
		_ = c.SetReadDeadline(time.Time{})
		if !client.IsValid() {
			return
		}
		c.peer = net.TCPAddrFromAddrPort(client)
		if !c.listener.rename(c, subscriber.Of(client.Addr())) {
			c.fail(FullAddress, errFull)
			turnAway(c.TCPConn, FullAddress)
		}
	})
}

var errFull = errors.New("too many connections of this client")

// fail makes every Read fail, in a way that net/http does not answer.
func (c *conn) fail(reason string, err error) {
	c.failed = &net.OpError{Op: "read", Net: "tcp", Err: err}
	c.listener.refused(reason)
}

// Close closes the connection and frees its place.
func (c *conn) Close() error {
	err := c.TCPConn.Close()
	c.listener.mu.Lock()
	defer c.listener.mu.Unlock()
	c.listener.leaveLocked(c)
	return err
}

// addressOf is the address of a peer, or the zero address.
func addressOf(peer net.Addr) netip.Addr {
	if tcp, ok := peer.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr()
	}
	return netip.Addr{}
}

// turnAwayTimeout bounds the write of an answer that always fits into the buffer of a new socket.
const turnAwayTimeout = 10 * time.Millisecond

// turnAway answers that the client should retry later, and closes the connection.
func turnAway(c *net.TCPConn, reason string) {
	status := "503 Service Unavailable"
	if reason == FullAddress {
		status = "429 Too Many Requests"
	}
	_ = c.SetWriteDeadline(time.Now().Add(turnAwayTimeout)) // errors here mean that the client is gone
	_, _ = c.Write([]byte("HTTP/1.1 " + status + "\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: 5\r\n\r\n"))
	_ = c.Close()
}
