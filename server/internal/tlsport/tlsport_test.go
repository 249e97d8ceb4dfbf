package tlsport

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/authority"
	"scalable-chat/server/internal/test/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

// port is an HTTP server behind TLS.
type port struct {
	authority.Files
	*Listener
	certificate *Certificate
	log         *journal.Journal
	client      *tls.Config
}

func open(t *testing.T) *port {
	t.Helper()
	p := &port{Files: authority.New(t), log: &journal.Journal{}}
	p.client = p.Client(t)
	var err error
	p.certificate, err = Load(p.Cert, p.Key, p.log.Logger())
	assert.NoError(t, err, "load")
	below, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err, "listen")
	p.Listener = Listen(below, p.certificate)
	server := &http.Server{
		ReadHeaderTimeout: time.Second, TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }),
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(p) })
	t.Cleanup(func() { _ = server.Close(); serving.Wait() })
	return p
}

// dial shakes hands as a client with that configuration does.
func (p *port) dial(t *testing.T, conf *tls.Config) (*tls.Conn, error) {
	t.Helper()
	nc, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", p.Addr().String(), conf)
	if err == nil {
		t.Cleanup(func() { _ = nc.Close() })
		assert.NoError(t, nc.SetDeadline(time.Now().Add(patience)), "deadline")
	}
	return nc, err
}

// ask sends a request and returns the answer.
func ask(t *testing.T, nc net.Conn) string {
	t.Helper()
	return askAgain(t, nc, "Connection: close\r\n")
}

// askAgain does so with one more line of the header. The connection stays unless that says otherwise.
func askAgain(t *testing.T, nc net.Conn, line string) string {
	t.Helper()
	_, err := io.WriteString(nc, "GET / HTTP/1.1\r\nHost: test\r\n"+line+"\r\n")
	assert.NoError(t, err, "request")
	answer, err := http.ReadResponse(bufio.NewReader(nc), nil)
	assert.NoError(t, err, "answer")
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	assert.NoError(t, err, "body")
	return string(body)
}

// shown is the certificate that a new connection gets.
func (p *port) shown(t *testing.T) []byte {
	t.Helper()
	nc, err := p.dial(t, &tls.Config{InsecureSkipVerify: true}) // which one is what the test asks
	assert.NoError(t, err, "handshake")
	return nc.ConnectionState().PeerCertificates[0].Raw
}

func (p *port) watch(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() { p.certificate.Watch(ctx, time.Millisecond) })
	t.Cleanup(func() { cancel(); watching.Wait() })
}

func TestLIM17_TLSNewerThan1_1AndHTTP1(t *testing.T) {
	p := open(t)
	for version, ok := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conf := p.client.Clone()
		conf.MinVersion, conf.MaxVersion, conf.NextProtos = tls.VersionTLS10, version, []string{"h2", "http/1.1"}
		nc, err := p.dial(t, conf)
		assert.Equal(t, tls.VersionName(version), err == nil, ok)
		if ok {
			assert.Equal(t, "protocol", nc.ConnectionState().NegotiatedProtocol, "http/1.1")
			assert.Equal(t, "answer", ask(t, nc), "HTTP/1.1")
		}
	}
}

// TestLIM17_TheCertificateIsReadAgain: it may be rewritten, renamed, or behind a link that moves.
func TestLIM17_TheCertificateIsReadAgain(t *testing.T) {
	for name, replace := range map[string]func(t *testing.T, p *port, next authority.Files){
		"written": func(t *testing.T, p *port, next authority.Files) {
			for from, to := range map[string]string{next.Cert: p.Cert, next.Key: p.Key} {
				content, err := os.ReadFile(from)
				assert.NoError(t, err, "read")
				assert.NoError(t, os.WriteFile(to, content, 0o600), "write")
			}
		},
		"renamed": func(t *testing.T, p *port, next authority.Files) {
			assert.NoError(t, os.Rename(next.Key, p.Key), "key")
			assert.NoError(t, os.Rename(next.Cert, p.Cert), "certificate")
		},
		"a link that moves": func(t *testing.T, p *port, next authority.Files) {
			dir := filepath.Dir(p.Cert)
			assert.NoError(t, os.Rename(dir, dir+".old"), "old")
			t.Cleanup(func() { _ = os.RemoveAll(dir + ".old") })
			assert.NoError(t, os.Symlink(filepath.Dir(next.Cert), dir), "link")
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t)
			p.watch(t)
			before := p.shown(t)
			replace(t, p, authority.New(t))
			assert.Eventually(t, "the new certificate", func() bool { return string(p.shown(t)) != string(before) })
		})
	}
}

// TestLIM17_NobodyNoticesAReplacement: while the files are written over and over, one after the other and not at once, everybody
// who comes gets a certificate with its key, and whoever was there stays.
func TestLIM17_NobodyNoticesAReplacement(t *testing.T) {
	p := open(t)
	p.watch(t)
	pairs := make([][2][]byte, 2)
	for i, f := range []authority.Files{p.Files, authority.New(t)} {
		for k, file := range []string{f.Cert, f.Key} {
			var err error
			pairs[i][k], err = os.ReadFile(file)
			assert.NoError(t, err, "read")
		}
	}
	old, err := p.dial(t, p.client)
	assert.NoError(t, err, "handshake")
	ctx, end := context.WithCancel(t.Context())
	var coming sync.WaitGroup
	var come, others atomic.Int64
	first := p.shown(t)
	for range 4 {
		coming.Go(func() {
			for ctx.Err() == nil {
				if string(p.shown(t)) != string(first) {
					others.Add(1)
				}
				come.Add(1)
			}
		})
	}
	for n := 1; n <= 40 || others.Load() < 5; n++ {
		assert.NoError(t, os.WriteFile(p.Cert, pairs[n%2][0], 0o600), "certificate")
		time.Sleep(2 * time.Millisecond) // both of another pair, as a careless script has it
		assert.NoError(t, os.WriteFile(p.Key, pairs[n%2][1], 0o600), "key")
		seen := come.Load()
		assert.Eventually(t, "some come", func() bool { return come.Load() >= seen+4 })
		assert.Equal(t, "the old connection", askAgain(t, old, ""), "HTTP/1.1")
	}
	end()
	coming.Wait()
}

// TestLIM17_ABrokenPairKeepsTheOld: a new pair that is broken is reported once, and the old certificate stays until it is mended.
func TestLIM17_ABrokenPairKeepsTheOld(t *testing.T) {
	p := open(t)
	p.watch(t)
	before := p.shown(t)
	good, err := p.certificate.read()
	assert.NoError(t, err, "read")
	const reason = "the new certificate cannot be used; the old one stays"
	for what, spoil := range map[string]func() error{
		"no key":          func() error { return os.Remove(p.Key) },
		"not PEM":         func() error { return os.WriteFile(p.Key, []byte("no key"), 0o600) },
		"of another pair": func() error { return os.Rename(authority.New(t).Key, p.Key) },
		"over": func() error {
			authority.WriteUntil(t, p.CA, p.Cert, p.Key, time.Now().Add(-time.Minute))
			return nil
		},
		"not to be read": func() error { return errors.Join(os.Remove(p.Cert), os.Mkdir(p.Cert, 0o700)) },
	} {
		assert.NoError(t, spoil(), what)
		assert.Eventually(t, what, func() bool { return p.certificate.Degraded() == reason })
		assert.Equal(t, what, string(p.shown(t)), string(before))
		_ = os.Remove(p.Cert)
		assert.NoError(t, errors.Join(os.WriteFile(p.Cert, good[0], 0o600), os.WriteFile(p.Key, good[1], 0o600)), "mend")
		assert.Eventually(t, "mended", func() bool { return p.certificate.Degraded() != reason })
	}
	if n := p.log.Count(reason); n < 5 || n > 15 { // a file that is being written may be seen empty, or without the other one
		t.Errorf("logged %d times", n)
	}
	assert.Equal(t, "a certificate that ends soon", p.certificate.Degraded()[:len("the certificate is valid until")], "the certificate is valid until")
}

// TestLIM17_HandshakesAreBounded: in time and bytes; one that waits does not keep others from theirs.
func TestLIM17_HandshakesAreBounded(t *testing.T) {
	p := open(t)
	hello := []byte{22, 3, 1, 0x3f, 0xff, 1, 0, 0xff, 0xff} // a client hello of 64 KiB, which never ends
	var silent []net.Conn
	for i := range 200 {
		nc, err := net.Dial("tcp", p.Addr().String())
		assert.NoError(t, err, "dial")
		t.Cleanup(func() { _ = nc.Close() })
		_, err = nc.Write(hello[:i%len(hello)])
		assert.NoError(t, err, "part of a hello")
		silent = append(silent, nc)
	}
	nc, err := p.dial(t, p.client)
	assert.NoError(t, err, "a client beside them")
	assert.Equal(t, "answer", ask(t, nc), "HTTP/1.1")

	for _, nc := range silent {
		assert.NoError(t, nc.SetDeadline(time.Now().Add(patience)), "deadline")
		_, err := io.Copy(io.Discard, nc)
		assert.NoError(t, err, "each is closed")
	}
	long, err := net.Dial("tcp", p.Addr().String())
	assert.NoError(t, err, "dial")
	defer long.Close()
	assert.NoError(t, long.SetDeadline(time.Now().Add(patience)), "deadline")
	sent := 0
	for record := append(hello, make([]byte, 0x3fff-4)...); err == nil && sent < 10<<20; {
		var n int
		n, err = long.Write(record)
		sent += n
		record = append([]byte{22, 3, 1, 0x3f, 0xff}, make([]byte, 0x3fff)...)
	}
	if sent >= 10<<20 {
		t.Error("a hello without end is read")
	}
}

func TestLIM17_PlainHTTPIsToldSo(t *testing.T) {
	p := open(t)
	nc, err := net.Dial("tcp", p.Addr().String())
	assert.NoError(t, err, "dial")
	defer nc.Close()
	assert.Equal(t, "answer", ask(t, nc), "This port speaks TLS: use https:// or wss://.\n")
}

// TestHandshakesTakeTurns: all tokens are back after handshakes of every kind, at the same time.
func TestHandshakesTakeTurns(t *testing.T) {
	p := open(t)
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			conf := p.client.Clone()
			conf.InsecureSkipVerify = i%3 > 0
			if i%3 == 0 {
				conf.RootCAs = nil // such a client breaks off
			}
			nc, err := tls.Dial("tcp", p.Addr().String(), conf)
			if err == nil {
				assert.Equal(t, "answer", ask(t, nc), "HTTP/1.1")
				_ = nc.Close()
			}
		})
	}
	all.Wait()
	assert.Eventually(t, "no handshake computes", func() bool { return len(p.turns) == 0 })
}
