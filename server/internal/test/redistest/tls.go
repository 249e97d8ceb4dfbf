package redistest

import (
	"path/filepath"
	"testing"

	"scalable-chat/server/internal/test/authority"
)

// StartTLS starts a redis-server that speaks only TLS, with a certificate for 127.0.0.1 by a CA made for this test, and
// returns the file that holds the certificate of that CA.
func StartTLS(t testing.TB, args ...string) (s *Server, caFile string) {
	t.Helper()
	return startTLS(t, "no", args...)
}

// StartMutualTLS starts a redis-server as [StartTLS] does, which also requires a client certificate of that CA, as is
// Redis' own default. It returns the file of the CA, and the files of a certificate and its key that it accepts.
func StartMutualTLS(t testing.TB) (s *Server, caFile, certFile, keyFile string) {
	t.Helper()
	s, caFile = startTLS(t, "yes")
	return s, caFile, filepath.Join(s.Dir, "cert.pem"), filepath.Join(s.Dir, "key.pem")
}

func startTLS(t testing.TB, clients string, args ...string) (s *Server, caFile string) {
	t.Helper()
	s = newServer(t)
	caFile = filepath.Join(s.Dir, "ca.pem")
	certFile, keyFile := filepath.Join(s.Dir, "cert.pem"), filepath.Join(s.Dir, "key.pem")
	authority.Write(t, caFile, certFile, keyFile)
	s.caFile = caFile
	s.auth = []string{"--cert", certFile, "--key", keyFile}
	s.args = append([]string{
		"--port", "0", "--tls-port", s.Port, "--tls-auth-clients", clients,
		"--tls-ca-cert-file", caFile, "--tls-cert-file", certFile, "--tls-key-file", keyFile,
	}, args...)
	s.start()
	return s, caFile
}
