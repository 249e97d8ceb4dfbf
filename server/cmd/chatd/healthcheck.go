package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"scalable-chat/server/internal/config"
)

const healthUsage = `chatd healthcheck asks the node on this machine whether it is ready, and exits with 0 if it is, and with 1 if not. It takes the
settings of the node, from the same places: it asks OPS_ADDR, or without it PORT. It is for HEALTHCHECK of containers that have no curl.
`

// The bounds of a health check.
const (
	healthTimeout = 3 * time.Second // shorter than the time-out that container engines are given
	maxReport     = 4 << 10         // bytes
)

// healthcheck asks the node that has the settings in args, in the environment and in .env. It never returns [exitUsage], which
// container engines reserve.
func healthcheck(args []string, stdout, stderr io.Writer) int {
	cfg, err := config.Load(args)
	switch {
	case errors.Is(err, config.ErrHelp):
		fmt.Fprint(stdout, healthUsage)
		return exitOK
	case err == nil:
		err = askReady(cfg, stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "chatd healthcheck:", visible(err.Error()))
		return exitFailed
	}
	return exitOK
}

// askReady prints what the node reports. The error says why it is not ready.
func askReady(cfg config.Config, stdout io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, readyURL(cfg), nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		// The certificate names the public host, and this asks an address of its own machine, which nobody else has.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
	}}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxReport))
	if err != nil {
		return err
	}
	report := strings.TrimSpace(string(text))
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s: %s", request.URL, answer.Status, report)
	}
	fmt.Fprintln(stdout, visible(report))
	return nil
}

// readyURL is where a node with these settings says whether it is ready. The private port comes first: it speaks plain HTTP
// whatever the main port speaks.
func readyURL(cfg config.Config) string {
	scheme, at := "http", cfg.ListenAddr()
	switch {
	case cfg.OpsAddr != "":
		at = cfg.OpsAddr
	case cfg.TLS():
		scheme = "https"
	}
	return scheme + "://" + reachable(at) + "/readyz"
}

// reachable is the address by which this machine reaches a listener of its own, which may listen on all addresses.
func reachable(listening string) string {
	host, port, err := net.SplitHostPort(listening)
	if err != nil { // never: Load has checked it
		return listening
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
