package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"scalable-chat/server/internal/config"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/authority"
)

// checked runs chatd healthcheck with the settings of the node, and returns its exit code and all that it prints.
func (p *process) checked(t *testing.T) (code int, text string) {
	t.Helper()
	code, out, bad := chatd(t, append([]string{"healthcheck"}, p.cmd.Args[1:]...)...)
	return code, out + bad
}

// TestHealthcheckFollowsReadiness: a node that drains is not ready, and one that has ended is not there.
func TestHealthcheckFollowsReadiness(t *testing.T) {
	p := start(t, "--drain-delay=1h")
	code, text := p.checked(t)
	assert.Equal(t, text, code, exitOK)
	assert.Equal(t, "report", strings.Contains(text, `"status":"ready"`), true)
	assert.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	p.answers(t, http.StatusServiceUnavailable)
	code, text = p.checked(t)
	assert.Equal(t, text, code, exitFailed)
	assert.Equal(t, "report", strings.Contains(text, `"status":"draining"`), true)
	assert.NoError(t, p.cmd.Process.Kill())
	<-p.done
	code, text = p.checked(t)
	assert.Equal(t, text, code, exitFailed)
}

// TestHealthcheckReachesEveryPort: with TLS on the main port, and on the private port whatever the main one speaks.
func TestHealthcheckReachesEveryPort(t *testing.T) {
	files := authority.New(t)
	withTLS := []string{"--tls-cert-file=" + files.Cert, "--tls-key-file=" + files.Key}
	private, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	assert.NoError(t, private.Close())
	_, port, _ := net.SplitHostPort(private.Addr().String())
	for name, flags := range map[string][]string{
		"TLS":          withTLS,
		"private port": append(withTLS, "--ops-addr=:"+port, "--proxy-protocol", "--trusted-proxies=127.0.0.0/8"),
	} {
		p := newProcess(t, flags...)
		assert.NoError(t, p.cmd.Start())
		assert.Eventually(t, name, func() bool {
			code, _ := p.checked(t)
			return code == exitOK
		})
		assert.NoError(t, p.cmd.Process.Kill())
		_ = p.cmd.Wait()
	}
}

// TestHealthcheckAsksThisMachine, whatever the node listens on.
func TestHealthcheckAsksThisMachine(t *testing.T) {
	for _, c := range []struct {
		cfg  config.Config
		want string
	}{
		{config.Config{Port: 8000}, "http://127.0.0.1:8000/readyz"},
		{config.Config{Port: 80, Host: "0.0.0.0"}, "http://127.0.0.1:80/readyz"},
		{config.Config{Port: 80, Host: "::"}, "http://127.0.0.1:80/readyz"},
		{config.Config{Port: 80, Host: "10.0.0.7"}, "http://10.0.0.7:80/readyz"},
		{config.Config{Port: 443, TLSCertFile: "x"}, "https://127.0.0.1:443/readyz"},
		{config.Config{Port: 443, TLSCertFile: "x", OpsAddr: ":9100"}, "http://127.0.0.1:9100/readyz"},
		{config.Config{Port: 8000, OpsAddr: "server1:9100"}, "http://server1:9100/readyz"},
		{config.Config{Port: 8000, OpsAddr: "[fd00::5]:9100"}, "http://[fd00::5]:9100/readyz"},
	} {
		assert.Equal(t, "address", readyURL(c.cfg), c.want)
	}
}

// TestHealthcheckNeverExitsWithTwo, which container engines reserve; its help asks nobody.
func TestHealthcheckNeverExitsWithTwo(t *testing.T) {
	var out, bad bytes.Buffer
	assert.Equal(t, "exit code", run([]string{"healthcheck", "--config=/dev/null", "--port=x"}, io.Discard, &bad), exitFailed)
	assert.Equal(t, "names the setting", strings.Contains(bad.String(), "PORT"), true)
	assert.Equal(t, "exit code of --help", run([]string{"healthcheck", "--help"}, &out, io.Discard), exitOK)
	assert.Equal(t, "help", out.String(), healthUsage)
}
