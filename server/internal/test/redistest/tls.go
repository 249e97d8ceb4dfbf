package redistest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
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
	writeCertificates(t, caFile, certFile, keyFile)
	s.caFile = caFile
	s.auth = []string{"--cert", certFile, "--key", keyFile}
	s.args = append([]string{
		"--port", "0", "--tls-port", s.Port, "--tls-auth-clients", clients,
		"--tls-ca-cert-file", caFile, "--tls-cert-file", certFile, "--tls-key-file", keyFile,
	}, args...)
	s.start()
	return s, caFile
}

func writeCertificates(t testing.TB, caFile, certFile, keyFile string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	template := func(n int64, name string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(n), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		}
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	ca := template(1, "test CA")
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	must(err)

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	cert := template(2, "test server")
	cert.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	certDER, err := x509.CreateCertificate(rand.Reader, cert, ca, &key.PublicKey, caKey)
	must(err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)

	for file, block := range map[string]*pem.Block{
		caFile:   {Type: "CERTIFICATE", Bytes: caDER},
		certFile: {Type: "CERTIFICATE", Bytes: certDER},
		keyFile:  {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		must(os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
	}
}
