// Package tlsport speaks TLS on a port, for a server without a proxy in front.
//
// It owns the certificate, which it reads again when its files change, and the cost of handshakes: how many compute at one time,
// and how much of one is read. Deadlines are those of the server that reads.
package tlsport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"scalable-chat/server/internal/pace"
)

// Certificate is a certificate with its key, in two PEM files. [Certificate.Watch] keeps it up to date.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	pair    atomic.Pointer[tls.Certificate]
	trouble atomic.Pointer[string]

	seen [2][]byte // the contents at the last look; owned by Watch
}

// Load reads the certificate for the first time. It fails if the files do not hold a certificate and its key.
func Load(certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log}
	none := ""
	c.trouble.Store(&none)
	contents, err := c.read()
	if err == nil {
		err = c.take(contents)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Certificate) read() (contents [2][]byte, err error) {
	for i, file := range []string{c.certFile, c.keyFile} {
		var failed error
		contents[i], failed = os.ReadFile(file)
		err = errors.Join(err, failed)
	}
	return contents, err
}

// take shows the pair to clients from now on, if it is one.
func (c *Certificate) take(contents [2][]byte) error {
	c.seen = contents
	pair, err := tls.X509KeyPair(contents[0], contents[1])
	if err != nil {
		return err
	}
	if old := c.pair.Load(); old != nil && isOver(&pair) && !isOver(old) {
		return errOver
	}
	c.pair.Store(&pair)
	return nil
}

var errOver = errors.New("the certificate is not valid any more")

func isOver(pair *tls.Certificate) bool { return time.Now().After(pair.Leaf.NotAfter) }

// Watch looks at the files every so often, until ctx ends. It compares what they hold, so it does not matter how they are
// replaced: written, renamed, or behind a link that moves, as Kubernetes does. New connections get the new certificate. A pair
// that is broken, half replaced, or over while the old one is valid is logged once and tried again at every change; until then the
// old one stays.
func (c *Certificate) Watch(ctx context.Context, every time.Duration) {
	for pace.Sleep(ctx, every) == nil {
		c.look()
	}
}

func (c *Certificate) look() {
	contents, err := c.read()
	switch {
	case err != nil:
		c.seen = [2][]byte{} // the same pair may come back
	case bytes.Equal(contents[0], c.seen[0]) && bytes.Equal(contents[1], c.seen[1]):
		return
	default:
		err = c.take(contents)
	}
	c.report(err)
}

// report logs what has changed since the last report.
func (c *Certificate) report(err error) {
	trouble := ""
	if err != nil {
		trouble = err.Error()
	}
	if before := *c.trouble.Swap(&trouble); err != nil && trouble != before {
		c.log.Error("the new certificate cannot be used; the old one stays", "cert", c.certFile, "key", c.keyFile, "error", err)
	}
	if err == nil {
		c.log.Info("the certificate was replaced", "cert", c.certFile, "until", c.pair.Load().Leaf.NotAfter)
	}
}

// soon is the time before the end of a certificate from which it counts as trouble.
const soon = 72 * time.Hour

// Degraded says in words, without paths, what is wrong with the certificate. It is empty if nothing is.
func (c *Certificate) Degraded() string {
	end := c.pair.Load().Leaf.NotAfter
	switch {
	case *c.trouble.Load() != "":
		return "the new certificate cannot be used; the old one stays"
	case time.Until(end) < soon:
		return "the certificate is valid until " + end.UTC().Format(time.RFC3339) + " only"
	}
	return ""
}

// config is for the server's side of a connection. It offers HTTP/1.1 only, because WebSockets need it.
func (c *Certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.pair.Load(), nil },
	}
}
