package chaos

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
)

// balancer is a plain round robin: each request, polling or WebSocket, goes to the next node. It skips a node that refuses
// connections; it retries nothing else.
type balancer struct {
	addr      string
	nodes     []string
	next      atomic.Uint64
	transport *http.Transport
}

func startBalancer(t testing.TB, nodes []*Node) *balancer {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{addr: l.Addr().String(), transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}
	for _, n := range nodes {
		b.nodes = append(b.nodes, n.Addr)
	}
	quiet := log.New(io.Discard, "", 0)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "next"})
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		Transport:     b,
		FlushInterval: -1,
		ErrorLog:      quiet,
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	server := &http.Server{Handler: proxy, ErrorLog: quiet}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
		b.transport.CloseIdleConnections()
	})
	return b
}

// RoundTrip implements [http.RoundTripper].
func (b *balancer) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	body := r.Body
	for range b.nodes {
		attempt := r.Clone(r.Context())
		attempt.URL.Host = b.nodes[b.next.Add(1)%uint64(len(b.nodes))]
		if body != nil {
			attempt.Body = io.NopCloser(body) // an attempt closes it, and the next one needs it
		}
		answer, err = b.transport.RoundTrip(attempt)
		var network *net.OpError
		if err == nil || !errors.As(err, &network) || network.Op != "dial" {
			return answer, err
		}
	}
	return nil, err
}
