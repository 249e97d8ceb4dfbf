package redistest

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// Proxy passes TCP connections on to a server and cuts them at will. Its methods may be called from any goroutine.
type Proxy struct {
	Addr string // host:port where it listens

	target   string
	listener net.Listener
	pipes    sync.WaitGroup

	mu     sync.Mutex
	rnd    *rand.Rand
	budget int // mean number of bytes after which a connection is cut, 0 for never
	down   bool
	ended  bool
	held   chan struct{} // if not nil, nothing passes until it is closed
	conns  map[net.Conn]struct{}
	cuts   int
}

// StartProxy listens on a free port and passes connections on to target. seed determines all random choices.
func StartProxy(t testing.TB, target string, seed uint64) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{
		Addr: l.Addr().String(), target: target, listener: l,
		rnd: rand.New(rand.NewPCG(seed, 0)), conns: map[net.Conn]struct{}{},
	}
	p.pipes.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// CutEvery cuts each new connection after a random number of bytes, both directions together, of at most twice
// the mean; 0 stops the cuts.
func (p *Proxy) CutEvery(mean int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.budget = mean
}

// CutAll cuts every open connection.
func (p *Proxy) CutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutAllLocked()
}

// SetDown cuts every open connection and refuses new ones until it is set to false.
func (p *Proxy) SetDown(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
	if down {
		p.cutAllLocked()
	}
}

// Hold stops delivery in both directions until it is set to false; connections stay open, and new ones are accepted.
func (p *Proxy) Hold(hold bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if hold == (p.held != nil) {
		return
	}
	if hold {
		p.held = make(chan struct{})
		return
	}
	close(p.held)
	p.held = nil
}

// waitReleased waits until nothing is held.
func (p *Proxy) waitReleased() {
	p.mu.Lock()
	held := p.held
	p.mu.Unlock()
	if held != nil {
		<-held
	}
}

// Cuts is how many connections CutEvery has cut so far.
func (p *Proxy) Cuts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}

func (p *Proxy) cutAllLocked() {
	for c := range p.conns {
		_ = c.Close()
	}
}

func (p *Proxy) close() {
	_ = p.listener.Close()
	p.Hold(false)
	p.mu.Lock()
	p.ended = true
	p.cutAllLocked()
	p.mu.Unlock()
	p.pipes.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp4", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.join(client, server)
	}
}

func (p *Proxy) join(client, server net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down || p.ended {
		_, _ = client.Close(), server.Close()
		return
	}
	l := &link{client: client, server: server, left: -1}
	if p.budget > 0 {
		l.left = 1 + p.rnd.IntN(2*p.budget)
	}
	p.conns[client], p.conns[server] = struct{}{}, struct{}{}
	p.pipes.Go(func() { p.pipe(l, server, client) })
	p.pipes.Go(func() { p.pipe(l, client, server) })
}

// link is a connection from client to server.
type link struct {
	client, server net.Conn

	mu   sync.Mutex
	left int // bytes that may still pass; negative: no bound
}

// pass takes n bytes from the budget and returns how many of them may pass.
func (l *link) pass(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left >= 0 {
		n = min(n, l.left)
		l.left -= n
	}
	return n
}

// pipe copies one direction until it ends or the budget of the link is used up; a part of a command or of an answer passes
// before the cut.
func (p *Proxy) pipe(l *link, dst io.Writer, src io.Reader) {
	defer p.leave(l)
	buf := make([]byte, 16<<10)
	for {
		n, err := src.Read(buf)
		p.waitReleased()
		allowed := l.pass(n)
		if _, werr := dst.Write(buf[:allowed]); werr != nil || err != nil {
			return
		}
		if allowed < n {
			p.mu.Lock()
			p.cuts++
			p.mu.Unlock()
			return
		}
	}
}

func (p *Proxy) leave(l *link) {
	_, _ = l.client.Close(), l.server.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, l.client)
	delete(p.conns, l.server)
}
