package siotest

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"scalable-chat/server/internal/wire"
)

// session is one Engine.IO session: from the handshake to the first failure.
type session struct {
	url       string
	tls       *tls.Config
	transport Transport
	ctx       context.Context // the life of the session
	end       context.CancelCauseFunc
	http      *http.Client
	greet     func() // sends the first packets
	note      func(what string)
	handle    func(packet []byte) error // called for each Socket.IO packet in order, from one goroutine at a time

	sid        string
	patience   time.Duration // how long the server may be silent
	maxPayload int           // bytes of a POST
	watchdog   *time.Timer
	wake       chan struct{} // one token: there is something to send
	upgrading  chan struct{} // closed when the server has answered the probe: polling pauses

	sending sync.Mutex // held while packets are in flight; guards ws
	ws      *webSocket // not nil: the transport

	mu      sync.Mutex
	pending []string // Engine.IO packets
}

var (
	errSilent = errors.New("the server was silent for too long")
	errClosed = errors.New("closed by the server")
)

func newSession(ctx context.Context, opts Options) *session {
	s := &session{
		url: opts.URL, tls: opts.TLS, transport: opts.Transport,
		http: &http.Client{Transport: &http.Transport{DisableCompression: true, TLSClientConfig: opts.TLS}},
		wake: make(chan struct{}, 1), upgrading: make(chan struct{}),
	}
	s.ctx, s.end = context.WithCancelCause(ctx)
	return s
}

// run runs the session to its end and returns the reason.
func (s *session) run() error {
	defer s.http.CloseIdleConnections()
	defer s.end(nil)
	s.watchdog = time.AfterFunc(20*time.Second, func() { s.end(errSilent) })
	defer s.watchdog.Stop()

	var tasks sync.WaitGroup
	start := func(task func() error) {
		tasks.Go(func() {
			if err := task(); err != nil {
				s.end(err)
			}
		})
	}
	if s.transport == WebSocket {
		start(s.liveByWebSocket)
	} else {
		start(s.liveByPolling)
	}
	start(s.write)
	<-s.ctx.Done()
	tasks.Wait()
	return context.Cause(s.ctx)
}

func (s *session) liveByWebSocket() error {
	ws, err := s.dial("")
	if err != nil {
		return err
	}
	defer ws.close()
	s.sending.Lock()
	s.ws = ws
	s.sending.Unlock()
	return s.readWebSocket(ws)
}

func (s *session) readWebSocket(ws *webSocket) error {
	for {
		text, err := ws.read()
		if err != nil {
			return err
		}
		p, err := wire.DecodeText(text)
		if err == nil {
			err = s.packet(p)
		}
		if err != nil {
			return err
		}
	}
}

// packet handles one Engine.IO packet.
func (s *session) packet(p wire.Packet) error {
	s.watchdog.Reset(s.patience + time.Second)
	switch p.Type {
	case wire.PacketOpen:
		return s.opened(p.Data)
	case wire.PacketPing:
		s.queue("3")
	case wire.PacketMessage:
		return s.handle(p.Data)
	case wire.PacketClose:
		return errClosed
	case wire.PacketNoop:
	default:
		return fmt.Errorf("unexpected packet %c", p.Type)
	}
	return nil
}

func (s *session) opened(data []byte) error {
	var open struct {
		Sid                       string
		PingInterval, PingTimeout int64
		MaxPayload                int
	}
	if err := json.Unmarshal(data, &open); err != nil || open.Sid == "" {
		return fmt.Errorf("open packet %.80q: %w", data, err)
	}
	s.sid = open.Sid
	s.note("opened " + s.sid)
	s.maxPayload = open.MaxPayload
	s.patience = time.Duration(open.PingInterval+open.PingTimeout) * time.Millisecond
	s.watchdog.Reset(s.patience + time.Second)
	s.greet()
	return nil
}

// send queues a Socket.IO packet.
func (s *session) send(packet string) { s.queue("4" + packet) }

func (s *session) queue(packet string) {
	s.mu.Lock()
	s.pending = append(s.pending, packet)
	s.mu.Unlock()
	s.wakeUp()
}

func (s *session) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// fitting is how many of the packets one POST carries, at least one: like a stock client, it keeps to the handshake's maxPayload.
// The server answers a POST when all of its packets have had their turns. A client that upgrades gets no ping until then, so a
// larger POST could outlast its patience.
func (s *session) fitting(packets []string) int {
	size := 0
	for n, p := range packets {
		if size += len(p) + 1; n > 0 && size > s.maxPayload {
			return n
		}
	}
	return len(packets)
}

// write sends the queued packets over the current transport.
func (s *session) write() error {
	for {
		select {
		case <-s.wake:
		case <-s.ctx.Done():
			return nil
		}
		if err := s.flush(); err != nil {
			return err
		}
	}
}

func (s *session) flush() error {
	s.sending.Lock()
	defer s.sending.Unlock()
	s.mu.Lock()
	packets := s.pending
	if s.ws == nil {
		packets = packets[:s.fitting(packets)]
	}
	s.pending = s.pending[len(packets):]
	more := len(s.pending) > 0
	s.mu.Unlock()
	if more { // another call sends them: an upgrade may come in between
		defer s.wakeUp()
	}
	if len(packets) == 0 {
		return nil
	}
	if s.ws == nil {
		return s.post(packets)
	}
	return s.ws.write(packets...)
}
